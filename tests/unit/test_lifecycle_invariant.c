/* SPDX-License-Identifier: Apache-2.0 */
/* The invariant functions themselves: each broken variant of a good ring must be caught, and no good one. */
#include <limits.h>
#include <string.h>

#include "lib/runner.h"
#include "lifecycle/decide.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* One version in each state but pending twice, as a good registry holds them. Index = number - 1. */
enum { DESTROYED, COMPROMISED, RETIRED, RETIRING, ACTIVE, PENDING, SIZE };

struct model {
    struct lifecycle_version versions[SIZE + 1];
    struct lifecycle_ring ring;
};

static void make(struct model *model)
{
    static const struct lifecycle_version good[SIZE] = {
        {.state = SEALRING_VERSION_DESTROYED,
         .activated = 10,
         .closed = 20,
         .purge_at = 30,
         .destroyed = 40,
         .held = true},
        {.state = SEALRING_VERSION_COMPROMISED, .closed = 20, .purge_at = 20, .was_compromised = true, .held = true},
        {.state = SEALRING_VERSION_RETIRED, .activated = 10, .closed = 20, .purge_at = 30, .held = true},
        {.state = SEALRING_VERSION_RETIRING, .activated = 10, .retire_at = 50, .held = true},
        {.state = SEALRING_VERSION_ACTIVE, .activated = 10, .held = true},
        {.state = SEALRING_VERSION_PENDING},
    };

    memset(model, 0, sizeof(*model));
    memcpy(model->versions, good, sizeof(good));
    for (uint32_t i = 0; i < SIZE; i++)
        model->versions[i].number = i + 1;
    model->ring = (struct lifecycle_ring){.name = "acme",
                                          .policy = {.overlap = 1000, .keep = 3},
                                          .last_number = SIZE,
                                          .versions = model->versions,
                                          .count = SIZE};
}

START_TEST(a_good_ring_is_good)
{
    struct model model;
    struct lifecycle_ring empty = {.name = "new"};

    make(&model);
    ck_assert_ptr_null(lifecycle_broken_invariant(&model.ring));
    ck_assert_ptr_null(lifecycle_broken_transition(&model.ring, &model.ring));
    ck_assert_ptr_null(lifecycle_broken_invariant(&empty));
    ck_assert_ptr_null(lifecycle_broken_transition(&empty, &empty));
}
END_TEST

/* ---- Broken states ------------------------------------------------------------------------------------------------------ */

enum field { STATE, NUMBER, ACTIVATED, RETIRE_AT, CLOSED, PURGE_AT, DESTROYED_AT, WAS_COMPROMISED, HELD };

static void set(struct model *model, int index, enum field field, int64_t value)
{
    struct lifecycle_version *version = &model->versions[index];

    switch (field) {
    case STATE:
        version->state = (sealring_version_state)value;
        break;
    case NUMBER:
        version->number = (uint32_t)value;
        break;
    case ACTIVATED:
        version->activated = value;
        break;
    case RETIRE_AT:
        version->retire_at = value;
        break;
    case CLOSED:
        version->closed = value;
        break;
    case PURGE_AT:
        version->purge_at = value;
        break;
    case DESTROYED_AT:
        version->destroyed = value;
        break;
    case WAS_COMPROMISED:
        version->was_compromised = value != 0;
        break;
    case HELD:
        version->held = value != 0;
        break;
    }
}

