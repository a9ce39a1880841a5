/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions: every state, event, guard answer and overrule against an expectation of its own; then each event's effects. */
#include <stdio.h>
#include <string.h>

#include "lib/runner.h"
#include "lifecycle/decide.h"
#include "lifecycle/transition_table.h"

#define NOW INT64_C(1795292100000) /* 2026-11-21T20:15:00Z */
#define DAY INT64_C(86400000)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define P SEALRING_VERSION_PENDING
#define A SEALRING_VERSION_ACTIVE
#define R SEALRING_VERSION_RETIRING
#define T SEALRING_VERSION_RETIRED
#define C SEALRING_VERSION_COMPROMISED
#define D SEALRING_VERSION_DESTROYED

static const sealring_policy policy = {.overlap = 7 * DAY, .purge_delay = 30 * DAY, .keep = 3};
static struct lifecycle_decision decision;

/* A version as it would stand in the registry; its times lie before NOW. */
static struct lifecycle_version version_in(uint32_t number, sealring_version_state state)
{
    struct lifecycle_version version = {.number = number, .state = state, .fact = number};

    if (state != P)
        version.activated = NOW - 90 * DAY + number;
    if (state == R)
        version.retire_at = NOW - DAY;
    if (state == T || state == C || state == D) {
        version.closed = NOW - 50 * DAY;
        version.purge_at = NOW - 20 * DAY;
    }
    if (state == D)
        version.destroyed = NOW - 10 * DAY;
    version.was_compromised = state == C;
    return version;
}

/* A ring of versions 1, 2, … in the given states. */
struct model {
    struct lifecycle_version versions[16];
    struct lifecycle_ring ring;
};

static struct model model_of(const sealring_version_state *states, size_t count)
{
    struct model model = {.ring = {.name = "acme", .policy = policy, .last_number = (uint32_t)count, .count = count}};

    for (size_t i = 0; i < count; i++)
        model.versions[i] = version_in((uint32_t)i + 1, states[i]);
    return model;
}

#define MODEL(...) \
    model_of((const sealring_version_state[]){__VA_ARGS__}, COUNT(((const sealring_version_state[]){__VA_ARGS__})))

static void decide_with(struct model *model, const struct lifecycle_evidence *evidence, sealring_event event,
                        uint32_t number, unsigned overrule)
{
    model->ring.versions = model->versions;
    memset(&decision, 0x5A, sizeof(decision));
    lifecycle_decide(&model->ring, evidence, event, number, overrule, &decision);
    size_t length = strnlen(decision.reason, sizeof(decision.reason));
    ck_assert_uint_gt(length, 0);
    ck_assert_uint_lt(length, sizeof(decision.reason));
    ck_assert_ptr_null(strchr(decision.reason, '\n'));
    ck_assert_int_eq(decision.count > 0, decision.answer == LIFECYCLE_ALLOWED);
}

static void decide(struct model *model, sealring_event event, uint32_t number)
{
    const struct lifecycle_evidence evidence = {.now = NOW};

    decide_with(model, &evidence, event, number, 0);
}

static void assert_says(const char *part)
{
    ck_assert_msg(strstr(decision.reason, part) != NULL, "\"%s\" does not say \"%s\"", decision.reason, part);
}

static void assert_forbidden(const char *part)
{
    ck_assert_msg(decision.answer == LIFECYCLE_FORBIDDEN, "answer %d: %s", decision.answer, decision.reason);
    ck_assert(!decision.overruled);
    ck_assert(!decision.set_hold);
    ck_assert_uint_eq(decision.test_version, 0);
    assert_says(part);
}

static void assert_step(size_t index, uint32_t number, sealring_version_state from, sealring_version_state to)
{
    ck_assert_uint_lt(index, decision.count);
    ck_assert_uint_eq(decision.steps[index].number, number);
    ck_assert_int_eq(decision.steps[index].from, from);
    ck_assert_int_eq(decision.steps[index].to, to);
}

static void assert_times(size_t index, int64_t activated, int64_t retire_at, int64_t closed, int64_t purge_at,
                         int64_t destroyed)
{
    const struct lifecycle_step *step = &decision.steps[index];

    ck_assert_int_eq(step->activated, activated);
    ck_assert_int_eq(step->retire_at, retire_at);
    ck_assert_int_eq(step->closed, closed);
    ck_assert_int_eq(step->purge_at, purge_at);
    ck_assert_int_eq(step->destroyed, destroyed);
}

/* ---- Every state, event, guard answer, overrule ----------------------------------------------------------------------- */

