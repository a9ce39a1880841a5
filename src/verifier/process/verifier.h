/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier of one process: joins, verifies, keeps itself fresh, leaves. */
#ifndef VERIFIER_PROCESS_VERIFIER_H
#define VERIFIER_PROCESS_VERIFIER_H

#include <stdbool.h>

#include <sealring/verify.h>

#include "verifier/state/verifier_setup.h"

struct verifier;

/* Joins, in this order: report file, token, first load, proof of the accepted versions, poll with report. */
sealring_status verifier_join(const struct verifier_setup *setup, struct verifier **joined, sealring_error *error);

/* Leaves. No other thread may use it any more. */
void verifier_leave(struct verifier *verifier);

/* In a forked child, for its parent's verifier: closes the descriptors of the report file, which would keep it locked, and of the bell. All memory is
 * left as it is: threads that the child does not have may hold locks in it. (Connections: registry/connection/opened.h.) */
void verifier_disinherit(struct verifier *verifier);

/* As sealring_verify_request, for a request that is complete and understood; grant is NULL or a complete structure. */
sealring_verdict verifier_verify(struct verifier *verifier, const sealring_request *request, sealring_grant *grant);

/* As sealring_stats; fills a complete structure, except its size. */
void verifier_statistics(struct verifier *verifier, sealring_statistics *statistics);

#endif
