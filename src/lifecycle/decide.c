/* SPDX-License-Identifier: Apache-2.0 */
/* Decides an event: chooses the version, checks the rule and its guards, and lists the resulting changes. */
#include "lifecycle/decide.h"

#include <string.h>

#include "base/capped.h"

#define NUMBERS_SHOWN 8 /* version numbers that a reason lists */

/* One decision in progress. */
struct decision_attempt {
    const struct lifecycle_ring *ring;
    const struct lifecycle_evidence *evidence;
    sealring_event event;
    uint32_t number;
    unsigned overrule; /* bits of enum lifecycle_guard */
    int64_t now;
    const struct lifecycle_version *version; /* the chosen one */
    const struct lifecycle_rule *rule;
    struct lifecycle_decision *decision;
};

/* ---- Searching a ring -------------------------------------------------------------------------------------------------- */

const struct lifecycle_version *lifecycle_find(const struct lifecycle_ring *ring, uint32_t number)
{
    for (size_t i = 0; i < ring->count; i++)
        if (ring->versions[i].number == number)
            return &ring->versions[i];
    return NULL;
}

const struct lifecycle_version *lifecycle_find_active(const struct lifecycle_ring *ring)
{
    for (size_t i = 0; i < ring->count; i++)
        if (ring->versions[i].state == SEALRING_VERSION_ACTIVE)
            return &ring->versions[i];
    return NULL;
}

bool lifecycle_is_next(const struct lifecycle_version *version)
{
    return version->state == SEALRING_VERSION_PENDING && version->activated == 0;
}

/* The highest next version, and the number of next versions. */
const struct lifecycle_version *lifecycle_find_next(const struct lifecycle_ring *ring, size_t *count)
{
    const struct lifecycle_version *last = NULL;

    *count = 0;
    for (size_t i = 0; i < ring->count; i++) {
        if (!lifecycle_is_next(&ring->versions[i]))
            continue;
        last = &ring->versions[i];
        ++*count;
    }
    return last;
}

/* "2, 5, 9" */
static void say_pending(char *reason, const struct lifecycle_ring *ring)
{
    size_t shown = 0;

    for (size_t i = 0; i < ring->count; i++) {
        if (ring->versions[i].state != SEALRING_VERSION_PENDING)
            continue;
        if (shown == NUMBERS_SHOWN) {
            guard_say(reason, " and more");
            return;
        }
        guard_say(reason, "%s%lu", shown++ > 0 ? ", " : "", (unsigned long)ring->versions[i].number);
    }
}

/* policy_problem keeps valid durations from being negative; a damaged one counts as none. */
static int64_t later(int64_t now, int64_t duration)
{
    return capped_add(now, duration < 0 ? 0 : duration);
}

/* ---- Choosing the version -------------------------------------------------------------------------------------------- */

/* Each sets attempt->version, or writes the reason why not and returns false. Only for calls without a number. */
static bool choose_pending(struct decision_attempt *attempt)
{
    char *reason = attempt->decision->reason;
    size_t count;

    attempt->version = lifecycle_find_next(attempt->ring, &count);
    if (count == 0)
        guard_say(reason, "ring %s has no pending version to activate: prepare one, or name the one you mean",
                  attempt->ring->name);
    if (count > 1) {
        guard_say(reason, "ring %s has %zu pending versions (", attempt->ring->name, count);
        say_pending(reason, attempt->ring);
        guard_say(reason, "): say which to activate");
    }
    return count == 1;
}

static bool choose_newest_retiring(struct decision_attempt *attempt)
{
    const struct lifecycle_ring *ring = attempt->ring;

    for (size_t i = 0; i < ring->count; i++) {
        const struct lifecycle_version *version = &ring->versions[i];
        if (version->state != SEALRING_VERSION_RETIRING)
            continue;
        /* Numbers ascend, so of two that were activated at the same time the later one is chosen. */
        if (attempt->version == NULL || version->activated >= attempt->version->activated)
            attempt->version = version;
    }
    if (attempt->version == NULL)
        guard_say(attempt->decision->reason,
                  "ring %s has no retiring version to roll back to: reinstate a retired one and activate it",
                  ring->name);
    return attempt->version != NULL;
}