/* Where each event leads from each state, and the letters of its guards: b barrier, g gate, p purge, u unheld, k keep, e era, s succession.
 * Written down from DESIGN, section 5, not from lifecycle_rules. */
static const struct {
    sealring_event event;
    sealring_version_state from;
    sealring_version_state to;
    const char *guards;
} expected[] = {
    {SEALRING_EVENT_ACTIVATE, P, A, "bk"}, {SEALRING_EVENT_ACTIVATE, R, A, "e"},  {SEALRING_EVENT_ROLLBACK, R, A, "e"},
    {SEALRING_EVENT_RETIRE, R, T, "gs"},   {SEALRING_EVENT_REINSTATE, T, P, ""},  {SEALRING_EVENT_COMPROMISE, P, C, ""},
    {SEALRING_EVENT_COMPROMISE, A, C, ""}, {SEALRING_EVENT_COMPROMISE, R, C, ""}, {SEALRING_EVENT_COMPROMISE, T, C, ""},
    {SEALRING_EVENT_DESTROY, P, D, "u"},   {SEALRING_EVENT_DESTROY, T, D, "p"},   {SEALRING_EVENT_DESTROY, C, D, "p"},
};

enum {
    OPEN_BARRIER = 1,
    OPEN_GATE = 2,
    OPEN_PURGE = 4,
    OPEN_UNHELD = 8,
    OPEN_KEEP = 16,
    OPEN_ERA = 32,
    OPEN_SUCCESSION = 64,
    OVERRULE = 128,
    OVERRULE_SUCCESSION = 256,
    VARIANTS = 512
};

static const struct {
    char letter;
    int open;
    enum lifecycle_answer closed;
    int overrule; /* the variant's bit that overrules it, 0: nothing does */
} guard_letters[] = {
    {'b', OPEN_BARRIER, LIFECYCLE_WAITING, 0},
    {'g', OPEN_GATE, LIFECYCLE_WAITING, OVERRULE},
    {'p', OPEN_PURGE, LIFECYCLE_WAITING, OVERRULE},
    {'u', OPEN_UNHELD, LIFECYCLE_FORBIDDEN, 0},
    {'k', OPEN_KEEP, LIFECYCLE_WAITING, OVERRULE},
    {'e', OPEN_ERA, LIFECYCLE_WAITING, 0},
    {'s', OPEN_SUCCESSION, LIFECYCLE_WAITING, OVERRULE_SUCCESSION},
};

/* What must come out for version 4, in state `state`, with the guards as `variant` says. */
static enum lifecycle_answer expect(sealring_event event, sealring_version_state state, int variant,
                                    sealring_version_state *to, bool *overruled)
{
    enum lifecycle_answer answer = LIFECYCLE_FORBIDDEN;

    *overruled = false;
    for (size_t i = 0; i < COUNT(expected); i++) {
        if (expected[i].event != event || expected[i].from != state)
            continue;
        answer = LIFECYCLE_ALLOWED;
        *to = expected[i].to;
        for (size_t j = 0; j < COUNT(guard_letters); j++) {
            bool open = (variant & guard_letters[j].open) != 0;
            if (guard_letters[j].letter == 'b') /* who does not go by the present registry has proved nothing of it */
                open = open && (variant & OPEN_ERA) != 0;
            if (strchr(expected[i].guards, guard_letters[j].letter) == NULL || open)
                continue;
            if (variant & guard_letters[j].overrule)
                *overruled = true;
            else if (answer < guard_letters[j].closed)
                answer = guard_letters[j].closed;
        }
    }
    if (answer != LIFECYCLE_ALLOWED)
        *overruled = false;
    return answer;
}

