/* SPDX-License-Identifier: Apache-2.0 */
/* Lists the events that a ring's policy requires, ordered by the time from which on it requires them. */
#include "lifecycle/schedule.h"

#include "base/capped.h"

/* One list in progress. */
struct schedule {
    const struct lifecycle_ring *ring;
    const struct lifecycle_evidence *const *evidence;
    const struct lifecycle_times *times;
    struct lifecycle_action *actions;
    size_t count;
};

/* time + duration, limited to possible due times: after 1970, whatever a damaged registry contains. */
static int64_t shift(int64_t time, int64_t duration)
{
    int64_t sum = capped_add(time, duration);

    return sum > 0 ? sum : 1;
}

/* ---- Searching a ring -------------------------------------------------------------------------------------------------- */

static uint32_t next_number(const struct lifecycle_ring *ring)
{
    return ring->last_number == UINT32_MAX ? 0 : ring->last_number + 1;
}

/* ---- Required events, and when ----------------------------------------------------------------------------------------- */

/* Keeps the list ordered by `due`; of equal ones the first that was added stays first. */
static void want(struct schedule *schedule, sealring_event event, uint32_t version, int64_t due,
                 enum lifecycle_hold hold)
{
    size_t place = schedule->count++;

    while (place > 0 && schedule->actions[place - 1].due > due) {
        schedule->actions[place] = schedule->actions[place - 1];
        place--;
    }
    schedule->actions[place] = (struct lifecycle_action){.event = event, .version = version, .due = due, .hold = hold};
}

/* Retirements and destructions come first, because they may make room for an activation that is due at the same time. */
static void want_closings(struct schedule *schedule)
{
    enum lifecycle_hold hold = schedule->times->clocks_disagree ? LIFECYCLE_HELD_CLOCKS : LIFECYCLE_FREE;
    int64_t now = shift(schedule->times->now, 0);

    for (size_t i = 0; i < schedule->ring->count; i++) {
        const struct lifecycle_version *version = &schedule->ring->versions[i];
        /* A row without the end of its state is damaged. It is listed, so that its guard reports it. */
        if (version->state == SEALRING_VERSION_RETIRING)
            want(schedule, SEALRING_EVENT_RETIRE, version->number, version->retire_at > 0 ? version->retire_at : now,
                 hold);
        else if (version->state == SEALRING_VERSION_RETIRED || version->state == SEALRING_VERSION_COMPROMISED)
            want(schedule, SEALRING_EVENT_DESTROY, version->number, version->purge_at > 0 ? version->purge_at : now,
                 hold);
    }
}

static void want_rotation(struct schedule *schedule)
{
    const struct lifecycle_ring *ring = schedule->ring;
    const struct lifecycle_version *active = lifecycle_find_active(ring);
    size_t pending;
    const struct lifecycle_version *next = lifecycle_find_next(ring, &pending);
    enum lifecycle_hold rollback = ring->rotation_held ? LIFECYCLE_HELD_ROLLBACK : LIFECYCLE_FREE;
    bool rotates = active == NULL || ring->policy.rotate_every > 0;
    int64_t now = shift(schedule->times->now, 0);
    int64_t due = active == NULL ? now : shift(active->activated, ring->policy.rotate_every);
    bool wanted_now = active == NULL || ring->policy.standby;

    if (next == NULL && (rotates || wanted_now))
        want(schedule, SEALRING_EVENT_PREPARE, next_number(ring),
             wanted_now ? now : shift(due, -schedule->times->publishing), wanted_now ? LIFECYCLE_FREE : rollback);
    if (!rotates || (next == NULL && next_number(ring) == 0))
        return;
    enum lifecycle_hold hold = rollback;
    if (hold == LIFECYCLE_FREE && active != NULL && schedule->times->clocks_disagree)
        hold = LIFECYCLE_HELD_CLOCKS;
    want(schedule, SEALRING_EVENT_ACTIVATE, next != NULL ? next->number : next_number(ring), due, hold);
}

