/* SPDX-License-Identifier: Apache-2.0 */
/* The operator: picks an act at random, on a ring and a key at random, and does it, again and again. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "soak/acts.h"
#include "soak/operators.h"

#define MILLISECOND INT64_C(1000000)

enum { KEYS_MAX = 24, KEYS_MIN = 6, NUMBER = 1 };

/* A key that the operator still deals with. */
struct held {
    uint32_t key;
    bool suspended;
    bool narrowed;
};

struct desk {
    struct actor actor;
    struct held keys[HISTORY_RINGS][KEYS_MAX];
    uint32_t count[HISTORY_RINGS];
    uint32_t clients;
    struct acts_versions versions;
};

static uint32_t below(struct desk *desk, uint32_t limit)
{
    return history_below(&desk->actor.random, limit);
}

/* ---- keys ---- */

static void drop_key(struct desk *desk, struct held *held)
{
    uint32_t ring = desk->actor.ring;
    *held = desk->keys[ring][--desk->count[ring]];
}

/* NULL: there is none. */
static struct held *any_key(struct desk *desk)
{
    uint32_t ring = desk->actor.ring;
    return desk->count[ring] == 0 ? NULL : &desk->keys[ring][below(desk, desk->count[ring])];
}

static void issue(struct desk *desk)
{
    uint32_t ring = desk->actor.ring;
    char client[32];
    uint32_t key;
    int64_t expires = 0;
    if (desk->count[ring] == KEYS_MAX)
        return;
    if (below(desk, 5) == 0)
        expires = (history_now() + history_wall_offset()) / MILLISECOND + 1000 + below(desk, 5000);
    snprintf(client, sizeof client, "client-%u", ++desk->clients);
    if (acts_issue(&desk->actor, client, expires, &key) == SEALRING_OK)
        desk->keys[ring][desk->count[ring]++] = (struct held){.key = key};
}

static void reissue(struct desk *desk)
{
    struct held *held = any_key(desk);
    if (held != NULL && acts_reissue(&desk->actor, held->key) == SEALRING_REFUSED && below(desk, 2) == 0)
        drop_key(desk, held); /* suspended, expired, or under a closed version */
}

static void reissue_ring(struct desk *desk)
{
    acts_reissue_ring(&desk->actor);
}

static void rekey_with(struct desk *desk, int64_t overlap_ms)
{
    struct held *held = any_key(desk);
    if (held != NULL && acts_rekey(&desk->actor, held->key, overlap_ms, PATIENCE_CHANCE) == SEALRING_REFUSED &&
        below(desk, 2) == 0)
        drop_key(desk, held);
}

static void rekey(struct desk *desk)
{
    rekey_with(desk, 200 + below(desk, 2000));
}

static void rekey_at_once(struct desk *desk)
{
    rekey_with(desk, 0);
}

static void suspend_or_resume(struct desk *desk)
{
    struct held *held = any_key(desk);
    if (held == NULL)
        return;
    sealring_status status =
        acts_key_state(&desk->actor, held->key, held->suspended ? ACT_RESUME : ACT_SUSPEND, PATIENCE_CHANCE);
    if (status == SEALRING_OK)
        held->suspended = !held->suspended;
}

static void narrow(struct desk *desk)
{
    struct held *held = any_key(desk);
    if (held != NULL && !held->narrowed)
        held->narrowed = acts_key_state(&desk->actor, held->key, ACT_NARROW, PATIENCE_CHANCE) == SEALRING_OK;
}

static void revoke_key(struct desk *desk)
{
    struct held *held = any_key(desk);
    if (held == NULL || desk->count[desk->actor.ring] <= KEYS_MIN)
        return;
    if (acts_key_state(&desk->actor, held->key, ACT_REVOKE, PATIENCE_CHANCE) == SEALRING_OK)
        drop_key(desk, held);
}

/* ---- versions ---- */