static void check_variant(sealring_event event, sealring_version_state state, int variant)
{
    const struct lifecycle_verifier verifier = {.name = "web1",
                                                .epoch = variant & OPEN_ERA ? 100 : 0,
                                                .facts = variant & OPEN_ERA ? 100 : 0,
                                                .proved = (const uint32_t[]){variant & OPEN_BARRIER ? 4 : 9},
                                                .proved_count = 1};
    const struct lifecycle_user behind = {.name = "0123456789abcdef of acme", .last_use = NOW - DAY};
    const struct lifecycle_evidence evidence = {.now = NOW,
                                                .verifiers = &verifier,
                                                .verifier_count = 1,
                                                .new_era = true,
                                                .succession = 400 * DAY,
                                                .behind = &behind,
                                                .behind_named = variant & OPEN_SUCCESSION ? 0 : 1,
                                                .behind_count = variant & OPEN_SUCCESSION ? 0 : 1};
    const unsigned overrule = (variant & OVERRULE ? LIFECYCLE_OVERRULE : 0) |
                              (variant & OVERRULE_SUCCESSION ? (unsigned)GUARD_SUCCESSION : 0);
    struct model model = MODEL(R, R, state == A ? T : A, state);
    struct lifecycle_version *version = &model.versions[3];
    sealring_version_state to = SEALRING_VERSION_NONE;
    bool overruled;
    enum lifecycle_answer answer = expect(event, state, variant, &to, &overruled);

    model.ring.policy.keep = variant & OPEN_KEEP ? 3 : 2;
    if (state == R)
        version->retire_at = variant & OPEN_GATE ? NOW : NOW + 1;
    if (state == T || state == C)
        version->purge_at = variant & OPEN_PURGE ? NOW : NOW + 1;
    version->held = !(variant & OPEN_UNHELD);
    decide_with(&model, &evidence, event, 4, overrule);
    ck_assert_msg(decision.answer == answer, "event %d, state %d, variant %d: %d instead of %d: %s", event, state,
                  variant, decision.answer, answer, decision.reason);
    ck_assert_int_eq(decision.overruled, overruled);
    ck_assert_int_eq(overruled, strstr(decision.reason, "overruled: ") != NULL);
    ck_assert(!decision.unknown_version);
    if (answer != LIFECYCLE_ALLOWED)
        return;
    bool moves_active = to == A;
    ck_assert_uint_eq(decision.count, moves_active ? 2 : 1);
    if (moves_active)
        assert_step(0, 3, A, R);
    assert_step(decision.count - 1, 4, state, to);
    ck_assert_uint_eq(decision.test_version, moves_active ? 4 : 0);
}

static const sealring_event named_events[] = {SEALRING_EVENT_ACTIVATE,   SEALRING_EVENT_ROLLBACK,
                                              SEALRING_EVENT_RETIRE,     SEALRING_EVENT_REINSTATE,
                                              SEALRING_EVENT_COMPROMISE, SEALRING_EVENT_DESTROY};

START_TEST(every_state_event_and_guard)
{
    for (int variant = 0; variant < VARIANTS; variant++)
        check_variant(named_events[_i / 6], (sealring_version_state)(_i % 6 + 1), variant);
}
END_TEST

START_TEST(unknown_versions_and_missing_numbers)
{
    struct model model = MODEL(R, A, P);

    for (size_t i = 0; i < COUNT(named_events); i++) {
        decide(&model, named_events[i], 9);
        ck_assert(decision.unknown_version);
        assert_forbidden("ring acme has no version 9; it has 1 to 3");
        if (named_events[i] == SEALRING_EVENT_ACTIVATE || named_events[i] == SEALRING_EVENT_ROLLBACK)
            continue;
        decide(&model, named_events[i], 0);
        ck_assert(!decision.unknown_version);
        assert_forbidden("say which version of ring acme");
    }
    model.ring.count = 0;
    decide(&model, SEALRING_EVENT_RETIRE, 1);
    ck_assert(decision.unknown_version);
    assert_forbidden("it has none yet");
}
END_TEST

START_TEST(rotate_and_nonsense_are_no_events)
{
    struct model model = MODEL(A);

    decide(&model, SEALRING_EVENT_ROTATE, 0);
    assert_forbidden("prepare");
    decide(&model, SEALRING_EVENT_ROTATE, 1);
    assert_forbidden("activate");
    decide(&model, (sealring_event)0, 1);
    assert_forbidden("");
    decide(&model, (sealring_event)77, 1);
    assert_forbidden("");
}
END_TEST

START_TEST(what_is_so_already_is_said)
{
    struct model model = MODEL(T, C, D, P, A, R);

    decide(&model, SEALRING_EVENT_ACTIVATE, 5);
    assert_forbidden("version 5 is active already");
    decide(&model, SEALRING_EVENT_RETIRE, 1);
    assert_forbidden("version 1 is retired already");
    decide(&model, SEALRING_EVENT_COMPROMISE, 2);
    assert_forbidden("version 2 is compromised already");
    decide(&model, SEALRING_EVENT_DESTROY, 3);
    assert_forbidden("version 3 is destroyed already");
    decide(&model, SEALRING_EVENT_REINSTATE, 4);
    assert_forbidden("version 4 is pending already");
    decide(&model, SEALRING_EVENT_ACTIVATE, 1);
    assert_forbidden("version 1 is retired; reinstate it first");
    decide(&model, SEALRING_EVENT_RETIRE, 5);
    assert_forbidden("version 5 is active; rotate");
}
END_TEST