static const struct {
    int index;
    enum field field;
    int64_t value;
    const char *says;
} broken_states[] = {
    {ACTIVE, NUMBER, 4, "ascend"},
    {ACTIVE, NUMBER, 6, "ascend"},
    {DESTROYED, NUMBER, 0, "ascend"},
    {PENDING, NUMBER, 7, "never given"},
    {PENDING, STATE, 0, "no state"},
    {PENDING, STATE, 7, "no state"},
    {PENDING, STATE, -1, "no state"},
    {PENDING, STATE, SEALRING_VERSION_ACTIVE, "never activated"},
    {RETIRING, STATE, SEALRING_VERSION_ACTIVE, "more than one active"},
    {PENDING, RETIRE_AT, 50, "pending"},
    {PENDING, CLOSED, 20, "pending"},
    {PENDING, PURGE_AT, 30, "pending"},
    {PENDING, DESTROYED_AT, 40, "pending"},
    {ACTIVE, ACTIVATED, 0, "active"},
    {ACTIVE, CLOSED, 20, "active"},
    {ACTIVE, PURGE_AT, 30, "active"},
    {ACTIVE, DESTROYED_AT, 40, "active"},
    {RETIRING, ACTIVATED, 0, "retiring"},
    {RETIRING, RETIRE_AT, 0, "retiring"},
    {RETIRING, CLOSED, 20, "retiring"},
    {RETIRING, PURGE_AT, 30, "retiring"},
    {RETIRING, DESTROYED_AT, 40, "retiring"},
    {RETIRED, CLOSED, 0, "retired"},
    {RETIRED, PURGE_AT, 0, "retired"},
    {RETIRED, PURGE_AT, 19, "purged before"},
    {RETIRED, RETIRE_AT, 50, "retired"},
    {RETIRED, DESTROYED_AT, 40, "retired"},
    {RETIRED, ACTIVATED, 0, "retired"},
    {COMPROMISED, CLOSED, 0, "compromised"},
    {COMPROMISED, PURGE_AT, 0, "compromised"},
    {COMPROMISED, RETIRE_AT, 50, "compromised"},
    {COMPROMISED, DESTROYED_AT, 40, "compromised"},
    {COMPROMISED, WAS_COMPROMISED, 0, "not marked"},
    {DESTROYED, DESTROYED_AT, 0, "destroyed"},
    {DESTROYED, RETIRE_AT, 50, "destroyed"},
    {PENDING, WAS_COMPROMISED, 1, "came back"},
    {ACTIVE, WAS_COMPROMISED, 1, "came back"},
    {RETIRING, WAS_COMPROMISED, 1, "came back"},
    {RETIRED, WAS_COMPROMISED, 1, "came back"},
};

START_TEST(a_broken_state_is_caught)
{
    struct model model;

    make(&model);
    set(&model, broken_states[_i].index, broken_states[_i].field, broken_states[_i].value);
    const char *broken = lifecycle_broken_invariant(&model.ring);
    ck_assert_ptr_nonnull(broken);
    ck_assert_msg(strstr(broken, broken_states[_i].says) != NULL, "\"%s\" does not say \"%s\"", broken,
                  broken_states[_i].says);
}
END_TEST

START_TEST(a_destroyed_version_may_have_been_compromised)
{
    struct model model;

    make(&model);
    model.versions[DESTROYED].was_compromised = true;
    ck_assert_ptr_null(lifecycle_broken_invariant(&model.ring));
}
END_TEST

/* ---- Broken transitions ------------------------------------------------------------------------------------------------- */

/* DESIGN, section 5, read the other way round: what a state may become, for a version that nobody holds credentials of. The
 * active one becomes retiring together with another's activation, which this test adds. */
static const char *const becomes[7] = {
    [SEALRING_VERSION_PENDING] = "PAXD", [SEALRING_VERSION_ACTIVE] = "ARX",     [SEALRING_VERSION_RETIRING] = "RATX",
    [SEALRING_VERSION_RETIRED] = "TPXD", [SEALRING_VERSION_COMPROMISED] = "XD", [SEALRING_VERSION_DESTROYED] = "D",
};
static const char state_letters[] = "-PARTXD";

/* The version of which `index` names the state becomes `to`; everything else stays as good as can be. */
static const char *transition(int index, sealring_version_state to, bool held)
{
    struct model before;
    struct model after;

    make(&before);
    before.versions[index].held = held;
    after = before;
    after.ring.versions = after.versions;
    after.versions[index].state = to;
    after.versions[index].retire_at = to == SEALRING_VERSION_RETIRING ? 50 : 0;
    if (to == SEALRING_VERSION_ACTIVE) /* a promise stays one, through a rollback as well */
        after.versions[index].retire_at = before.versions[index].retire_at;
    if (to == SEALRING_VERSION_COMPROMISED)
        after.versions[index].was_compromised = true;
    if (index == ACTIVE && to == SEALRING_VERSION_RETIRING)
        after.versions[PENDING].state = SEALRING_VERSION_ACTIVE;
    return lifecycle_broken_transition(&before.ring, &after.ring);
}