/* One in that state, at random; 0: there is none. */
static uint32_t any_version(struct desk *desk, sealring_version_state state)
{
    uint32_t found = 0;
    uint32_t seen = 0;
    acts_list(&desk->actor, &desk->versions);
    for (size_t i = 0; i < desk->versions.count; i++)
        if (desk->versions.list[i].state == state && below(desk, ++seen) == 0)
            found = desk->versions.list[i].number;
    return found;
}

static void rotate(struct desk *desk)
{
    acts_version(&desk->actor, ACT_ROTATE, 0, NULL, PATIENCE_NONE);
}

static void roll_back(struct desk *desk)
{
    acts_version(&desk->actor, ACT_ROLLBACK, 0, NULL, PATIENCE_NONE);
}

/* A pending one, also one that was reinstated; or back to any predecessor. */
static void activate(struct desk *desk)
{
    uint32_t version = any_version(desk, below(desk, 3) > 0 ? SEALRING_VERSION_PENDING : SEALRING_VERSION_RETIRING);
    if (version != 0)
        acts_version(&desk->actor, ACT_ACTIVATE, version, NULL, PATIENCE_NONE);
}

/* Nobody moved on for it: mostly the gate says no. */
static void retire(struct desk *desk)
{
    uint32_t version = any_version(desk, SEALRING_VERSION_RETIRING);
    if (version == 0)
        return;
    acts_version(&desk->actor, ACT_RETIRE, version, below(desk, 8) == 0 ? "the soak overrules" : NULL, PATIENCE_CHANCE);
}

static void reinstate(struct desk *desk)
{
    uint32_t version = any_version(desk, SEALRING_VERSION_RETIRED);
    if (version == 0 || acts_version(&desk->actor, ACT_REINSTATE, version, NULL, PATIENCE_CHANCE) != SEALRING_OK)
        return;
    if (below(desk, 2) == 0)
        acts_version(&desk->actor, ACT_ACTIVATE, version, NULL, PATIENCE_NONE);
}

/* The active one with a standby ready, or any other. */
static void compromise(struct desk *desk)
{
    sealring_version_state state = below(desk, 2) == 0 ? SEALRING_VERSION_RETIRING : SEALRING_VERSION_RETIRED;
    if (below(desk, 2) == 0) {
        sealring_error error;
        const sealring_wait wait = {.size = sizeof wait, .most = 60000};
        acts_version(&desk->actor, ACT_PREPARE, 0, NULL, PATIENCE_NONE);
        (void)sealring_wait_barrier(desk->actor.manager, desk->actor.history->ring_names[desk->actor.ring], 0, &wait,
                                    &error);
        state = SEALRING_VERSION_ACTIVE;
    }
    uint32_t version = any_version(desk, state);
    if (version != 0)
        acts_version(&desk->actor, ACT_COMPROMISE, version, NULL, PATIENCE_CHANCE);
}

/* ---- the choice ---- */

static const struct {
    void (*act)(struct desk *desk);
    uint32_t weight;
} choices[] = {
    {issue, 16},    {reissue, 8},    {reissue_ring, 5}, {rekey, 7},     {rekey_at_once, 7}, {suspend_or_resume, 12},
    {narrow, 5},    {revoke_key, 8}, {rotate, 7},       {roll_back, 4}, {activate, 4},      {retire, 4},
    {reinstate, 4}, {compromise, 1},
};

static void act(struct desk *desk)
{
    uint32_t total = 0;
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        total += choices[i].weight;
    uint32_t chosen = below(desk, total);
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        if (chosen < choices[i].weight) {
            choices[i].act(desk);
            return;
        }
        chosen -= choices[i].weight;
    }
}

_Noreturn void operator_run(struct history *history, uint64_t seed)
{
    static struct desk desk;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    acts_open(&desk.actor, history, NUMBER, seed);
    while (atomic_load(&history->over) == 0) {
        desk.actor.ring = below(&desk, HISTORY_RINGS);
        if (desk.count[desk.actor.ring] < KEYS_MIN)
            issue(&desk);
        else
            act(&desk);
        history_pause((1 + (int64_t)below(&desk, 30)) * MILLISECOND);
    }
    acts_close(&desk.actor);
    _exit(0);
}
