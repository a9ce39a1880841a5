/* SPDX-License-Identifier: Apache-2.0 */
/* What a row of the outbox is about, derived again from the log, the facts and the token. */
#ifndef MANAGE_NOTICES_NOTICE_CONFIRM_H
#define MANAGE_NOTICES_NOTICE_CONFIRM_H

#include "manage/notices/notice_channel.h"
#include "manage/notices/notice_entry.h"

#define NOTICE_KEYS_MAX 100 /* that one message lists */

/* API keys that one row is about, before the token has confirmed them. */
struct notice_subject {
    struct registry_ring ring;
    struct registry_version version;
    struct registry_holder *holders; /* freed with free() */
    size_t count;                    /* at most `room` of them */
    uint64_t total;
};

/* In a transaction of an act. room: for at most this number of holders. NOTICE_TRUE: at least one API key of the client is concerned. */
sealring_status notice_derive_subject(sealring_manager *manager, const struct registry_notice *row, const char *client,
                                      int64_t now, size_t room, struct notice_subject *subject,
                                      enum notice_truth *truth, sealring_error *error);

/* Outside any transaction: writes what the row reports into `notices`, which has room for all holders, at least one; those whose claims the token does not confirm are
 * left out, and counted in *refused. SEALRING_TOKEN: it cannot be asked. */
sealring_status notice_confirm(sealring_manager *manager, const struct registry_vault *vault,
                               const struct registry_notice *row, const struct notice_subject *subject,
                               struct notice *notices, size_t *count, size_t *refused, sealring_error *error);

#endif