/* ---- prepare ---------------------------------------------------------------------------------------------------------- */

START_TEST(prepare_gives_the_next_number)
{
    struct model model = MODEL(D, T, A);

    model.ring.last_number = 7; /* 4 to 7 were given, and their making undone */
    decide(&model, SEALRING_EVENT_PREPARE, 0);
    ck_assert_int_eq(decision.answer, LIFECYCLE_ALLOWED);
    ck_assert_uint_eq(decision.count, 1);
    assert_step(0, 8, SEALRING_VERSION_NONE, P);
    assert_times(0, 0, 0, 0, 0, 0);
    ck_assert_uint_eq(decision.test_version, 0);
    decide(&model, SEALRING_EVENT_PREPARE, 8);
    ck_assert_int_eq(decision.answer, LIFECYCLE_ALLOWED);
    decide(&model, SEALRING_EVENT_PREPARE, 7);
    assert_forbidden("the next version of ring acme is 8");
    decide(&model, SEALRING_EVENT_PREPARE, 9);
    assert_forbidden("the next version of ring acme is 8");
}
END_TEST

START_TEST(prepare_in_an_empty_ring)
{
    struct model model = {.ring = {.name = "new", .policy = policy}};

    decide(&model, SEALRING_EVENT_PREPARE, 0);
    ck_assert_int_eq(decision.answer, LIFECYCLE_ALLOWED);
    assert_step(0, 1, SEALRING_VERSION_NONE, P);
}
END_TEST

START_TEST(prepare_with_a_pending_one)
{
    struct model model = MODEL(A, P);
    const struct lifecycle_evidence evidence = {.now = NOW};

    decide(&model, SEALRING_EVENT_PREPARE, 0);
    assert_forbidden("activate version 2 or destroy it");
    decide_with(&model, &evidence, SEALRING_EVENT_PREPARE, 0, LIFECYCLE_OVERRULE);
    assert_forbidden("activate version 2 or destroy it");
    model.versions[1].held = true; /* reinstated: destroying it would not be allowed */
    decide(&model, SEALRING_EVENT_PREPARE, 0);
    assert_forbidden("activate version 2 (clients may hold");
}
END_TEST

START_TEST(prepare_at_the_end_of_numbers)
{
    struct model model = MODEL(A);

    model.ring.last_number = UINT32_MAX - 1;
    decide(&model, SEALRING_EVENT_PREPARE, 0);
    ck_assert_int_eq(decision.answer, LIFECYCLE_ALLOWED);
    assert_step(0, UINT32_MAX, SEALRING_VERSION_NONE, P);
    model.ring.last_number = UINT32_MAX;
    decide(&model, SEALRING_EVENT_PREPARE, 0);
    assert_forbidden("used up its version numbers");
}
END_TEST

/* ---- activate, rollback ----------------------------------------------------------------------------------------------- */

START_TEST(activate_swaps)
{
    struct model model = MODEL(A, P);

    decide(&model, SEALRING_EVENT_ACTIVATE, 0);
    ck_assert_int_eq(decision.answer, LIFECYCLE_ALLOWED);
    ck_assert_uint_eq(decision.count, 2);
    assert_step(0, 1, A, R);
    assert_times(0, model.versions[0].activated, NOW + 7 * DAY, 0, 0, 0);
    assert_step(1, 2, P, A);
    assert_times(1, NOW, 0, 0, 0, 0);
    ck_assert_uint_eq(decision.test_version, 2);
    ck_assert(!decision.set_hold);
    ck_assert_str_eq(decision.reason, "barrier open: no verifier is registered; retiring then: 1 of at most 3");
}
END_TEST

START_TEST(activate_the_first)
{
    struct model model = MODEL(P);

    model.ring.policy.keep = 1;
    decide(&model, SEALRING_EVENT_ACTIVATE, 0);
    ck_assert_int_eq(decision.answer, LIFECYCLE_ALLOWED);
    ck_assert_uint_eq(decision.count, 1);
    assert_step(0, 1, P, A);
}
END_TEST