static bool choose_named(struct decision_attempt *attempt)
{
    const struct lifecycle_ring *ring = attempt->ring;

    attempt->version = lifecycle_find(ring, attempt->number);
    if (attempt->version != NULL)
        return true;
    attempt->decision->unknown_version = true;
    guard_say(attempt->decision->reason, "ring %s has no version %lu", ring->name, (unsigned long)attempt->number);
    if (ring->count == 0)
        guard_say(attempt->decision->reason, "; it has none yet");
    else
        guard_say(attempt->decision->reason, "; it has %lu to %lu", (unsigned long)ring->versions[0].number,
                  (unsigned long)ring->versions[ring->count - 1].number);
    return false;
}

static bool choose(struct decision_attempt *attempt)
{
    if (attempt->number != 0)
        return choose_named(attempt);
    if (attempt->event == SEALRING_EVENT_ACTIVATE)
        return choose_pending(attempt);
    if (attempt->event == SEALRING_EVENT_ROLLBACK)
        return choose_newest_retiring(attempt);
    guard_say(attempt->decision->reason, "say which version of ring %s to %s", attempt->ring->name,
              sealring_event_name(attempt->event));
    return false;
}

/* ---- Checking the rule and its guards ---------------------------------------------------------------------------------- */

static bool ask_rule(struct decision_attempt *attempt)
{
    sealring_version_state state = attempt->version->state;
    char *reason = attempt->decision->reason;
    bool there_already = false;

    attempt->rule = lifecycle_rule(attempt->event, state);
    if (attempt->rule != NULL)
        return true;
    for (size_t i = 0; i < lifecycle_rule_count; i++)
        there_already |= lifecycle_rules[i].event == attempt->event && lifecycle_rules[i].to == state;
    guard_say(reason, "version %lu is %s%s; %s", (unsigned long)attempt->version->number,
              sealring_version_state_name(state), there_already ? " already" : "",
              lifecycle_advice(attempt->event, state));
    return false;
}

static const struct {
    enum lifecycle_guard guard;
    guard_function *ask;
} guards[] = {
    {GUARD_BARRIER, guard_barrier},       {GUARD_ERA, guard_era},       {GUARD_GATE, guard_gate},
    {GUARD_PURGE, guard_purge},           {GUARD_UNHELD, guard_unheld}, {GUARD_KEEP, guard_keep},
    {GUARD_SUCCESSION, guard_succession},
};
#define GUARD_COUNT (sizeof(guards) / sizeof(guards[0]))

/* An operator may overrule waiting, but not what would break a client's credential. */
#define OVERRULABLE (LIFECYCLE_OVERRULE | (unsigned)GUARD_SUCCESSION)

struct guard_result {
    enum lifecycle_answer answer;
    char reason[LIFECYCLE_REASON_SIZE];
};

/* Adds the lines of the guards that gave this answer. */
static void say_results(struct lifecycle_decision *decision, const struct guard_result *results,
                        enum lifecycle_answer answer)
{
    char *reason = decision->reason;

    for (size_t i = 0; i < GUARD_COUNT; i++)
        if (results[i].reason[0] != '\0' && results[i].answer == answer)
            guard_say(reason, "%s%s%s", reason[0] != '\0' ? "; " : "",
                      answer == LIFECYCLE_WAITING && decision->overruled ? "overruled: " : "", results[i].reason);
}

