/* SPDX-License-Identifier: Apache-2.0 */
/* Notices: clients learn what happens to their credentials. Unstable until 1.0, as <sealring/manage.h>. */
#ifndef SEALRING_NOTICES_H
#define SEALRING_NOTICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/manage.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* ---- What a client receives -------------------------------------------------------------------------------------------- */

typedef enum sealring_notice_event {
    SEALRING_NOTICE_SUCCESSOR = 1,   /* another version is active: a successor is available */
    SEALRING_NOTICE_CLOSING = 2,     /* the version of the newest credential retires in 7 days, 1 day, 1 hour */
    SEALRING_NOTICE_OLD = 3,         /* the same, of a key that has a newer credential and does not use it */
    SEALRING_NOTICE_EXPIRING = 4,    /* the newest credential expires in 7 days, 1 day, 1 hour */
    SEALRING_NOTICE_EXPIRED = 5,     /* it has expired */
    SEALRING_NOTICE_REVOKED = 6,     /* the API key was revoked */
    SEALRING_NOTICE_ROLLED_BACK = 7, /* an older version is active again */
    SEALRING_NOTICE_CONTESTED = 8,   /* two peers renewed the same credential of a key for one holder */
    SEALRING_NOTICE_EMERGENCY = 9    /* a version was compromised: its credentials are rejected */
} sealring_notice_event;
/* "successor-available", "window-closing", "still-on-old-version", "expiring", "expired", "revoked", "rolled-back", "contested", "emergency";
 * "none" for anything unknown. Static. */
const char *sealring_notice_event_name(sealring_notice_event event);

typedef enum sealring_notice_channel {
    SEALRING_CHANNEL_EMAIL = 1,
    SEALRING_CHANNEL_WEBHOOK = 2,
    SEALRING_CHANNEL_HOOK = 3
} sealring_notice_channel;
/* "email", "webhook", "hook"; "none" for anything unknown. Static. */
const char *sealring_notice_channel_name(sealring_notice_channel channel);

/* What is set for one client; NULL: as it is. "none" or "" removes it. */
typedef struct sealring_notice_settings {
    size_t size;
    const char *channels; /* "email,webhook,hook" or some of these */
    const char *webhook;  /* an https URL of at most 2048 bytes */
    const char *quiet;    /* "22:00-07:00", UTC: only emergencies and contested keys are sent meanwhile */
    const char *digest; /* a duration of 1h to 7d: everything but emergencies and contested keys is sent at once then */
} sealring_notice_settings;

/* As sealring_client_add_certified and sealring_client_set_certified, in the same act with the settings; settings NULL: as they are. SEALRING_INVALID:
 * a text is not as above, or a channel lacks what it needs: email the contact, webhook the URL. */
sealring_status sealring_client_add_notified(sealring_manager *manager, const char *name, const char *contact,
                                             const void *certificate, size_t length,
                                             const sealring_notice_settings *settings, sealring_error *error);
sealring_status sealring_client_set_notified(sealring_manager *manager, const char *name, const char *contact,
                                             const void *certificate, size_t length,
                                             const sealring_notice_settings *settings, sealring_error *error);

typedef struct sealring_notices_info {
    size_t size;
    const char *state; /* "none", "confirmed", or "altered": somebody edited the registry, and nothing is sent */
    char channels[24];
    char quiet[16];
    int64_t digest; /* 0: none */
    char webhook[2049];
} sealring_notices_info;

/* The client's settings. SEALRING_NOT_FOUND: there is no such client. */
sealring_status sealring_client_notices(sealring_manager *manager, const char *name, sealring_notices_info *info,
                                        sealring_error *error);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