START_TEST(keep_matters_only_if_one_becomes_retiring)
{
    struct model model = MODEL(R, R, C, P);

    model.ring.policy.keep = 2;
    decide(&model, SEALRING_EVENT_ACTIVATE, 4);
    ck_assert_int_eq(decision.answer, LIFECYCLE_ALLOWED);
    ck_assert_uint_eq(decision.count, 1);

    struct model full = MODEL(R, R, A, P);
    full.ring.policy.keep = 2;
    decide(&full, SEALRING_EVENT_ACTIVATE, 4);
    ck_assert_int_eq(decision.answer, LIFECYCLE_WAITING);
    assert_says("the policy keeps 2");
    decide(&full, SEALRING_EVENT_ACTIVATE, 2); /* a swap: as many as before */
    ck_assert_int_eq(decision.answer, LIFECYCLE_ALLOWED);
    assert_says("no barrier to pass");
}
END_TEST

START_TEST(what_stands_in_the_way_comes_first)
{
    const struct lifecycle_verifier verifier = {.name = "web1", .epoch = 1, .facts = 1};
    const struct lifecycle_evidence evidence = {.now = NOW, .verifiers = &verifier, .verifier_count = 1};
    const struct lifecycle_evidence open = {.now = NOW};
    struct model model = MODEL(R, A, P);

    model.ring.policy.keep = 1;
    decide_with(&model, &open, SEALRING_EVENT_ACTIVATE, 0, 0);
    ck_assert_int_eq(decision.answer, LIFECYCLE_WAITING);
    ck_assert_ptr_eq(strstr(decision.reason, "1 retiring already"), decision.reason);
    ck_assert_uint_eq(decision.waiting, GUARD_KEEP);
    assert_says("; barrier open");
    decide_with(&model, &open, SEALRING_EVENT_ACTIVATE, 0, LIFECYCLE_OVERRULE);
    ck_assert_int_eq(decision.answer, LIFECYCLE_ALLOWED);
    ck_assert(decision.overruled);
    ck_assert_ptr_eq(strstr(decision.reason, "overruled: 1 retiring already"), decision.reason);
    ck_assert_uint_eq(decision.waiting, 0);
    decide_with(&model, &evidence, SEALRING_EVENT_ACTIVATE, 0, LIFECYCLE_OVERRULE);
    ck_assert_int_eq(decision.answer, LIFECYCLE_WAITING); /* the barrier is a fact */
    ck_assert(!decision.overruled);
    ck_assert_ptr_eq(strstr(decision.reason, "barrier closed"), decision.reason);
    ck_assert_uint_eq(decision.waiting, GUARD_BARRIER | GUARD_KEEP);
}
END_TEST

START_TEST(activate_wants_a_number_with_several_pending)
{
    struct model model = MODEL(A, P, P);

    decide(&model, SEALRING_EVENT_ACTIVATE, 0);
    assert_forbidden("2 pending versions (2, 3): say which");
    decide(&model, SEALRING_EVENT_ACTIVATE, 2);
    ck_assert_int_eq(decision.answer, LIFECYCLE_ALLOWED);
    assert_step(1, 2, P, A);

    struct model without = MODEL(A, R);
    decide(&without, SEALRING_EVENT_ACTIVATE, 0);
    assert_forbidden("no pending version to activate: prepare one");

    struct model many = MODEL(P, P, P, P, P, P, P, P, P, P);
    decide(&many, SEALRING_EVENT_ACTIVATE, 0);
    assert_forbidden("10 pending versions (1, 2, 3, 4, 5, 6, 7, 8 and more)");
}
END_TEST

START_TEST(rollback_takes_the_newest)
{
    struct model model = MODEL(R, R, R, A, P);

    /* Newest by activation, not by number: version 1 was active after 2 and 3. */
    model.versions[0].activated = NOW - DAY;
    decide(&model, SEALRING_EVENT_ROLLBACK, 0);
    ck_assert_int_eq(decision.answer, LIFECYCLE_ALLOWED);
    ck_assert_uint_eq(decision.count, 2);
    assert_step(0, 4, A, R);
    assert_step(1, 1, R, A);
    /* what was announced of it stays announced: its next window is no shorter */
    assert_times(1, NOW, model.versions[0].retire_at, 0, 0, 0);
    ck_assert_int_ne(model.versions[0].retire_at, 0);
    ck_assert(decision.set_hold);
    ck_assert(decision.hold);
    ck_assert_uint_eq(decision.test_version, 1);
    /* At the same time: the higher number. */
    model.versions[0].activated = model.versions[1].activated = model.versions[2].activated;
    decide(&model, SEALRING_EVENT_ROLLBACK, 0);
    assert_step(1, 3, R, A);
    decide(&model, SEALRING_EVENT_ROLLBACK, 2);
    assert_step(1, 2, R, A);

    struct model without = MODEL(T, A, P);
    decide(&without, SEALRING_EVENT_ROLLBACK, 0);
    assert_forbidden("no retiring version to roll back to");
    decide(&without, SEALRING_EVENT_ROLLBACK, 3);
    assert_forbidden("activate is for a pending one");
}
END_TEST

