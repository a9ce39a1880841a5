/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier of one process: joins, answers, keeps itself fresh, leaves. */
#ifndef VERIFIER_VERIFIER_H
#define VERIFIER_VERIFIER_H

#include <stdbool.h>

#include <sealring/verify.h>

#include "token/token.h"

struct verifier;

#define VERIFIER_NOTICE_SIZE 512

/* All memory stays the caller's and outlives the verifier. */
struct verifier_setup {
    const char *registry; /* path of the registry */
    const char *reports;  /* directory of the report files */
    struct token_config token;
    /* What is wrong, or was, with the token's files: a line of at most VERIFIER_NOTICE_SIZE; false: nothing new. NULL: nobody is asked. */
    bool (*token_notice)(void *context, char *text, size_t size);
    void *token_notice_context;
    bool warming;
    uint32_t cache_max;
    uint32_t waiting_max;
};

/* Joins, in this order: report file, token, look, proof of the accepted versions, report. */
sealring_status verifier_join(const struct verifier_setup *setup, struct verifier **joined, sealring_error *error);

/* Leaves: nobody else is using it any more. */
void verifier_leave(struct verifier *verifier);

/* In a forked child, of its parent's verifier: lets go of the report file's descriptor, which would keep the file locked. All memory is
 * left as it is: locks in it may be held by threads that the child does not have. (Connections: registry/opened.h.) */
void verifier_disinherit(struct verifier *verifier);

/* As sealring_verify; grant is NULL or a whole one. */
sealring_verdict verifier_verify(struct verifier *verifier, const char *credential, size_t length, const char *scope,
                                 sealring_grant *grant);

/* As sealring_stats; all of a whole one but its size. */
void verifier_statistics(struct verifier *verifier, sealring_statistics *statistics);

/* One look: what changed takes effect, the report is written, the lease prolonged. Thread-safe. */
sealring_status verifier_look(struct verifier *verifier, sealring_error *error);

/* Asks the token for what lies ahead: proofs of new versions, and at most `warm_most` credentials. Thread-safe; may take as long as
 * the token likes. *more: there is more to warm. */
sealring_status verifier_prove(struct verifier *verifier, unsigned warm_most, bool *more, sealring_error *error);

int64_t verifier_refresh_ms(const struct verifier *verifier);

struct messages *verifier_messages(struct verifier *verifier);

#endif
