/* SPDX-License-Identifier: Apache-2.0 */
/* What the channels get: one message to one client. */
#ifndef MANAGE_NOTICES_NOTICE_CHANNEL_H
#define MANAGE_NOTICES_NOTICE_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include <sealring/notices.h>

#include "notify/send_result.h"

#define NOTICE_ID_SIZE 33 /* hexadecimal, NUL included */

/* One notice, about one API key, or about a version as a whole: then key_id is "". */
struct notice {
    sealring_notice_event event;
    char ring[SEALRING_NAME_LENGTH_MAX + 1];
    uint32_t version; /* that the event is about; 0: none */
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    char label[SEALRING_NAME_LENGTH_MAX + 1];
    int64_t at; /* when it happened */
    int64_t
        until; /* until when the key's present credential is accepted; 0: not known, or it is not accepted any more */
};

/* One message by one channel: one notice, or several at once. */
struct notice_message {
    char id[NOTICE_ID_SIZE]; /* the same in each attempt, also after a crash */
    sealring_notice_channel channel;
    const struct notice *notices; /* the first ones */
    size_t count;
    uint64_t total; /* with those that are not among them */
    const char *client;
    const char *contact; /* "": none */
    const char *webhook; /* "": none */
    int64_t now;
    char *json; /* made by notice_text.c */
    char *subject;
    char *text;
};

#endif