START_TEST(the_hold)
{
    struct model model = MODEL(R, A, P);

    model.ring.rotation_held = true;
    decide(&model, SEALRING_EVENT_ACTIVATE, 3);
    ck_assert(decision.set_hold && !decision.hold);
    decide(&model, SEALRING_EVENT_ACTIVATE, 1);
    ck_assert(decision.set_hold && !decision.hold);
    decide(&model, SEALRING_EVENT_ROLLBACK, 0);
    ck_assert(!decision.set_hold); /* it is held already */
    decide(&model, SEALRING_EVENT_COMPROMISE, 2);
    ck_assert(!decision.set_hold);
    model.ring.rotation_held = false;
    decide(&model, SEALRING_EVENT_ACTIVATE, 3);
    ck_assert(!decision.set_hold);
    decide(&model, SEALRING_EVENT_ROLLBACK, 0);
    ck_assert(decision.set_hold && decision.hold);
}
END_TEST

START_TEST(a_promised_end_stays)
{
    struct model model = MODEL(A, P);

    model.versions[0].retire_at = NOW + 7 * DAY + 1;
    decide(&model, SEALRING_EVENT_ACTIVATE, 0);
    ck_assert_int_eq(decision.steps[0].retire_at, NOW + 7 * DAY + 1);
    model.versions[0].retire_at = NOW + 7 * DAY - 1;
    decide(&model, SEALRING_EVENT_ACTIVATE, 0);
    ck_assert_int_eq(decision.steps[0].retire_at, NOW + 7 * DAY);
}
END_TEST

START_TEST(times_near_the_end_of_64_bits)
{
    struct model model = MODEL(A, P, R);
    struct lifecycle_evidence evidence = {.now = INT64_MAX - DAY};

    decide_with(&model, &evidence, SEALRING_EVENT_ACTIVATE, 2, 0);
    ck_assert_int_eq(decision.steps[0].retire_at, INT64_MAX);
    decide_with(&model, &evidence, SEALRING_EVENT_RETIRE, 3, 0);
    ck_assert_int_eq(decision.steps[0].purge_at, INT64_MAX);
    model.ring.policy.overlap = INT64_MIN; /* policy_problem refuses it; nothing may end in the past by it */
    model.ring.policy.purge_delay = INT64_MIN;
    decide_with(&model, &evidence, SEALRING_EVENT_ACTIVATE, 2, 0);
    ck_assert_int_eq(decision.steps[0].retire_at, evidence.now);
    decide_with(&model, &evidence, SEALRING_EVENT_RETIRE, 3, 0);
    ck_assert_int_eq(decision.steps[0].purge_at, evidence.now);
    /* A clock that was never set: 0 would mean "never closed". */
    evidence.now = 0;
    decide_with(&model, &evidence, SEALRING_EVENT_COMPROMISE, 1, 0);
    ck_assert_int_eq(decision.answer, LIFECYCLE_ALLOWED);
    ck_assert_int_gt(decision.steps[0].closed, 0);
}
END_TEST

/* ---- retire, reinstate, compromise, destroy --------------------------------------------------------------------------- */

START_TEST(retire_closes)
{
    struct model model = MODEL(R, A);

    decide(&model, SEALRING_EVENT_RETIRE, 1);
    ck_assert_int_eq(decision.answer, LIFECYCLE_ALLOWED);
    ck_assert_uint_eq(decision.count, 1);
    assert_step(0, 1, R, T);
    assert_times(0, model.versions[0].activated, 0, NOW, NOW + 30 * DAY, 0);
    ck_assert_uint_eq(decision.test_version, 0);
    model.versions[0].retire_at = NOW + 7 * DAY;
    decide(&model, SEALRING_EVENT_RETIRE, 1);
    ck_assert_int_eq(decision.answer, LIFECYCLE_WAITING);
    ck_assert_str_eq(decision.reason, "window ends 2026-11-28T20:15:00Z, in 7d");
    const struct lifecycle_evidence evidence = {.now = NOW};
    decide_with(&model, &evidence, SEALRING_EVENT_RETIRE, 1, LIFECYCLE_OVERRULE);
    ck_assert_int_eq(decision.answer, LIFECYCLE_ALLOWED);
    ck_assert_str_eq(decision.reason, "overruled: window ends 2026-11-28T20:15:00Z, in 7d");
}
END_TEST