static void ask_guards(struct decision_attempt *attempt)
{
    struct lifecycle_decision *decision = attempt->decision;
    const struct guard_question asked = {attempt->ring, attempt->version, attempt->evidence};
    struct guard_result results[GUARD_COUNT];

    decision->answer = LIFECYCLE_ALLOWED;
    memset(results, 0, sizeof(results));
    for (size_t i = 0; i < GUARD_COUNT; i++) {
        if (!(attempt->rule->guards & guards[i].guard))
            continue;
        results[i].answer = guards[i].ask(&asked, results[i].reason);
        if (results[i].answer > decision->answer)
            decision->answer = results[i].answer;
        if (results[i].answer == LIFECYCLE_WAITING)
            decision->waiting |= guards[i].guard;
    }
    decision->overruled =
        decision->answer == LIFECYCLE_WAITING && (decision->waiting & ~(attempt->overrule & OVERRULABLE)) == 0;
    if (decision->overruled)
        decision->answer = LIFECYCLE_ALLOWED;
    if (decision->answer != LIFECYCLE_WAITING)
        decision->waiting = 0;
    /* What blocks the event comes first, so that truncation removes the rest. */
    say_results(decision, results, LIFECYCLE_FORBIDDEN);
    say_results(decision, results, LIFECYCLE_WAITING);
    say_results(decision, results, LIFECYCLE_ALLOWED);
}

/* ---- The changes ----------------------------------------------------------------------------------------------------- */

/* Adds a step that only changes the state. */
static struct lifecycle_step *add_step(struct lifecycle_decision *decision, const struct lifecycle_version *version,
                                       sealring_version_state to)
{
    struct lifecycle_step *step = &decision->steps[decision->count++];

    step->number = version->number;
    step->from = version->state;
    step->to = to;
    step->activated = version->activated;
    step->closed = version->closed;
    step->purge_at = version->purge_at;
    step->destroyed = version->destroyed;
    return step;
}

static void steps_activate(struct decision_attempt *attempt)
{
    const struct lifecycle_version *active = lifecycle_find_active(attempt->ring);
    struct lifecycle_decision *decision = attempt->decision;
    bool hold = attempt->event == SEALRING_EVENT_ROLLBACK;

    if (attempt->rule->from == SEALRING_VERSION_RETIRING)
        guard_say(decision->reason, "no barrier to pass: every verifier accepts version %lu, which is retiring",
                  (unsigned long)attempt->version->number);
    if (active != NULL) {
        struct lifecycle_step *step = add_step(decision, active, SEALRING_VERSION_RETIRING);
        step->retire_at = later(attempt->now, attempt->ring->policy.overlap);
        if (active->retire_at > step->retire_at)
            step->retire_at = active->retire_at; /* an announced end is a promise */
    }
    struct lifecycle_step *chosen = add_step(decision, attempt->version, SEALRING_VERSION_ACTIVE);
    chosen->activated = attempt->now;
    chosen->retire_at = attempt->version->retire_at; /* the announced end of a retiring version stays announced */
    decision->test_version = attempt->version->number;
    decision->set_hold = attempt->ring->rotation_held != hold;
    decision->hold = hold;
}

static void close_version(struct decision_attempt *attempt)
{
    struct lifecycle_step *step = add_step(attempt->decision, attempt->version, attempt->rule->to);

    step->closed = attempt->now;
    step->purge_at = later(attempt->now, attempt->ring->policy.purge_delay);
}

/* The newest next version that may issue at once, and what its barrier reports. No reinstated one: it was given up before. */
static const struct lifecycle_version *find_standby(const struct decision_attempt *attempt,
                                                    char barrier[LIFECYCLE_REASON_SIZE])
{
    struct guard_question asked = {.evidence = attempt->evidence};
    for (size_t i = attempt->ring->count; i > 0; i--) {
        asked.version = &attempt->ring->versions[i - 1];
        if (lifecycle_is_next(asked.version) && guard_barrier(&asked, barrier) == LIFECYCLE_ALLOWED)
            return asked.version;
    }
    return NULL;
}

static void steps_compromise(struct decision_attempt *attempt)
{
    struct lifecycle_decision *decision = attempt->decision;
    struct guard_question asked = {.evidence = attempt->evidence};
    char barrier[LIFECYCLE_REASON_SIZE];
    size_t count;

    close_version(attempt);
    guard_say(decision->reason, "nothing delays a compromise");
    if (attempt->version->state != SEALRING_VERSION_ACTIVE)
        return;
    const struct lifecycle_version *standby = find_standby(attempt, barrier);
    if (standby != NULL) {
        add_step(decision, standby, SEALRING_VERSION_ACTIVE)->activated = attempt->now;
        guard_say(decision->reason, "; version %lu takes its place, %s", (unsigned long)standby->number, barrier);
        return;
    }
    guard_say(decision->reason, "; ring %s has no active version then, issuing is refused until one passes its barrier",
              attempt->ring->name);
    asked.version = lifecycle_find_next(attempt->ring, &count);
    if (asked.version == NULL) {
        guard_say(decision->reason, ": rotate");
        return;
    }
    guard_barrier(&asked, barrier);
    guard_say(decision->reason, ": %s", barrier);
}

