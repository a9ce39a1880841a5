/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier of one process: joins, answers, keeps itself fresh, leaves. */
#ifndef VERIFIER_PROCESS_VERIFIER_H
#define VERIFIER_PROCESS_VERIFIER_H

#include <stdbool.h>

#include <sealring/verify.h>

#include "verifier/state/verifier_setup.h"

struct verifier;

/* Joins, in this order: report file, token, look, proof of the accepted versions, report. */
sealring_status verifier_join(const struct verifier_setup *setup, struct verifier **joined, sealring_error *error);

/* Leaves: nobody else is using it any more. */
void verifier_leave(struct verifier *verifier);

/* In a forked child, of its parent's verifier: lets go of the report file's descriptor, which would keep the file locked. All memory is
 * left as it is: locks in it may be held by threads that the child does not have. (Connections: registry/connection/opened.h.) */
void verifier_disinherit(struct verifier *verifier);

/* As sealring_verify; grant is NULL or a whole one. */
sealring_verdict verifier_verify(struct verifier *verifier, const char *credential, size_t length, const char *scope,
                                 sealring_grant *grant);

/* As sealring_stats; all of a whole one but its size. */
void verifier_statistics(struct verifier *verifier, sealring_statistics *statistics);

int64_t verifier_refresh_ms(const struct verifier *verifier);

struct messages *verifier_messages(struct verifier *verifier);

#endif
