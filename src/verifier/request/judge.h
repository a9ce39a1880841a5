/* SPDX-License-Identifier: Apache-2.0 */
/* Judging an issued credential: states, times, narrowing, scopes. Pure. */
#ifndef VERIFIER_REQUEST_JUDGE_H
#define VERIFIER_REQUEST_JUDGE_H

#include <stdbool.h>

#include "registry/rows/rows.h"
#include "verifier/state/judge_time.h"

/* All that a verdict depends on, wherever it comes from: a row of the registry, or an entry of the cache. Points into what it
 * was made from. */
struct bearer {
    const char *key_id; /* SEALRING_KEY_ID_LENGTH characters, no NUL needed */
    const char *ring;
    const char *client;
    const char *scopes; /* what the credential has, less what its API key was narrowed by */
    uint32_t version;
    uint32_t serial;
    sealring_version_state version_state;
    bool was_compromised;
    int64_t version_closed;
    int64_t version_retire_at;
    int64_t not_before;
    int64_t expires;
    bool revoked;
    bool suspended;
    bool replaced; /* by another credential: good until retire_at */
    int64_t retire_at;
};

/* The verdict on a credential of which only the secret has not been proved yet. scope: what is asked for, NULL for none. grant NULL, or a
 * whole one: fills every field but size. While the clock is late, what has an end is unavailable, and so is what has not begun. */
sealring_verdict judge_bearer(const struct bearer *bearer, const char *scope, struct judge_time now,
                              sealring_grant *grant);

/* Empties every field but size, and tells the reason. grant may be NULL. Returns the verdict. */
sealring_verdict judge_nothing(sealring_grant *grant, sealring_verdict verdict, const char *reason);

/* The bearer of a whole row; scopes has to hold what it points to. */
void judge_from_holder(const struct registry_holder *holder, char scopes[SEALRING_SCOPES_LENGTH_MAX + 1],
                       struct bearer *bearer);

/* The credential's scopes, less what its API key was narrowed by. */
void judge_scopes(const struct registry_holder *holder, char scopes[SEALRING_SCOPES_LENGTH_MAX + 1]);

#endif