static void steps_reinstate(struct decision_attempt *attempt)
{
    struct lifecycle_step *step = add_step(attempt->decision, attempt->version, SEALRING_VERSION_PENDING);

    step->closed = 0;
    step->purge_at = 0;
    guard_say(attempt->decision->reason,
              "version %lu is accepted again, and has to pass its barrier before it is activated",
              (unsigned long)attempt->version->number);
}

static void steps_destroy(struct decision_attempt *attempt)
{
    add_step(attempt->decision, attempt->version, SEALRING_VERSION_DESTROYED)->destroyed = attempt->now;
}

static void (*const effects[])(struct decision_attempt *attempt) = {
    [SEALRING_EVENT_ACTIVATE] = steps_activate,     [SEALRING_EVENT_ROLLBACK] = steps_activate,
    [SEALRING_EVENT_RETIRE] = close_version,        [SEALRING_EVENT_REINSTATE] = steps_reinstate,
    [SEALRING_EVENT_COMPROMISE] = steps_compromise, [SEALRING_EVENT_DESTROY] = steps_destroy,
};

/* ---- Deciding -------------------------------------------------------------------------------------------------------- */

static void decide_prepare(struct decision_attempt *attempt)
{
    const struct lifecycle_ring *ring = attempt->ring;
    struct lifecycle_decision *decision = attempt->decision;
    size_t count;
    const struct lifecycle_version *pending = lifecycle_find_next(ring, &count);

    if (pending != NULL) {
        guard_say(decision->reason, "version %lu of ring %s is pending already: activate version %lu%s",
                  (unsigned long)pending->number, ring->name, (unsigned long)pending->number,
                  pending->held ? " (clients may hold credentials of it)" : " or destroy it");
        return;
    }
    if (ring->last_number == UINT32_MAX) {
        guard_say(decision->reason, "ring %s has used up its version numbers: make a new ring", ring->name);
        return;
    }
    if (attempt->number != 0 && attempt->number != ring->last_number + 1) {
        guard_say(decision->reason, "the next version of ring %s is %lu: name none", ring->name,
                  (unsigned long)(ring->last_number + 1));
        return;
    }
    struct lifecycle_version next = {.number = ring->last_number + 1, .state = SEALRING_VERSION_NONE};
    add_step(decision, &next, SEALRING_VERSION_PENDING);
    guard_say(decision->reason, "version %lu is the next of ring %s", (unsigned long)next.number, ring->name);
    decision->answer = LIFECYCLE_ALLOWED;
}

void lifecycle_decide(const struct lifecycle_ring *ring, const struct lifecycle_evidence *evidence,
                      sealring_event event, uint32_t number, unsigned overrule, struct lifecycle_decision *decision)
{
    struct decision_attempt attempt = {.ring = ring,
                                       .evidence = evidence,
                                       .event = event,
                                       .number = number,
                                       .overrule = overrule,
                                       .now = evidence->now > 0 ? evidence->now : 1, /* 0 means "never" in a row */
                                       .decision = decision};

    memset(decision, 0, sizeof(*decision));
    decision->answer = LIFECYCLE_FORBIDDEN;
    if (event == SEALRING_EVENT_PREPARE) {
        decide_prepare(&attempt);
        return;
    }
    if ((unsigned)event >= sizeof(effects) / sizeof(effects[0]) || effects[event] == NULL) {
        guard_say(decision->reason, "%s", lifecycle_advice(event, SEALRING_VERSION_NONE));
        return;
    }
    if (!choose(&attempt) || !ask_rule(&attempt))
        return;
    ask_guards(&attempt);
    if (decision->answer == LIFECYCLE_ALLOWED)
        effects[event](&attempt);
}