START_TEST(every_pair_of_states)
{
    static const sealring_version_state states[SIZE] = {SEALRING_VERSION_DESTROYED, SEALRING_VERSION_COMPROMISED,
                                                        SEALRING_VERSION_RETIRED,   SEALRING_VERSION_RETIRING,
                                                        SEALRING_VERSION_ACTIVE,    SEALRING_VERSION_PENDING};
    int index = _i / 6;
    int to = _i % 6 + 1;
    sealring_version_state from = states[index];
    bool allowed = strchr(becomes[from], state_letters[to]) != NULL;
    const char *broken = transition(index, (sealring_version_state)to, false);

    ck_assert_msg((broken == NULL) == allowed, "%d to %d: %s", from, to, broken != NULL ? broken : "not caught");
    /* If clients hold its credentials, it may not be destroyed while it is accepted, and nothing else changes. */
    bool lost = from == SEALRING_VERSION_PENDING && to == SEALRING_VERSION_DESTROYED;
    broken = transition(index, (sealring_version_state)to, true);
    ck_assert_msg((broken == NULL) == (allowed && !lost), "held, %d to %d: %s", from, to,
                  broken != NULL ? broken : "not caught");
}
END_TEST

/* Each takes a good ring and its copy, and does to the copy what may not happen. */
static void forget_a_promise_by_rolling_back(struct model *after)
{
    after->versions[ACTIVE].state = SEALRING_VERSION_RETIRING;
    after->versions[ACTIVE].retire_at = 100;
    after->versions[RETIRING].state = SEALRING_VERSION_ACTIVE;
    after->versions[RETIRING].retire_at = 0;
}
static void drop_a_row(struct model *after)
{
    after->ring.count--;
}
static void lower_the_last_number(struct model *after)
{
    after->ring.last_number--;
}
static void forget_a_compromise(struct model *after)
{
    after->versions[COMPROMISED].state = SEALRING_VERSION_DESTROYED;
    after->versions[COMPROMISED].was_compromised = false;
}
static void revive_the_compromised(struct model *after)
{
    after->versions[COMPROMISED].state = SEALRING_VERSION_PENDING;
}
static void revive_the_destroyed(struct model *after)
{
    after->versions[DESTROYED].state = SEALRING_VERSION_RETIRED;
    after->versions[DESTROYED].destroyed = 0;
}
static void redate_the_destroyed(struct model *after)
{
    after->versions[DESTROYED].destroyed++;
}
static void drop_the_active(struct model *after)
{
    after->versions[ACTIVE].state = SEALRING_VERSION_RETIRING;
    after->versions[ACTIVE].retire_at = 100;
}
static void shorten_a_window(struct model *after)
{
    after->versions[RETIRING].retire_at--;
}
static void bring_an_active_one(struct model *after)
{
    after->versions[ACTIVE].state = SEALRING_VERSION_RETIRING;
    after->versions[SIZE] =
        (struct lifecycle_version){.number = SIZE + 1, .state = SEALRING_VERSION_ACTIVE, .activated = 60};
    after->ring.count++;
    after->ring.last_number++;
}
static void skip_back_a_number(struct model *after)
{
    after->versions[PENDING].number = SIZE - 1;
    after->versions[ACTIVE].number = SIZE;
}

static const struct {
    void (*change)(struct model *after);
    const char *says;
} mutations[] = {
    {drop_a_row, "went away"},
    {lower_the_last_number, "given again"},
    {forget_a_compromise, "compromise was forgotten"},
    {revive_the_compromised, "compromised version became"},
    {revive_the_destroyed, "destroyed version came back"},
    {redate_the_destroyed, "destroyed version came back or changed"},
    {drop_the_active, "active version was dropped"},
    {shorten_a_window, "shortened"},
    {forget_a_promise_by_rolling_back, "shortened"},
    {bring_an_active_one, "not pending first"},
    {skip_back_a_number, "no event allows"},
};

START_TEST(a_mutation_is_caught)
{
    struct model before;
    struct model after;

    make(&before);
    after = before;
    mutations[_i].change(&after);
    after.ring.versions = after.versions;
    const char *broken = lifecycle_broken_transition(&before.ring, &after.ring);
    ck_assert_ptr_nonnull(broken);
    ck_assert_msg(strstr(broken, mutations[_i].says) != NULL, "\"%s\" does not say \"%s\"", broken, mutations[_i].says);
}
END_TEST

