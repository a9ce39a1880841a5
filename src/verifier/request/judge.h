/* SPDX-License-Identifier: Apache-2.0 */
/* Judges an issued credential: states, times, narrowing, addresses, scopes. Pure. */
#ifndef VERIFIER_REQUEST_JUDGE_H
#define VERIFIER_REQUEST_JUDGE_H

#include <stdbool.h>

#include "registry/rows/rows.h"
#include "verifier/cache/snapshot.h"
#include "verifier/state/demand.h"
#include "verifier/state/judge_time.h"

/* Everything that a verdict depends on, from a row of the registry or from an entry of the cache. It points into its source. */
struct bearer {
    const char *key_id; /* SEALRING_KEY_ID_LENGTH characters, NUL is optional */
    const char *ring;
    const char *client;
    const char *scopes; /* the credential's scopes that the narrowing of its API key leaves */
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
    bool replaced; /* replaced by another credential: valid until retire_at */
    int64_t retire_at;
    const struct network *networks; /* that the API key is bound to; NULL: it is not */
    size_t network_count;
};

/* The verdict on a credential, apart from the proof of its secret. demand NULL: scope and address are not judged. grant is NULL or a complete
 * structure: all fields except size are set. While the clock is late, a credential that has an end or has not begun is unavailable. */
sealring_verdict judge_bearer(const struct bearer *bearer, const struct demand *demand, struct judge_time now,
                              sealring_grant *grant);

/* Empties all fields except size, and sets the reason. grant may be NULL. Returns the verdict. */
sealring_verdict judge_nothing(sealring_grant *grant, sealring_verdict verdict, const char *reason);

static inline sealring_verdict judge_unavailable(sealring_grant *grant, const char *reason)
{
    return judge_nothing(grant, SEALRING_UNAVAILABLE, reason);
}

static inline sealring_verdict judge_would_block(sealring_grant *grant)
{
    return judge_nothing(grant, SEALRING_WOULD_BLOCK, "no verdict from memory: a thread that may wait must ask");
}

/* Sets the members of the bearer that depend on the version. A closed state is read before when and why, which are stored first. */
static inline void judge_version(const struct known_version *version, struct bearer *bearer)
{
    bearer->ring = version->ring->name;
    bearer->version = version->number;
    bearer->version_state = (sealring_version_state)atomic_load_explicit(&version->state, memory_order_acquire);
    bearer->was_compromised = atomic_load_explicit(&version->was_compromised, memory_order_relaxed);
    bearer->version_closed = atomic_load_explicit(&version->closed, memory_order_relaxed);
    bearer->version_retire_at = atomic_load_explicit(&version->retire_at, memory_order_relaxed);
}

/* The credential's scopes that the narrowing of its API key leaves. */
void judge_scopes(const struct registry_holder *holder, char scopes[SEALRING_SCOPES_LENGTH_MAX + 1]);

#endif
