/* SPDX-License-Identifier: Apache-2.0 */
/* A batch of requests to issue or import: planned on the registry as it is, sealed in the token, written, handed over. */
#ifndef MANAGE_KEYS_BATCH_H
#define MANAGE_KEYS_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "manage/keys/seal.h"
#include "manage/session/manager.h"

/* Requests per transaction: with a key and a credential each, no transaction changes many more than 500 rows. */
#define BATCH_MAX 250

/* What all batches of one call share. */
struct batch_call {
    sealring_manager *manager;
    const char *ring_name;
    const sealring_issue_request *requests;
    size_t count;
    unsigned flags;
    bool imports; /* digests of keys that clients have already, instead of credentials */
};

struct item;

/* Requests that were left out because the token's answers about them are in doubt, while the others continue. */
struct doubts {
    size_t count;
    bool contradicted; /* the token contradicted itself about at least one of them */
    sealring_error first;
};

struct batch {
    const struct batch_call *call;
    size_t room;
    size_t first; /* requests first … first + count - 1 of the call */
    size_t count;
    size_t bad;                  /* after a failure: which request; SIZE_MAX: none in particular */
    struct doubts doubts;        /* about what was left out */
    bool wrote;                  /* something that moved the epoch was written */
    bool stale;                  /* what the plan depended on has changed: plan and seal it again */
    struct registry_vault vault; /* as of the plan */
    struct registry_ring ring;
    struct registry_version active;
    struct item *items;
    char (*texts)[SEAL_TEXT_SIZE];
    struct audit_act act;
};

sealring_status batch_make(struct batch *batch, const struct batch_call *call, sealring_error *error);
void batch_release(struct batch *batch);

/* Determines what each request first … first + count - 1 means for the registry as it is, and whether it could be carried out. Without `keep`, for
 * any count, nothing but that. */
sealring_status batch_plan(struct batch *batch, bool keep, sealring_error *error);

/* The token's part, without any lock. It uses neither the registry nor another batch, so it may run while another batch is written. In a call that
 * can be repeated, a request whose answer is in doubt is left out. */
sealring_status batch_seal(struct batch *batch, sealring_error *error);

/* The transaction, within an act. Fails with `stale` set, and writes nothing, if a request no longer means what it was sealed for. */
sealring_status batch_write(struct batch *batch, sealring_error *error);

sealring_status batch_hand_over(struct batch *batch, sealring_issued_callback each, void *context,
                                sealring_error *error);

#endif