START_TEST(overrule_without_need_is_none)
{
    struct model model = MODEL(R, A);
    const struct lifecycle_evidence evidence = {.now = NOW};

    decide_with(&model, &evidence, SEALRING_EVENT_RETIRE, 1, LIFECYCLE_OVERRULE);
    ck_assert_int_eq(decision.answer, LIFECYCLE_ALLOWED);
    ck_assert(!decision.overruled);
    decide_with(&model, &evidence, SEALRING_EVENT_RETIRE, 2,
                LIFECYCLE_OVERRULE); /* nor does it change what no rule allows */
    assert_forbidden("version 2 is active");
}
END_TEST

START_TEST(a_damaged_row_is_not_overruled)
{
    struct model model = MODEL(R, A, T);
    const struct lifecycle_evidence evidence = {.now = NOW};

    model.versions[0].retire_at = 0;
    model.versions[2].purge_at = 0;
    decide_with(&model, &evidence, SEALRING_EVENT_RETIRE, 1, LIFECYCLE_OVERRULE);
    assert_forbidden("damaged");
    decide_with(&model, &evidence, SEALRING_EVENT_DESTROY, 3, LIFECYCLE_OVERRULE);
    assert_forbidden("damaged");
}
END_TEST

START_TEST(reinstate_clears)
{
    struct model model = MODEL(T, A, P);

    decide(&model, SEALRING_EVENT_REINSTATE, 1);
    ck_assert_int_eq(decision.answer, LIFECYCLE_ALLOWED);
    ck_assert_uint_eq(decision.count, 1);
    assert_step(0, 1, T, P);
    assert_times(0, model.versions[0].activated, 0, 0, 0, 0);
    assert_says("has to pass its barrier");
}
END_TEST

START_TEST(a_reinstated_version_meets_the_barrier_again)
{
    struct model model = MODEL(P, A);
    const struct lifecycle_verifier verifier = {
        .name = "web1", .epoch = 8, .facts = 8, .proved = (const uint32_t[]){1, 2}, .proved_count = 2};
    const struct lifecycle_evidence evidence = {.now = NOW, .verifiers = &verifier, .verifier_count = 1};

    model.versions[0].activated = NOW - DAY;
    model.versions[0].held = true;
    model.versions[0].fact = 9; /* it was proved in an earlier life only */
    decide_with(&model, &evidence, SEALRING_EVENT_ACTIVATE, 1, 0);
    ck_assert_int_eq(decision.answer, LIFECYCLE_WAITING);
    assert_says("web1 (at fact 8, not 9)");
}
END_TEST

START_TEST(compromise_closes_for_good)
{
    static const sealring_version_state from[] = {P, R, T};

    for (size_t i = 0; i < COUNT(from); i++) {
        struct model model = MODEL(from[i], A);
        decide(&model, SEALRING_EVENT_COMPROMISE, 1);
        ck_assert_int_eq(decision.answer, LIFECYCLE_ALLOWED);
        ck_assert_uint_eq(decision.count, 1);
        assert_step(0, 1, from[i], C);
        assert_times(0, model.versions[0].activated, 0, NOW, NOW + 30 * DAY, 0);
        ck_assert_uint_eq(decision.test_version, 0);
    }
}
END_TEST

START_TEST(compromise_of_the_active_one_promotes_the_standby)
{
    struct model model = MODEL(R, A, P);

    decide(&model, SEALRING_EVENT_COMPROMISE, 2);
    ck_assert_int_eq(decision.answer, LIFECYCLE_ALLOWED);
    ck_assert_uint_eq(decision.count, 2);
    assert_step(0, 2, A, C);
    assert_step(1, 3, P, A);
    assert_times(1, NOW, 0, 0, 0, 0);
    ck_assert_uint_eq(decision.test_version, 0); /* nothing may hold it up */
    assert_says("version 3 takes its place, barrier open: no verifier is registered");
}
END_TEST

