/* SPDX-License-Identifier: Apache-2.0 */
/* What the policy wants: each rule, each hold, and that what comes out can be carried out, one after the other. */
#include <string.h>

#include "lib/runner.h"
#include "lifecycle/schedule.h"

#define NOW        INT64_C(1795292100000) /* 2026-11-21T20:15:00Z */
#define SECOND     INT64_C(1000)
#define HOUR       (3600 * SECOND)
#define DAY        (24 * HOUR)
#define PUBLISHING (INT64_C(61600)) /* watch_silence of 60 s */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define VERSIONS_MAX 40

#define P SEALRING_VERSION_PENDING
#define A SEALRING_VERSION_ACTIVE
#define R SEALRING_VERSION_RETIRING
#define T SEALRING_VERSION_RETIRED
#define C SEALRING_VERSION_COMPROMISED
#define D SEALRING_VERSION_DESTROYED

/* ---- A ring and its evidence ------------------------------------------------------------------------------------------ */

static struct lifecycle_version versions[VERSIONS_MAX];
static struct lifecycle_evidence evidence[VERSIONS_MAX];
static struct lifecycle_ring ring;
static struct lifecycle_times times;
static struct lifecycle_action actions[LIFECYCLE_ACTIONS_MAX(VERSIONS_MAX)];
static size_t count;

/* Versions 1, 2, … in these states: the active one since ten days, windows and purges that end in a day for each number. No verifier, so
 * that barriers are open and gates ask for the window alone. */
static void make_ring(const sealring_version_state *states, size_t versions_made)
{
    memset(versions, 0, sizeof(versions));
    memset(evidence, 0, sizeof(evidence));
    for (size_t i = 0; i < versions_made; i++) {
        struct lifecycle_version *version = &versions[i];
        version->number = (uint32_t)i + 1;
        version->state = states[i];
        version->activated = states[i] == P ? 0 : NOW - 10 * DAY;
        version->retire_at = states[i] == R ? NOW + version->number * DAY : 0;
        if (states[i] == T || states[i] == C || states[i] == D) {
            version->closed = NOW - DAY;
            version->purge_at = NOW + version->number * DAY;
        }
        version->destroyed = states[i] == D ? NOW - HOUR : 0;
        version->was_compromised = states[i] == C;
        version->held = states[i] == R || states[i] == A;
    }
    ring =
        (struct lifecycle_ring){.name = "acme",
                                .policy = {.overlap = 7 * DAY, .purge_delay = 30 * DAY, .keep = 3, .quiet_period = DAY},
                                .last_number = (uint32_t)versions_made,
                                .versions = versions,
                                .count = versions_made};
    times = (struct lifecycle_times){.now = NOW, .publishing = PUBLISHING};
}

#define RING(...) \
    make_ring((const sealring_version_state[]){__VA_ARGS__}, COUNT(((const sealring_version_state[]){__VA_ARGS__})))

static void schedule(void)
{
    const struct lifecycle_evidence *pointers[VERSIONS_MAX];

    for (size_t i = 0; i < ring.count; i++) {
        evidence[i].now = times.now;
        evidence[i].quiet_period = ring.policy.quiet_period;
        pointers[i] = &evidence[i];
    }
    memset(actions, 0x5A, sizeof(actions));
    count = lifecycle_schedule(&ring, pointers, &times, actions);
    ck_assert_uint_le(count, LIFECYCLE_ACTIONS_MAX(ring.count));
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_gt(actions[i].due, 0);
        ck_assert(i == 0 || actions[i - 1].due <= actions[i].due);
        ck_assert_uint_gt(strnlen(actions[i].reason, LIFECYCLE_REASON_SIZE), 0);
        ck_assert_uint_lt(strnlen(actions[i].reason, LIFECYCLE_REASON_SIZE), LIFECYCLE_REASON_SIZE);
        ck_assert_ptr_null(strchr(actions[i].reason, '\n'));
    }
}

