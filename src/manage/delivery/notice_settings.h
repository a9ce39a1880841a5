/* SPDX-License-Identifier: Apache-2.0 */
/* What a client is notified of, how and when: the text that its row and its facts are about. Pure. */
#ifndef MANAGE_DELIVERY_NOTICE_SETTINGS_H
#define MANAGE_DELIVERY_NOTICE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include <sealring/notices.h>

#define NOTICE_TEXT_SIZE  2301 /* of the settings as they are stored, NUL included */
#define NOTICE_URL_MAX    2048
#define NOTICE_DIGEST_MIN 3600000 /* 1 h */
#define NOTICE_DIGEST_MAX (7 * INT64_C(86400000))
#define NOTICE_MINUTES    1440 /* of a day */

struct notice_settings {
    bool channels[SEALRING_CHANNEL_HOOK + 1]; /* by sealring_notice_channel */
    bool quiet;
    int quiet_from, quiet_to; /* minutes of the day, UTC; not equal */
    int64_t digest;           /* ms; 0: none */
    char webhook[NOTICE_URL_MAX + 1];
};

/* Reads the stored text; "" gives no channel. False: it has another form. */
bool notice_settings_read(const char *text, struct notice_settings *settings);
/* Writes it; "" if nothing is set. */
void notice_settings_write(const struct notice_settings *settings, char text[NOTICE_TEXT_SIZE]);

/* Sets what `changes` has. SEALRING_INVALID: one of its texts is not valid, or a channel lacks what it needs. has_contact: the client has one. */
sealring_status notice_settings_change(struct notice_settings *settings, const sealring_notice_settings *changes,
                                       bool has_contact, sealring_error *error);

/* "email,webhook", or "none"; "22:00-07:00", or "none". */
#define NOTICE_CHANNELS_SIZE 20
#define NOTICE_QUIET_SIZE    12
void notice_channels_write(const struct notice_settings *settings, char text[NOTICE_CHANNELS_SIZE]);
void notice_quiet_write(const struct notice_settings *settings, char text[NOTICE_QUIET_SIZE]);

#endif