/* A row that somebody else wrote: neither its old nor its new state is one. */
START_TEST(states_that_are_none_are_caught)
{
    static const int unknown[] = {SEALRING_VERSION_DESTROYED + 1, 31, 32, 255, INT_MAX};
    struct model before;
    struct model after;

    for (size_t i = 0; i < COUNT(unknown); i++) {
        make(&before);
        after = before;
        after.ring.versions = after.versions;
        after.versions[PENDING].state = (sealring_version_state)unknown[i];
        const char *broken = lifecycle_broken_transition(&before.ring, &after.ring);
        ck_assert_ptr_nonnull(broken);
        ck_assert_str_eq(broken, "a version changed in a way that no event allows");
        broken = lifecycle_broken_transition(&after.ring, &before.ring);
        ck_assert_ptr_nonnull(broken);
        ck_assert_str_eq(broken, "a version changed in a way that no event allows");
    }
}
END_TEST

/* Where there were versions before, a new one waits for its barrier. */
START_TEST(a_new_version_is_pending_first)
{
    static const sealring_version_state states[] = {SEALRING_VERSION_ACTIVE, SEALRING_VERSION_RETIRING,
                                                    SEALRING_VERSION_RETIRED};
    struct lifecycle_version versions[2] = {{.number = 1, .state = SEALRING_VERSION_PENDING},
                                            {.number = 2, .state = SEALRING_VERSION_PENDING}};
    const struct lifecycle_ring before = {.name = "old", .last_number = 1, .versions = versions, .count = 1};
    const struct lifecycle_ring after = {.name = "old", .last_number = 2, .versions = versions, .count = 2};

    ck_assert_ptr_null(lifecycle_broken_transition(&before, &after));
    for (size_t i = 0; i < COUNT(states); i++) {
        versions[1].state = states[i];
        const char *broken = lifecycle_broken_transition(&before, &after);
        ck_assert_ptr_nonnull(broken);
        ck_assert_str_eq(broken, "a new version was not pending first");
    }
}
END_TEST

START_TEST(a_number_given_once_is_gone)
{
    struct model before;
    struct model after;

    make(&after);
    before = after;
    before.ring.versions = before.versions;
    before.ring.count = SIZE - 1; /* number 6 was given, and its making undone */
    const char *broken = lifecycle_broken_transition(&before.ring, &after.ring);
    ck_assert_ptr_nonnull(broken);
    ck_assert_str_eq(broken, "a version's number was given again");
    before.ring.last_number = SIZE - 1;
    ck_assert_ptr_null(lifecycle_broken_transition(&before.ring, &after.ring));
}
END_TEST

START_TEST(a_new_ring_may_begin_active)
{
    const struct lifecycle_version first = {.number = 1, .state = SEALRING_VERSION_ACTIVE, .activated = 5};
    struct lifecycle_ring before = {.name = "new"};
    struct lifecycle_ring after = {.name = "new", .last_number = 1, .versions = &first, .count = 1};

    ck_assert_ptr_null(lifecycle_broken_transition(&before, &after));
    before.last_number = 1; /* but not under a number that was given before */
    ck_assert_ptr_nonnull(lifecycle_broken_transition(&before, &after));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lifecycle/invariant");
    TCase *cases = tcase_create("invariants");

    tcase_add_test(cases, a_good_ring_is_good);
    tcase_add_loop_test(cases, a_broken_state_is_caught, 0, (int)COUNT(broken_states));
    tcase_add_test(cases, a_destroyed_version_may_have_been_compromised);
    tcase_add_loop_test(cases, every_pair_of_states, 0, SIZE * 6);
    tcase_add_loop_test(cases, a_mutation_is_caught, 0, (int)COUNT(mutations));
    tcase_add_test(cases, states_that_are_none_are_caught);
    tcase_add_test(cases, a_new_version_is_pending_first);
    tcase_add_test(cases, a_number_given_once_is_gone);
    tcase_add_test(cases, a_new_ring_may_begin_active);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
