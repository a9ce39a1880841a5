/* SPDX-License-Identifier: Apache-2.0 */
/* What must always be true of a ring, and of any change of it. Written independently of the rules, so that it can check them. */
#include "lifecycle/invariant.h"

#include "lifecycle/decide.h"

enum { TIME_ACTIVATED = 1, TIME_RETIRE_AT = 2, TIME_CLOSED = 4, TIME_PURGE_AT = 8, TIME_DESTROYED = 16 };

/* The times that a row in a state must contain, and must not contain. */
static const struct {
    unsigned required;
    unsigned forbidden;
    const char *broken;
} times[] = {
    [SEALRING_VERSION_PENDING] = {0, TIME_RETIRE_AT | TIME_CLOSED | TIME_PURGE_AT | TIME_DESTROYED,
                                  "a pending version has times of another state"},
    [SEALRING_VERSION_ACTIVE] = {TIME_ACTIVATED, TIME_CLOSED | TIME_PURGE_AT | TIME_DESTROYED,
                                 "an active version was never activated, or has times of another state"},
    [SEALRING_VERSION_RETIRING] = {TIME_ACTIVATED | TIME_RETIRE_AT, TIME_CLOSED | TIME_PURGE_AT | TIME_DESTROYED,
                                   "a retiring version lacks its window, or has times of another state"},
    [SEALRING_VERSION_RETIRED] = {TIME_ACTIVATED | TIME_CLOSED | TIME_PURGE_AT, TIME_RETIRE_AT | TIME_DESTROYED,
                                  "a retired version lacks its closing or purge time, or has times of another state"},
    [SEALRING_VERSION_COMPROMISED] =
        {TIME_CLOSED | TIME_PURGE_AT, TIME_RETIRE_AT | TIME_DESTROYED,
         "a compromised version lacks its closing or purge time, or has times of another state"},
    [SEALRING_VERSION_DESTROYED] = {TIME_DESTROYED, TIME_RETIRE_AT, "a destroyed version lacks the time of it"},
};

static const char *broken_version(const struct lifecycle_version *version)
{
    unsigned present = (version->activated != 0 ? TIME_ACTIVATED : 0) | (version->retire_at != 0 ? TIME_RETIRE_AT : 0) |
                       (version->closed != 0 ? TIME_CLOSED : 0) | (version->purge_at != 0 ? TIME_PURGE_AT : 0) |
                       (version->destroyed != 0 ? TIME_DESTROYED : 0);

    if (version->state < SEALRING_VERSION_PENDING || version->state > SEALRING_VERSION_DESTROYED)
        return "a version is in no state";
    if ((present & times[version->state].required) != times[version->state].required ||
        (present & times[version->state].forbidden) != 0)
        return times[version->state].broken;
    if ((present & TIME_PURGE_AT) != 0 && version->purge_at < version->closed)
        return "a version may be purged before it was closed";
    if (version->state == SEALRING_VERSION_COMPROMISED && !version->was_compromised)
        return "a compromised version is not marked as such";
    if (version->was_compromised && version->state != SEALRING_VERSION_COMPROMISED &&
        version->state != SEALRING_VERSION_DESTROYED)
        return "a compromised version came back";
    return NULL;
}

const char *lifecycle_broken_invariant(const struct lifecycle_ring *ring)
{
    uint32_t previous = 0;
    size_t active = 0;

    for (size_t i = 0; i < ring->count; i++) {
        const struct lifecycle_version *version = &ring->versions[i];
        const char *broken = broken_version(version);
        if (broken != NULL)
            return broken;
        if (version->number <= previous)
            return "version numbers do not ascend";
        previous = version->number;
        active += version->state == SEALRING_VERSION_ACTIVE;
    }
    if (active > 1)
        return "a ring has more than one active version";
    if (previous > ring->last_number)
        return "a version's number was never given";
    return NULL;
}

#define TO(state) (1u << SEALRING_VERSION_##state)

/* The states that a version in a state may have after one event, whether the event named it or changed it together with another. */
static const unsigned reachable[] = {
    [SEALRING_VERSION_PENDING] = TO(PENDING) | TO(ACTIVE) | TO(COMPROMISED) | TO(DESTROYED),
    [SEALRING_VERSION_ACTIVE] = TO(ACTIVE) | TO(RETIRING) | TO(COMPROMISED),
    [SEALRING_VERSION_RETIRING] = TO(RETIRING) | TO(ACTIVE) | TO(RETIRED) | TO(COMPROMISED),
    [SEALRING_VERSION_RETIRED] = TO(RETIRED) | TO(PENDING) | TO(COMPROMISED) | TO(DESTROYED),
    [SEALRING_VERSION_COMPROMISED] = TO(COMPROMISED) | TO(DESTROYED),
    [SEALRING_VERSION_DESTROYED] = TO(DESTROYED),
};

static const char *broken_change(const struct lifecycle_version *before, const struct lifecycle_version *after)
{
    sealring_version_state from = before->state;
    sealring_version_state to = after->state;

    if (before->was_compromised && !after->was_compromised)
        return "a version's compromise was forgotten";
    if (from == SEALRING_VERSION_DESTROYED && (to != from || before->destroyed != after->destroyed))
        return "a destroyed version came back or changed";
    if (from == SEALRING_VERSION_COMPROMISED && to != from && to != SEALRING_VERSION_DESTROYED)
        return "a compromised version became something other than destroyed";
    if (before->held && lifecycle_accepts(from) && !lifecycle_accepts(to) && to != SEALRING_VERSION_COMPROMISED &&
        !(from == SEALRING_VERSION_RETIRING && to == SEALRING_VERSION_RETIRED))
        return "a version whose credentials clients may hold is accepted no more, without retire or compromise";
    if (from > SEALRING_VERSION_DESTROYED || to > SEALRING_VERSION_DESTROYED || !(reachable[from] & (1u << to)))
        return "a version changed in a way that no event allows";
    bool promised = (from == SEALRING_VERSION_RETIRING || from == SEALRING_VERSION_ACTIVE) &&
                    (to == SEALRING_VERSION_RETIRING || to == SEALRING_VERSION_ACTIVE);
    if (promised && after->retire_at < before->retire_at)
        return "a window that was promised was shortened";
    return NULL;
}

const char *lifecycle_broken_transition(const struct lifecycle_ring *before, const struct lifecycle_ring *after)
{
    const struct lifecycle_version *was_active = lifecycle_find_active(before);

    if (after->last_number < before->last_number)
        return "a version's number could be given again";
    for (size_t i = 0; i < before->count; i++) {
        const struct lifecycle_version *version = lifecycle_find(after, before->versions[i].number);
        if (version == NULL)
            return "a version's row went away";
        const char *broken = broken_change(&before->versions[i], version);
        if (broken != NULL)
            return broken;
    }
    for (size_t i = 0; i < after->count; i++) {
        if (lifecycle_find(before, after->versions[i].number) != NULL)
            continue;
        if (after->versions[i].number <= before->last_number)
            return "a version's number was given again";
        /* A new ring's first version is activated in the same step in which it is made. */
        if (after->versions[i].state != SEALRING_VERSION_PENDING &&
            !(after->versions[i].state == SEALRING_VERSION_ACTIVE && before->count == 0))
            return "a new version was not pending first";
    }
    if (was_active != NULL && lifecycle_find_active(after) == NULL &&
        lifecycle_find(after, was_active->number)->state != SEALRING_VERSION_COMPROMISED)
        return "the active version was dropped without a compromise";
    return NULL;
}
