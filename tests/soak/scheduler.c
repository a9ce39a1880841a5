/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler, a second operator: rotates, lets the clients of an old version move on, retires it by its gate, destroys its object. */
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "soak/acts.h"
#include "soak/operators.h"

#define MILLISECOND INT64_C(1000000)

enum { NUMBER = 2, TOO_MANY = 4 };

/* The version of each ring that clients have moved away from, 0: none. */
struct rota {
    struct actor actor;
    uint32_t draining[HISTORY_RINGS];
    struct acts_versions versions;
};

static const struct acts_version *find(const struct acts_versions *versions, uint32_t number)
{
    for (size_t i = 0; i < versions->count; i++)
        if (versions->list[i].number == number)
            return &versions->list[i];
    return NULL;
}

static void drain(struct rota *rota, uint32_t version, uint8_t drained)
{
    uint32_t ring = rota->actor.ring;
    if (version < HISTORY_VERSIONS)
        atomic_store(&rota->actor.history->drained[ring][version], drained);
    rota->draining[ring] = drained ? version : 0;
}

/* The predecessor that has been one for the longest. */
static uint32_t oldest_retiring(const struct acts_versions *versions, size_t *count)
{
    const struct acts_version *oldest = NULL;
    *count = 0;
    for (size_t i = 0; i < versions->count; i++) {
        const struct acts_version *version = &versions->list[i];
        if (version->state != SEALRING_VERSION_RETIRING)
            continue;
        ++*count;
        if (oldest == NULL || version->retire_at < oldest->retire_at)
            oldest = version;
    }
    return oldest == NULL ? 0 : oldest->number;
}

/* Again and again until the gate lets it pass; from then on its credentials are presented again, to be rejected. */
static void retire(struct rota *rota)
{
    uint32_t version = rota->draining[rota->actor.ring];
    const struct acts_version *found = find(&rota->versions, version);
    bool done = found == NULL || found->state != SEALRING_VERSION_RETIRING;
    if (!done && history_below(&rota->actor.random, 2) == 0)
        done = acts_version(&rota->actor, ACT_RETIRE, version, NULL, PATIENCE_NONE) == SEALRING_OK;
    if (done)
        drain(rota, version, 0);
}

static void destroy(struct rota *rota)
{
    int64_t now = (history_now() + history_wall_offset()) / MILLISECOND;
    for (size_t i = 0; i < rota->versions.count; i++) {
        const struct acts_version *version = &rota->versions.list[i];
        bool closed = version->state == SEALRING_VERSION_RETIRED || version->state == SEALRING_VERSION_COMPROMISED;
        if (!closed || version->purge_at > now)
            continue;
        acts_version(&rota->actor, ACT_DESTROY, version->number, NULL, PATIENCE_NONE);
        return;
    }
}

static void tend(struct rota *rota)
{
    size_t retiring;
    acts_list(&rota->actor, &rota->versions);
    uint32_t oldest = oldest_retiring(&rota->versions, &retiring);
    if (rota->draining[rota->actor.ring] != 0)
        retire(rota);
    else if (oldest != 0)
        drain(rota, oldest, 1);
    if (retiring < TOO_MANY && history_below(&rota->actor.random, 6) == 0)
        acts_version(&rota->actor, ACT_ROTATE, 0, NULL, PATIENCE_NONE);
    if (history_below(&rota->actor.random, 8) == 0)
        acts_reissue_ring(&rota->actor);
    if (history_below(&rota->actor.random, 4) == 0)
        destroy(rota);
}

_Noreturn void scheduler_run(struct history *history, uint64_t seed)
{
    static struct rota rota;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    acts_open(&rota.actor, history, NUMBER, seed);
    while (atomic_load(&history->over) == 0) {
        rota.actor.ring = history_below(&rota.actor.random, HISTORY_RINGS);
        tend(&rota);
        history_pause((20 + (int64_t)history_below(&rota.actor.random, 100)) * MILLISECOND);
    }
    acts_close(&rota.actor);
    _exit(0);
}