/* ---- What blocks an event ---------------------------------------------------------------------------------------------- */

static const char *const held_by[] = {
    [LIFECYCLE_HELD_ROLLBACK] = "an operator rolled back: nothing is activated by itself until they rotate or activate",
    [LIFECYCLE_HELD_CLOCKS] =
        "the wall clock and the time since boot disagree: nothing irreversible happens by itself until they agree",
};

/* The number for lifecycle_decide. No event leads to several pending versions that were never active; if there are, an operator must
 * choose, and decide reports it. */
static uint32_t asked_about(const struct lifecycle_ring *ring, const struct lifecycle_action *action)
{
    size_t pending;

    if (action->event == SEALRING_EVENT_PREPARE)
        return 0;
    if (action->event != SEALRING_EVENT_ACTIVATE)
        return action->version;
    lifecycle_find_next(ring, &pending);
    return pending > 1 ? 0 : action->version;
}

static void answer(const struct schedule *schedule, struct lifecycle_action *action)
{
    const struct lifecycle_ring *ring = schedule->ring;
    const struct lifecycle_evidence bare = {.now = schedule->times->now}; /* of a version that does not exist yet */
    const struct lifecycle_version *version = lifecycle_find(ring, action->version);
    struct lifecycle_decision decision;

    if (action->event == SEALRING_EVENT_ACTIVATE && version == NULL) {
        action->answer = LIFECYCLE_WAITING;
        guard_say(action->reason, "version %lu is still to be made", (unsigned long)action->version);
    } else {
        lifecycle_decide(ring, version != NULL ? schedule->evidence[version - ring->versions] : &bare, action->event,
                         asked_about(ring, action), 0, &decision);
        action->answer = decision.answer;
        guard_say(action->reason, "%s", decision.reason);
        if (decision.waiting & GUARD_SUCCESSION) {
            const struct lifecycle_evidence *evidence = schedule->evidence[version - ring->versions];
            guard_succession(&(struct guard_question){ring, version, evidence}, action->foreseen);
            action->behind = evidence->behind_count > 0;
        }
    }
    if (action->hold == LIFECYCLE_FREE)
        return;
    action->reason[0] = '\0';
    guard_say(action->reason, "%s", held_by[action->hold]);
}

/* What keep will answer to a rotation when it is due. */
static void foresee_keep(const struct schedule *schedule, struct lifecycle_action *action)
{
    const struct lifecycle_ring *ring = schedule->ring;
    size_t retiring = 0;

    if (action->event != SEALRING_EVENT_ACTIVATE || lifecycle_find_active(ring) == NULL)
        return;
    /* those whose window is longer, or whose retirement will be blocked */
    for (size_t i = 0; i < schedule->count; i++) {
        const struct lifecycle_action *other = &schedule->actions[i];
        retiring += other->event == SEALRING_EVENT_RETIRE && (other->due > action->due || other->foreseen[0] != '\0');
    }
    if (retiring >= ring->policy.keep)
        guard_say(action->foreseen,
                  "%zu version%s will still be retiring then, and the policy keeps %lu: reissue what holds them up, or "
                  "raise keep",
                  retiring, retiring == 1 ? "" : "s", (unsigned long)ring->policy.keep);
}

size_t lifecycle_schedule(const struct lifecycle_ring *ring, const struct lifecycle_evidence *const *evidence,
                          const struct lifecycle_times *times, struct lifecycle_action *actions)
{
    struct schedule schedule = {.ring = ring, .evidence = evidence, .times = times, .actions = actions};

    want_closings(&schedule);
    want_rotation(&schedule);
    for (size_t i = 0; i < schedule.count; i++)
        answer(&schedule, &actions[i]);
    for (size_t i = 0; i < schedule.count; i++)
        foresee_keep(&schedule, &actions[i]);
    return schedule.count;
}

bool lifecycle_may_happen(const struct lifecycle_action *action, int64_t now)
{
    return action->due <= now && action->hold == LIFECYCLE_FREE && action->answer == LIFECYCLE_ALLOWED;
}
