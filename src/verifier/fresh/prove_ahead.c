/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the token ahead of requests: proofs of versions, and credentials that were used lately. */
#include "verifier/fresh/prove_ahead.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/fork.h"
#include "lifecycle/transition_table.h"
#include "token/key/key_object.h"
#include "verifier/fresh/warm.h"
#include "verifier/request/derive.h"

#define PROVE_AGAIN_MS 2000 /* after a proof that failed */

/* The accepted versions that are not proved yet. */
struct unproved {
    struct known_version **versions;
    size_t count;
    bool crowded;
};

static void collect(struct known_version *version, void *context)
{
    struct unproved *unproved = context;
    if (atomic_load(&version->proved) || !lifecycle_accepts((sealring_version_state)atomic_load(&version->state)))
        return;
    if (array_grow(&unproved->versions, unproved->count))
        unproved->versions[unproved->count++] = version;
    else
        unproved->crowded = true;
}

static bool is_current(const struct verifier *verifier, const struct known_version *version)
{
    return snapshot_find(atomic_load(&verifier->snapshot), version->ring->id, version->number) == version;
}

static enum token_answer prove_one(struct verifier *verifier, struct known_version *version, sealring_error *error)
{
    struct token_key_reference reference;
    enum token_answer answer;
    if (derive_known_reference(verifier->vault_id, version, &reference, error) != SEALRING_OK)
        return TOKEN_REFUSES;
    /* Before the proof: a reader of the report treats the version as proved when these facts were applied. */
    uint64_t proof = verifier_proof(verifier);
    fork_guard_enter();
    token_key_prove(verifier->token, &reference, &answer, error);
    fork_guard_leave();
    if (answer != TOKEN_DONE)
        return answer;
    struct lane *lane = lanes_enter(verifier->lanes);
    pthread_mutex_lock(&verifier->inserting);
    struct report_version *record = atomic_load(&version->usage);
    /* after a fence the record is another version's, of another chain of facts */
    if (record != NULL && is_current(verifier, version))
        atomic_store(&record->proved, proof);
    atomic_store(&version->proved, true);
    pthread_mutex_unlock(&verifier->inserting);
    lanes_leave(verifier->lanes, lane);
    atomic_store(&version->refused_until, 0);
    return TOKEN_DONE;
}

/* A problem with one version does not affect the others; a token that is not reachable affects all. */
static sealring_status prove_all(struct verifier *verifier, const struct unproved *unproved, bool *away,
                                 sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    uint64_t left = unproved->count;
    for (size_t i = 0; !*away && i < unproved->count; i++) {
        struct known_version *version = unproved->versions[i];
        sealring_error problem;
        enum token_answer answer = prove_one(verifier, version, &problem);
        if (answer == TOKEN_DONE) {
            left--;
            continue;
        }
        *away = answer == TOKEN_FAILED;
        messages_add(verifier->messages, *away ? SEALRING_LOG_WARNING : SEALRING_LOG_ALARM,
                     "version %u of ring %s is not proved: %s", version->number, version->ring->name, problem.message);
        if (error != NULL && (status == SEALRING_OK || *away)) {
            *error = problem;
            error->status = SEALRING_TOKEN;
        }
        status = SEALRING_TOKEN;
    }
    atomic_store(&verifier->unproved, left);
    if (left < unproved->count)
        verifier_ring(verifier); /* for those who wait for the barrier */
    return status;
}

static sealring_status prove_versions(struct verifier *verifier, bool *away, sealring_error *error)
{
    struct unproved unproved = {0};
    pthread_mutex_lock(&verifier->looking);
    snapshot_each(atomic_load(&verifier->snapshot), collect, &unproved);
    pthread_mutex_unlock(&verifier->looking);
    *away = unproved.crowded;
    sealring_status status = unproved.crowded ? error_no_memory(error) : prove_all(verifier, &unproved, away, error);
    free(unproved.versions);
    return status;
}

sealring_status verifier_prove(struct verifier *verifier, unsigned warm_most, bool *more, bool *away,
                               sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    *away = false;
    pthread_mutex_lock(&verifier->proving);
    bool waits = clock_boot_ms() < verifier->prove_again_at;
    if (!waits) {
        status = prove_versions(verifier, away, error);
        if (status != SEALRING_OK)
            verifier->prove_again_at = clock_boot_ms() + PROVE_AGAIN_MS;
    } else if (atomic_load(&verifier->unproved) > 0) {
        status = error_set(error, SEALRING_TOKEN, "%llu accepted versions are not proved yet",
                           (unsigned long long)atomic_load(&verifier->unproved));
    }
    enum warm_state state = WARM_DONE;
    if (verifier->warming_wanted && warm_most > 0) {
        verifier->warming_wanted = false;
        verifier->warming = warm_begin(verifier->setup.reports, verifier->vault_id, verifier->setup.cache_max);
    }
    if (status == SEALRING_OK && verifier->warming != NULL && warm_most > 0) {
        state = warm_some(verifier, verifier->warming, warm_most);
        if (state == WARM_DONE) {
            warm_end(verifier->warming);
            verifier->warming = NULL;
            messages_add(verifier->messages, SEALRING_LOG_INFORMATION,
                         "cache warming has ended: %llu credentials that were in use are in the cache",
                         (unsigned long long)atomic_load(&verifier->warmed));
        }
    }
    *more = state == WARM_MORE;
    pthread_mutex_unlock(&verifier->proving);
    return status;
}
