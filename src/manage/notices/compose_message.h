/* SPDX-License-Identifier: Apache-2.0 */
/* The next message to one client by one channel: which rows of the outbox it consists of, and what it contains. */
#ifndef MANAGE_NOTICES_COMPOSE_MESSAGE_H
#define MANAGE_NOTICES_COMPOSE_MESSAGE_H

#include "manage/delivery/notice_settings.h"
#include "manage/notices/notice_confirm.h"

#define NOTICE_ROWS_MAX 10000 /* of one message */

enum outgoing_fate {
    OUTGOING_STAYS, /* nothing is done about it now */
    OUTGOING_SENT,  /* a part of the message */
    OUTGOING_DROPPED
};

struct outgoing_message {
    int64_t client;
    int channel;
    struct registry_notice *rows; /* of this client and channel, in their order */
    enum outgoing_fate *fates;
    size_t row_count;
    int64_t defer; /* none is due before this time; 0: as the rows have it */
    char name[SEALRING_NAME_LENGTH_MAX + 1];
    char contact[REGISTRY_CONTACT_SIZE];
    struct notice_settings settings;
    struct notice *notices;
    struct notice_message message;
    bool sends;
    bool tried; /* it was sent, with this result: */
    struct send_result result;
    char alarm[SEALRING_MESSAGE_SIZE]; /* one line for the operator, "" for nothing */
};

/* In an act with the token, outside any transaction. outgoing: all zero but client and channel. */
sealring_status compose_message(sealring_manager *manager, struct outgoing_message *outgoing, int64_t now,
                                sealring_error *error);
void compose_release(struct outgoing_message *outgoing);

/* Inside a writing transaction, before it is sent: the message's rows get its ID and are not due for `lease` ms; others are deleted or deferred. */
sealring_status compose_claim(struct registry *registry, const struct outgoing_message *outgoing, int64_t now,
                              int64_t lease, sealring_error *error);
/* After it: what became of them. */
sealring_status compose_record(struct registry *registry, struct outgoing_message *outgoing, int64_t now,
                               sealring_error *error);

#endif
