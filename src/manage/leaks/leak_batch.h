/* SPDX-License-Identifier: Apache-2.0 */
/* Reported credentials: what was reported, whose it is, what is done about it. */
#ifndef MANAGE_LEAKS_LEAK_BATCH_H
#define MANAGE_LEAKS_LEAK_BATCH_H

#include <sealring/leaks.h>

#include "credential/credential_text.h"
#include "manage/session/manager.h"

struct leak_item {
    sealring_leak *leak;
    bool doubtful;           /* its rows permit an act; the token has to prove them */
    struct text_parts parts; /* without the secret */
    uint8_t digest[TEXT_DIGEST_SIZE];
    struct registry_holder holder; /* the API key with the credential */
};

struct leak_batch {
    sealring_manager *manager;
    struct leak_item *items;
    size_t count;
    struct registry_vault vault;
    int64_t now;
};

/* leak_answer.c: answers; the reason is one line without anything secret. */
__attribute__((format(printf, 3, 4))) void leak_answer(struct leak_item *item, sealring_leak_result result,
                                                       const char *format, ...);

/* Inside a transaction: whether an entry about this credential exists. */
sealring_status leak_is_recorded(struct registry *registry, const char *key_id, uint32_t serial, bool *recorded,
                                 sealring_error *error);

/* prove_leak.c: inside a transaction, reads what was reported, and answers what the rows alone decide. A status other than SEALRING_OK is about the
 * registry. */
sealring_status leak_read(struct leak_batch *batch, struct leak_item *item, sealring_error *error);
/* The token proves it. Otherwise it is answered, and false. */
bool leak_prove(struct leak_batch *batch, struct leak_item *item);
/* act_on_leak.c: carries out the ring's policy, records the leak, and answers. */
void leak_act(struct leak_batch *batch, struct leak_item *item);

#endif