static struct lifecycle_action *find(sealring_event event, uint32_t version)
{
    for (size_t i = 0; i < count; i++)
        if (actions[i].event == event && actions[i].version == version)
            return &actions[i];
    return NULL;
}

static const struct lifecycle_action *assert_wanted(sealring_event event, uint32_t version, int64_t due,
                                                    enum lifecycle_hold hold, enum lifecycle_answer answer)
{
    const struct lifecycle_action *action = find(event, version);

    ck_assert_msg(action != NULL, "%s of %u is not wanted", sealring_event_name(event), version);
    ck_assert_int_eq(action->due, due);
    ck_assert_int_eq(action->hold, hold);
    ck_assert_msg(action->answer == answer, "%s: answer %d: %s", sealring_event_name(event), action->answer,
                  action->reason);
    ck_assert_int_eq(lifecycle_may_happen(action, times.now),
                     due <= times.now && hold == LIFECYCLE_FREE && answer == LIFECYCLE_ALLOWED);
    return action;
}

#define ASSERT_SAYS(action, part) \
    ck_assert_msg(strstr((action)->reason, part) != NULL, "\"%s\" does not say \"%s\"", (action)->reason, part)

/* ---- prepare, activate -------------------------------------------------------------------------------------------------- */

START_TEST(by_hand_only)
{
    RING(A);
    schedule();
    ck_assert_uint_eq(count, 0);
    RING(A, P); /* somebody prepared it: they activate it, too */
    schedule();
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(rotation_ahead)
{
    int64_t due = NOW + 20 * DAY;

    RING(A);
    ring.policy.rotate_every = 30 * DAY;
    schedule();
    ck_assert_uint_eq(count, 2);
    assert_wanted(SEALRING_EVENT_PREPARE, 2, due - PUBLISHING, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
    const struct lifecycle_action *activate =
        assert_wanted(SEALRING_EVENT_ACTIVATE, 2, due, LIFECYCLE_FREE, LIFECYCLE_WAITING);
    ASSERT_SAYS(activate, "version 2 is still to be made");
    ck_assert(!lifecycle_may_happen(&actions[0], due - PUBLISHING - 1));
    ck_assert(lifecycle_may_happen(&actions[0], due - PUBLISHING));
}
END_TEST

START_TEST(rotation_with_a_pending_version)
{
    RING(A, P);
    ring.policy.rotate_every = 10 * DAY;
    schedule();
    ck_assert_uint_eq(count, 1);
    assert_wanted(SEALRING_EVENT_ACTIVATE, 2, NOW, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
    ring.policy.rotate_every = 10 * DAY + 1;
    schedule();
    assert_wanted(SEALRING_EVENT_ACTIVATE, 2, NOW + 1, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
}
END_TEST

START_TEST(rotation_waits_for_its_barrier)
{
    struct lifecycle_verifier verifier = {.name = "web1 (12)", .epoch = 1, .facts = 1};

    RING(A, P);
    versions[1].fact = 7;
    evidence[1].verifiers = &verifier;
    evidence[1].verifier_count = 1;
    ring.policy.rotate_every = DAY;
    schedule();
    const struct lifecycle_action *activate =
        assert_wanted(SEALRING_EVENT_ACTIVATE, 2, NOW - 9 * DAY, LIFECYCLE_FREE, LIFECYCLE_WAITING);
    ASSERT_SAYS(activate, "web1 (12)");
}
END_TEST

/* ---- what is foreseen ---------------------------------------------------------------------------------------------------- */

static const struct lifecycle_user behind = {.name = "k1 of weekly", .last_use = NOW - 6 * DAY};

static void leave_behind(size_t index)
{
    evidence[index].succession = 400 * DAY;
    evidence[index].behind = &behind;
    evidence[index].behind_named = evidence[index].behind_count = 1;
}

START_TEST(a_retirement_that_succession_will_hold_up_is_foreseen)
{
    RING(R, A);
    versions[0].retire_at = NOW + 3 * DAY;
    leave_behind(0);
    schedule();
    const struct lifecycle_action *retire =
        assert_wanted(SEALRING_EVENT_RETIRE, 1, NOW + 3 * DAY, LIFECYCLE_FREE, LIFECYCLE_WAITING);
    ck_assert_ptr_nonnull(strstr(retire->foreseen, "k1 of weekly"));
    ck_assert_ptr_nonnull(strstr(retire->foreseen, "sealring reissue"));
    ck_assert(retire->behind);
    evidence[0].behind_count = 0;
    schedule();
    ck_assert_str_eq(find(SEALRING_EVENT_RETIRE, 1)->foreseen, "");
    ck_assert(!find(SEALRING_EVENT_RETIRE, 1)->behind);
    evidence[0].gap = "a file is damaged"; /* nobody is known to be behind, and no command would help */
    schedule();
    ck_assert_ptr_nonnull(strstr(find(SEALRING_EVENT_RETIRE, 1)->foreseen, "a file is damaged"));
    ck_assert(!find(SEALRING_EVENT_RETIRE, 1)->behind);
    evidence[0].gap = NULL;
    leave_behind(0);
    versions[0].retire_at = NOW; /* due: it waits */
    schedule();
    assert_wanted(SEALRING_EVENT_RETIRE, 1, NOW, LIFECYCLE_FREE, LIFECYCLE_WAITING);
}
END_TEST

START_TEST(a_rotation_that_keep_will_block_is_foreseen)
{
    RING(R, R, A);
    ring.policy.rotate_every = 30 * DAY;
    ring.policy.keep = 2;
    versions[0].retire_at = versions[1].retire_at = NOW + 3 * DAY; /* long before the rotation */
    schedule();
    ck_assert_str_eq(find(SEALRING_EVENT_ACTIVATE, 4)->foreseen, "");
    leave_behind(0);
    schedule();
    ck_assert_str_eq(find(SEALRING_EVENT_ACTIVATE, 4)->foreseen, ""); /* one of two */
    leave_behind(1);
    schedule();
    ck_assert_ptr_nonnull(strstr(find(SEALRING_EVENT_ACTIVATE, 4)->foreseen,
                                 "2 versions will still be retiring then, and the policy keeps 2"));
    evidence[0].behind_count = evidence[1].behind_count = 0;
    versions[0].retire_at = versions[1].retire_at = NOW + 300 * DAY; /* promised for longer */
    schedule();
    ck_assert_ptr_nonnull(strstr(find(SEALRING_EVENT_ACTIVATE, 4)->foreseen, "2 versions will still be retiring then"));
    RING(R, A);
    ring.policy.rotate_every = 30 * DAY;
    ring.policy.keep = 1;
    versions[0].retire_at = NOW + 300 * DAY;
    schedule();
    ck_assert_ptr_nonnull(strstr(find(SEALRING_EVENT_ACTIVATE, 3)->foreseen, "1 version will still be retiring then"));
}
END_TEST

START_TEST(off_for_a_month_rotates_once)
{
    RING(A);
    versions[0].activated = NOW - 37 * DAY; /* and it should have been four more by now */
    ring.policy.rotate_every = 7 * DAY;
    schedule();
    ck_assert_uint_eq(count, 2);
    assert_wanted(SEALRING_EVENT_PREPARE, 2, NOW - 30 * DAY - PUBLISHING, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
    assert_wanted(SEALRING_EVENT_ACTIVATE, 2, NOW - 30 * DAY, LIFECYCLE_FREE, LIFECYCLE_WAITING);
    RING(R, A); /* after it was carried out */
    versions[1].activated = NOW;
    ring.policy.rotate_every = 7 * DAY;
    schedule();
    for (size_t i = 0; i < count; i++)
        ck_assert(!lifecycle_may_happen(&actions[i], NOW));
    assert_wanted(SEALRING_EVENT_PREPARE, 3, NOW + 7 * DAY - PUBLISHING, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
    assert_wanted(SEALRING_EVENT_ACTIVATE, 3, NOW + 7 * DAY, LIFECYCLE_FREE, LIFECYCLE_WAITING);
}
END_TEST

START_TEST(standby_is_kept_ready)
{
    RING(A);
    ring.policy.standby = true;
    schedule();
    ck_assert_uint_eq(count, 1); /* only people rotate */
    assert_wanted(SEALRING_EVENT_PREPARE, 2, NOW, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
    RING(A, P);
    ring.policy.standby = true;
    schedule();
    ck_assert_uint_eq(count, 0);
    RING(A); /* long before a rotation */
    ring.policy.standby = true;
    ring.policy.rotate_every = 300 * DAY;
    schedule();
    assert_wanted(SEALRING_EVENT_PREPARE, 2, NOW, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
    assert_wanted(SEALRING_EVENT_ACTIVATE, 2, NOW + 290 * DAY, LIFECYCLE_FREE, LIFECYCLE_WAITING);
}
END_TEST

START_TEST(no_active_version)
{
    RING(R, C); /* a compromise without a standby, in a ring that only people rotate */
    schedule();
    ck_assert_uint_eq(count, 4);
    assert_wanted(SEALRING_EVENT_PREPARE, 3, NOW, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
    assert_wanted(SEALRING_EVENT_ACTIVATE, 3, NOW, LIFECYCLE_FREE, LIFECYCLE_WAITING);
    RING(R, C, P);
    schedule();
    ck_assert_ptr_null(find(SEALRING_EVENT_PREPARE, 4));
    assert_wanted(SEALRING_EVENT_ACTIVATE, 3, NOW, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
    ring.policy.keep = 1; /* full, but nothing becomes retiring */
    schedule();
    assert_wanted(SEALRING_EVENT_ACTIVATE, 3, NOW, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
    make_ring(NULL, 0); /* a ring in the making */
    schedule();
    ck_assert_uint_eq(count, 2);
    assert_wanted(SEALRING_EVENT_PREPARE, 1, NOW, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
}
END_TEST

START_TEST(keep_full_holds_up_a_rotation)
{
    RING(R, R, A, P);
    ring.policy.keep = 2;
    ring.policy.rotate_every = 5 * DAY;
    schedule();
    const struct lifecycle_action *activate =
        assert_wanted(SEALRING_EVENT_ACTIVATE, 4, NOW - 5 * DAY, LIFECYCLE_FREE, LIFECYCLE_WAITING);
    ASSERT_SAYS(activate, "2 retiring already and the policy keeps 2");
    ring.policy.keep = 3;
    schedule();
    assert_wanted(SEALRING_EVENT_ACTIVATE, 4, NOW - 5 * DAY, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
}
END_TEST

START_TEST(a_retirement_that_makes_room_comes_first)
{
    RING(R, A, P);
    ring.policy.keep = 1;
    ring.policy.rotate_every = 10 * DAY;
    versions[0].retire_at = NOW;
    schedule();
    ck_assert_int_eq(actions[0].event, SEALRING_EVENT_RETIRE);
    ck_assert(lifecycle_may_happen(&actions[0], NOW));
    ck_assert_int_eq(actions[1].event, SEALRING_EVENT_ACTIVATE);
    ck_assert(!lifecycle_may_happen(&actions[1], NOW));
}
END_TEST

START_TEST(reinstated_versions_stay_where_they_are)
{
    RING(P, A);
    versions[0].activated = NOW - 15 * DAY; /* it was active, retired and reinstated */
    ring.policy.rotate_every = DAY;
    schedule();
    ck_assert_ptr_null(find(SEALRING_EVENT_ACTIVATE, 1));
    assert_wanted(SEALRING_EVENT_PREPARE, 3, NOW - 9 * DAY - PUBLISHING, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
    assert_wanted(SEALRING_EVENT_ACTIVATE, 3, NOW - 9 * DAY, LIFECYCLE_FREE, LIFECYCLE_WAITING);
    RING(P, C); /* not even if there is no other */
    versions[0].activated = NOW - 15 * DAY;
    schedule();
    ck_assert_ptr_null(find(SEALRING_EVENT_ACTIVATE, 1));
    assert_wanted(SEALRING_EVENT_PREPARE, 3, NOW, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
}
END_TEST

START_TEST(several_pending_are_for_people)
{
    RING(A, P, P);
    ring.policy.rotate_every = DAY;
    schedule();
    ck_assert_uint_eq(count, 1);
    ASSERT_SAYS(assert_wanted(SEALRING_EVENT_ACTIVATE, 3, NOW - 9 * DAY, LIFECYCLE_FREE, LIFECYCLE_FORBIDDEN),
                "say which to activate");
}
END_TEST

START_TEST(numbers_used_up)
{
    RING(A);
    ring.policy.rotate_every = DAY;
    ring.last_number = UINT32_MAX;
    schedule();
    ck_assert_uint_eq(count, 1);
    ASSERT_SAYS(
        assert_wanted(SEALRING_EVENT_PREPARE, 0, NOW - 9 * DAY - PUBLISHING, LIFECYCLE_FREE, LIFECYCLE_FORBIDDEN),
        "used up its version numbers");
    RING(A, P); /* the last one can still be activated */
    ring.policy.rotate_every = DAY;
    ring.last_number = UINT32_MAX;
    versions[1].number = UINT32_MAX;
    schedule();
    assert_wanted(SEALRING_EVENT_ACTIVATE, UINT32_MAX, NOW - 9 * DAY, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
}
END_TEST

/* ---- retire, destroy ---------------------------------------------------------------------------------------------------- */

START_TEST(retire_at_the_end_of_the_window)
{
    RING(R, R, A);
    versions[0].retire_at = NOW;
    schedule();
    ck_assert_uint_eq(count, 2);
    assert_wanted(SEALRING_EVENT_RETIRE, 1, NOW, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
    assert_wanted(SEALRING_EVENT_RETIRE, 2, NOW + 2 * DAY, LIFECYCLE_FREE, LIFECYCLE_WAITING);
}
END_TEST

START_TEST(retire_waits_for_evidence)
{
    const struct lifecycle_user user = {.name = "9fK2mQ7xLw3RtB5n of client erp", .last_use = NOW - HOUR};

    RING(R, A);
    versions[0].retire_at = NOW - DAY;
    evidence[0].last_use = NOW - HOUR;
    evidence[0].users = &user;
    evidence[0].user_count = 1;
    schedule();
    ASSERT_SAYS(assert_wanted(SEALRING_EVENT_RETIRE, 1, NOW - DAY, LIFECYCLE_FREE, LIFECYCLE_WAITING), "client erp");
    evidence[0] = (struct lifecycle_evidence){.last_use = NOW - DAY - 1};
    schedule();
    assert_wanted(SEALRING_EVENT_RETIRE, 1, NOW - DAY, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
}
END_TEST

START_TEST(destroy_at_the_purge_time)
{
    RING(T, C, D, A);
    schedule();
    ck_assert_uint_eq(count, 2);
    assert_wanted(SEALRING_EVENT_DESTROY, 1, NOW + DAY, LIFECYCLE_FREE, LIFECYCLE_WAITING);
    assert_wanted(SEALRING_EVENT_DESTROY, 2, NOW + 2 * DAY, LIFECYCLE_FREE, LIFECYCLE_WAITING);
    times.now = NOW + 2 * DAY;
    schedule();
    assert_wanted(SEALRING_EVENT_DESTROY, 1, NOW + DAY, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
    assert_wanted(SEALRING_EVENT_DESTROY, 2, NOW + 2 * DAY, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
}
END_TEST

START_TEST(a_damaged_row_is_left_alone)
{
    RING(R, T, A);
    versions[0].retire_at = 0;
    versions[1].purge_at = 0;
    schedule();
    ASSERT_SAYS(assert_wanted(SEALRING_EVENT_RETIRE, 1, NOW, LIFECYCLE_FREE, LIFECYCLE_FORBIDDEN), "damaged");
    ASSERT_SAYS(assert_wanted(SEALRING_EVENT_DESTROY, 2, NOW, LIFECYCLE_FREE, LIFECYCLE_FORBIDDEN), "damaged");
}
END_TEST

/* ---- Holds -------------------------------------------------------------------------------------------------------------- */

START_TEST(rollback_holds_the_rotation)
{
    RING(A, R, T);
    versions[1].retire_at = NOW;
    versions[2].purge_at = NOW;
    ring.policy.rotate_every = DAY;
    ring.rotation_held = true;
    schedule();
    ck_assert_uint_eq(count, 4);
    ASSERT_SAYS(assert_wanted(SEALRING_EVENT_PREPARE, 4, NOW - 9 * DAY - PUBLISHING, LIFECYCLE_HELD_ROLLBACK,
                              LIFECYCLE_ALLOWED),
                "rolled back");
    ASSERT_SAYS(assert_wanted(SEALRING_EVENT_ACTIVATE, 4, NOW - 9 * DAY, LIFECYCLE_HELD_ROLLBACK, LIFECYCLE_WAITING),
                "rolled back");
    /* windows end as they were promised */
    assert_wanted(SEALRING_EVENT_RETIRE, 2, NOW, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
    assert_wanted(SEALRING_EVENT_DESTROY, 3, NOW, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
    ring.rotation_held = false;
    schedule();
    assert_wanted(SEALRING_EVENT_PREPARE, 4, NOW - 9 * DAY - PUBLISHING, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
}
END_TEST

START_TEST(rollback_holds_what_is_pending)
{
    RING(A, R, P);
    ring.policy.rotate_every = DAY;
    ring.rotation_held = true;
    schedule();
    assert_wanted(SEALRING_EVENT_ACTIVATE, 3, NOW - 9 * DAY, LIFECYCLE_HELD_ROLLBACK, LIFECYCLE_ALLOWED);
    RING(C, R, P); /* and the one that was gone back to leaked */
    ring.rotation_held = true;
    schedule();
    assert_wanted(SEALRING_EVENT_ACTIVATE, 3, NOW, LIFECYCLE_HELD_ROLLBACK, LIFECYCLE_ALLOWED);
}
END_TEST

START_TEST(rollback_lets_a_standby_be_made)
{
    RING(A, R);
    ring.policy.standby = true;
    ring.rotation_held = true;
    schedule();
    assert_wanted(SEALRING_EVENT_PREPARE, 3, NOW, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
}
END_TEST

START_TEST(clocks_hold_what_is_irreversible)
{
    RING(R, T, C, A, P);
    versions[0].retire_at = versions[1].purge_at = versions[2].purge_at = NOW;
    ring.policy.rotate_every = DAY;
    times.clocks_disagree = true;
    schedule();
    ck_assert_uint_eq(count, 4);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(actions[i].hold, LIFECYCLE_HELD_CLOCKS);
        ck_assert_int_eq(actions[i].answer, LIFECYCLE_ALLOWED);
        ASSERT_SAYS(&actions[i], "disagree");
    }
    times.clocks_disagree = false;
    schedule();
    for (size_t i = 0; i < count; i++)
        ck_assert(lifecycle_may_happen(&actions[i], NOW));
}
END_TEST

START_TEST(clocks_let_a_ring_issue_again)
{
    RING(C, P);
    times.clocks_disagree = true;
    schedule();
    assert_wanted(SEALRING_EVENT_ACTIVATE, 2, NOW, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
    RING(C);
    times.clocks_disagree = true;
    schedule();
    assert_wanted(SEALRING_EVENT_PREPARE, 2, NOW, LIFECYCLE_FREE, LIFECYCLE_ALLOWED);
    ring.rotation_held = true; /* of two holds the one that an operator has to end */
    ring.policy.rotate_every = DAY;
    versions[0].state = A;
    schedule();
    assert_wanted(SEALRING_EVENT_ACTIVATE, 2, NOW - 9 * DAY, LIFECYCLE_HELD_ROLLBACK, LIFECYCLE_WAITING);
}
END_TEST

/* ---- The list ----------------------------------------------------------------------------------------------------------- */

START_TEST(everything_is_listed_by_time)
{
    sealring_version_state states[VERSIONS_MAX];

    for (size_t i = 0; i < VERSIONS_MAX; i++)
        states[i] = i % 2 == 0 ? R : T;
    make_ring(states, VERSIONS_MAX);
    for (size_t i = 0; i < VERSIONS_MAX; i += 2)
        versions[i].retire_at = NOW + (int64_t)(i * 7 % VERSIONS_MAX) * HOUR;
    schedule(); /* checks the order */
    ck_assert_uint_eq(count, VERSIONS_MAX + 2);
    for (uint32_t number = 1; number <= VERSIONS_MAX; number++)
        ck_assert_ptr_nonnull(find(number % 2 == 1 ? SEALRING_EVENT_RETIRE : SEALRING_EVENT_DESTROY, number));
}
END_TEST

/* What a damaged registry or a clock that was never set could hold. */
START_TEST(absurd_times)
{
    static const int64_t absurd[] = {INT64_MIN, -1, 0, 1, INT64_MAX};

    for (size_t i = 0; i < COUNT(absurd); i++)
        for (size_t j = 0; j < COUNT(absurd); j++)
            for (size_t k = 0; k < COUNT(absurd); k++) {
                RING(R, T, A);
                versions[0].retire_at = versions[1].purge_at = absurd[i];
                versions[2].activated = absurd[j];
                ring.policy.rotate_every = times.publishing = absurd[k];
                times.now = absurd[j];
                schedule(); /* no overflow, and every due time is positive */
            }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lifecycle/schedule");
    TCase *cases = tcase_create("schedule");

    tcase_add_test(cases, by_hand_only);
    tcase_add_test(cases, rotation_ahead);
    tcase_add_test(cases, rotation_with_a_pending_version);
    tcase_add_test(cases, rotation_waits_for_its_barrier);
    tcase_add_test(cases, a_retirement_that_succession_will_hold_up_is_foreseen);
    tcase_add_test(cases, a_rotation_that_keep_will_block_is_foreseen);
    tcase_add_test(cases, off_for_a_month_rotates_once);
    tcase_add_test(cases, standby_is_kept_ready);
    tcase_add_test(cases, no_active_version);
    tcase_add_test(cases, keep_full_holds_up_a_rotation);
    tcase_add_test(cases, a_retirement_that_makes_room_comes_first);
    tcase_add_test(cases, reinstated_versions_stay_where_they_are);
    tcase_add_test(cases, several_pending_are_for_people);
    tcase_add_test(cases, numbers_used_up);
    tcase_add_test(cases, retire_at_the_end_of_the_window);
    tcase_add_test(cases, retire_waits_for_evidence);
    tcase_add_test(cases, destroy_at_the_purge_time);
    tcase_add_test(cases, a_damaged_row_is_left_alone);
    tcase_add_test(cases, rollback_holds_the_rotation);
    tcase_add_test(cases, rollback_holds_what_is_pending);
    tcase_add_test(cases, rollback_lets_a_standby_be_made);
    tcase_add_test(cases, clocks_hold_what_is_irreversible);
    tcase_add_test(cases, clocks_let_a_ring_issue_again);
    tcase_add_test(cases, everything_is_listed_by_time);
    tcase_add_test(cases, absurd_times);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