START_TEST(compromise_promotes_nobody_before_its_barrier)
{
    struct model model = MODEL(R, A, P);
    const struct lifecycle_verifier verifiers[] = {
        {.name = "web1", .epoch = 9, .facts = 9, .proved = (const uint32_t[]){1, 2, 3}, .proved_count = 3},
        {.name = "web2", .epoch = 9, .facts = 9, .proved = (const uint32_t[]){1, 2}, .proved_count = 2}};
    struct lifecycle_evidence evidence = {.now = NOW, .verifiers = verifiers, .verifier_count = 2};

    decide_with(&model, &evidence, SEALRING_EVENT_COMPROMISE, 2, 0);
    ck_assert_int_eq(decision.answer, LIFECYCLE_ALLOWED);
    ck_assert_uint_eq(decision.count, 1);
    assert_step(0, 2, A, C);
    assert_says("issuing is refused until one passes its barrier");
    assert_says("web2 (not proved)");
    decide_with(&model, &evidence, SEALRING_EVENT_COMPROMISE, 2,
                LIFECYCLE_OVERRULE); /* no overrule makes up for a proof */
    ck_assert_uint_eq(decision.count, 1);
    evidence.verifier_count = 1;
    decide_with(&model, &evidence, SEALRING_EVENT_COMPROMISE, 2, 0);
    ck_assert_uint_eq(decision.count, 2);

    struct model without = MODEL(R, A);
    decide(&without, SEALRING_EVENT_COMPROMISE, 2);
    ck_assert_uint_eq(decision.count, 1);
    assert_says("ring acme has no active version then, issuing is refused");
    assert_says(": rotate");
}
END_TEST

START_TEST(the_standby_is_the_newest_past_its_barrier)
{
    struct model model = MODEL(P, A, P, P);
    const struct lifecycle_verifier verifier = {
        .name = "web1", .epoch = 9, .facts = 9, .proved = (const uint32_t[]){1, 2, 3}, .proved_count = 3};
    struct lifecycle_evidence evidence = {.now = NOW, .verifiers = &verifier, .verifier_count = 1};

    decide_with(&model, &evidence, SEALRING_EVENT_COMPROMISE, 2, 0);
    assert_step(1, 3, P, A);
    evidence.verifier_count = 0;
    decide_with(&model, &evidence, SEALRING_EVENT_COMPROMISE, 2, 0);
    assert_step(1, 4, P, A);
}
END_TEST

START_TEST(destroy_marks)
{
    struct model model = MODEL(T, C, P, A);

    for (uint32_t number = 1; number <= 3; number++) {
        const struct lifecycle_version *version = &model.versions[number - 1];
        decide(&model, SEALRING_EVENT_DESTROY, number);
        ck_assert_int_eq(decision.answer, LIFECYCLE_ALLOWED);
        ck_assert_uint_eq(decision.count, 1);
        assert_step(0, number, version->state, D);
        assert_times(0, version->activated, 0, version->closed, version->purge_at, NOW);
    }
    model.versions[2].held = true;
    decide(&model, SEALRING_EVENT_DESTROY, 3);
    assert_forbidden("clients may hold credentials of version 3");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lifecycle/decide");
    TCase *all = tcase_create("all");
    TCase *events = tcase_create("events");

    tcase_add_loop_test(all, every_state_event_and_guard, 0, 6 * 6);
    tcase_add_test(all, unknown_versions_and_missing_numbers);
    tcase_add_test(all, rotate_and_nonsense_are_no_events);
    tcase_add_test(all, what_is_so_already_is_said);
    tcase_add_test(events, prepare_gives_the_next_number);
    tcase_add_test(events, prepare_in_an_empty_ring);
    tcase_add_test(events, prepare_with_a_pending_one);
    tcase_add_test(events, prepare_at_the_end_of_numbers);
    tcase_add_test(events, activate_swaps);
    tcase_add_test(events, activate_the_first);
    tcase_add_test(events, keep_matters_only_if_one_becomes_retiring);
    tcase_add_test(events, what_stands_in_the_way_comes_first);
    tcase_add_test(events, activate_wants_a_number_with_several_pending);
    tcase_add_test(events, rollback_takes_the_newest);
    tcase_add_test(events, the_hold);
    tcase_add_test(events, a_promised_end_stays);
    tcase_add_test(events, times_near_the_end_of_64_bits);
    tcase_add_test(events, retire_closes);
    tcase_add_test(events, overrule_without_need_is_none);
    tcase_add_test(events, a_damaged_row_is_not_overruled);
    tcase_add_test(events, reinstate_clears);
    tcase_add_test(events, a_reinstated_version_meets_the_barrier_again);
    tcase_add_test(events, compromise_closes_for_good);
    tcase_add_test(events, compromise_of_the_active_one_promotes_the_standby);
    tcase_add_test(events, compromise_promotes_nobody_before_its_barrier);
    tcase_add_test(events, the_standby_is_the_newest_past_its_barrier);
    tcase_add_test(events, destroy_marks);
    suite_add_tcase(suite, all);
    suite_add_tcase(suite, events);
    return run_suite(suite);
}
