/* SPDX-License-Identifier: Apache-2.0 */
/* sealring_run_once on a real token: a rotation by policy, what must not be destroyed, a clock that was set, two schedulers. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "lib/record_rows.h"
#include "lib/runner.h"
#include "lib/test_vault.h"

#define RING "payments"

static struct test_vault vault;
static sealring_manager *manager;
static sealring_error error;

/* What the last turn told. */
static struct told {
    sealring_event event;
    uint32_t version;
    sealring_plan_state state;
    char text[400];
} told[32];
static size_t told_count;

static int hear(const sealring_plan *plan, void *context)
{
    (void)context;
    ck_assert_uint_lt(told_count, 32);
    told[told_count] = (struct told){.event = plan->event, .version = plan->version, .state = plan->state};
    snprintf(told[told_count].text, sizeof told[0].text, "%s", plan->text);
    ck_assert_int_eq(plan->change != NULL, plan->state == SEALRING_PLAN_DONE);
    told_count++;
    return 0;
}

static sealring_run_result turn(void)
{
    sealring_run_result result = {.size = sizeof result};
    told_count = 0;
    ASSERT_OK(sealring_run_once(manager, NULL, hear, NULL, &result, &error), error);
    return result;
}

static void assert_told(size_t index, sealring_event event, uint32_t version, sealring_plan_state state)
{
    ck_assert_uint_lt(index, told_count);
    ck_assert_int_eq(told[index].event, event);
    ck_assert_uint_eq(told[index].version, version);
    ck_assert_msg(told[index].state == state, "%s: %s", sealring_plan_state_name(told[index].state), told[index].text);
}

static void setup(void)
{
    const sealring_policy policy = {.overlap = 3600000, .rotate_every = 4000000, .quiet_period = 1000};
    test_vault_make(&vault);
    manager = test_vault_manage(&vault);
    test_vault_ring(manager, RING, "acme_live", 3600000);
    ASSERT_OK(sealring_ring_set(manager, RING, &policy,
                                SEALRING_POLICY_OVERLAP | SEALRING_POLICY_ROTATE_EVERY | SEALRING_POLICY_QUIET_PERIOD,
                                &error),
              error);
}

static void teardown(void)
{
    sealring_manager_close(&manager);
    test_vault_remove(&vault);
}

/* As if it had been active for a day. */
static void make_rotation_due(void)
{
    test_vault_sql(&vault, "UPDATE version SET activated = activated - 86400000 WHERE state = 2");
    record_rows(&vault);
}

START_TEST(nothing_is_due)
{
    sealring_run_result result = turn();
    ck_assert_uint_eq(told_count, 0);
    ck_assert_uint_eq(result.done + result.failed + result.blocked, 0);
    ck_assert_int_gt(result.next, clock_wall_ms());
    ck_assert_int_gt(result.come_back, 1000);
}
END_TEST

START_TEST(a_rotation_by_policy)
{
    make_rotation_due();
    sealring_run_result result = turn();
    ck_assert_msg(result.done == 2, "%u of 2: %s", (unsigned)result.done, told_count > 0 ? told[0].text : "-");
    assert_told(0, SEALRING_EVENT_PREPARE, 2, SEALRING_PLAN_DONE);
    assert_told(1, SEALRING_EVENT_ACTIVATE, 2, SEALRING_PLAN_DONE);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT state FROM version WHERE number = 1"),
                     SEALRING_VERSION_RETIRING);
    ck_assert_int_eq(test_vault_number(&vault,
                                       "SELECT count(*) FROM audit WHERE act LIKE 'version.%'"
                                       " AND actor LIKE 'automatic: %' AND detail LIKE '%by the ring''s policy%'"),
                     2);
    turn();
    ck_assert_uint_eq(told_count, 0);
    /* what a person does afterwards is theirs */
    ASSERT_OK(sealring_version_change(manager, RING, SEALRING_EVENT_ROLLBACK, 0, NULL, NULL, &error), error);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM audit WHERE act = 'version.rollback'"
                                               " AND actor NOT LIKE 'automatic%'"),
                     1);
}
END_TEST

/* A verifier that has not proved the new version yet: the turn does not wait for it, the next one goes on. */
START_TEST(the_next_turn_goes_on)
{
    const sealring_options manual = {.size = sizeof manual, .manual_maintenance = 1};
    sealring_vault *verifier = test_vault_open_with(&vault, &manual);
    make_rotation_due();
    sealring_run_result result = turn();
    ck_assert_uint_eq(result.done, 1);
    assert_told(0, SEALRING_EVENT_PREPARE, 2, SEALRING_PLAN_DONE);
    assert_told(1, SEALRING_EVENT_ACTIVATE, 2, SEALRING_PLAN_WAITING);
    ck_assert_int_le(result.come_back, 1000);
    sealring_maintain(verifier, NULL, NULL);
    turn();
    assert_told(0, SEALRING_EVENT_ACTIVATE, 2, SEALRING_PLAN_DONE);
    sealring_close(&verifier);
}
END_TEST

START_TEST(a_dry_run_changes_nothing)
{
    sealring_manage_options options = {.size = sizeof options, .dry_run = true};
    make_rotation_due();
    sealring_manager_close(&manager);
    ASSERT_OK(sealring_manager_open(vault.path, &options, &manager, &error), error);
    turn();
    assert_told(0, SEALRING_EVENT_PREPARE, 2, SEALRING_PLAN_READY);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM version"), 1);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM clock"), 0);
}
END_TEST

START_TEST(what_can_sign_is_not_destroyed)
{
    ASSERT_OK(sealring_version_change(manager, RING, SEALRING_EVENT_ROTATE, 0, NULL, NULL, &error), error);
    /* an edited registry: nobody closed version 1 */
    test_vault_sql(&vault, "UPDATE version SET state = 4, retire_at = 0, closed = 1, purge_at = 2 WHERE number = 1");
    sealring_run_result result = turn();
    assert_told(0, (sealring_event)0, 0, SEALRING_PLAN_NOTICE);
    ck_assert_ptr_nonnull(strstr(told[0].text, "the facts corrected the row of version 1 of ring"));
    ck_assert_int_eq(test_vault_number(&vault, "SELECT state FROM version WHERE number = 1"),
                     SEALRING_VERSION_RETIRING);
    /* and with a fact that the token knows nothing of */
    test_vault_sql(&vault, "UPDATE version SET state = 4, retire_at = 0, closed = 1, purge_at = 2 WHERE number = 1");
    record_rows(&vault);
    result = turn();
    ck_assert_uint_eq(result.failed, 1);
    assert_told(0, SEALRING_EVENT_DESTROY, 1, SEALRING_PLAN_FAILED);
    ck_assert_ptr_nonnull(strstr(told[0].text, "still signs"));
    ck_assert_int_eq(test_vault_number(&vault, "SELECT state FROM version WHERE number = 1"), SEALRING_VERSION_RETIRED);
}
END_TEST

START_TEST(what_was_closed_is_destroyed_when_its_time_is_over)
{
    ASSERT_OK(sealring_version_change(manager, RING, SEALRING_EVENT_ROTATE, 0, NULL, NULL, &error), error);
    ASSERT_OK(sealring_version_change(manager, RING, SEALRING_EVENT_COMPROMISE, 1, NULL, NULL, &error), error);
    turn();
    ck_assert_uint_eq(told_count, 0);
    test_vault_sql(&vault, "UPDATE version SET purge_at = closed WHERE number = 1");
    record_rows(&vault);
    turn();
    assert_told(0, SEALRING_EVENT_DESTROY, 1, SEALRING_PLAN_DONE);
}
END_TEST

START_TEST(a_clock_that_was_set_holds)
{
    turn(); /* remembers the clocks */
    make_rotation_due();
    test_vault_sql(&vault, "UPDATE clock SET wall_ms = wall_ms - 7200400"); /* so it was set forward by two hours */
    sealring_run_result result = turn();
    ck_assert(result.clocks_held);
    assert_told(0, (sealring_event)0, 0, SEALRING_PLAN_NOTICE);
    ck_assert_ptr_nonnull(strstr(told[0].text, "set forward by 2h"));
    assert_told(1, SEALRING_EVENT_PREPARE, 2, SEALRING_PLAN_DONE);
    assert_told(2, SEALRING_EVENT_ACTIVATE, 2, SEALRING_PLAN_HELD);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM audit WHERE act = 'clock.stepped'"), 1);
    turn();
    assert_told(0, SEALRING_EVENT_ACTIVATE, 2, SEALRING_PLAN_HELD);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM audit WHERE act = 'clock.stepped'"), 1);
    /* what a person does is not held (that the clocks are trusted again in time: tests/leap, whose clock is injected) */
    test_vault_sql(&vault, "UPDATE clock SET held = 1, steady_boot_ms = boot_ms, expectation = 0");
    ASSERT_OK(sealring_version_change(manager, RING, SEALRING_EVENT_ROTATE, 0, NULL, NULL, &error), error);
}
END_TEST

/* Several at once, each a process: the ring rotates once. */
START_TEST(schedulers_at_the_same_time)
{
    pid_t processes[4];
    make_rotation_due();
    fflush(NULL);
    for (size_t i = 0; i < 4; i++) {
        processes[i] = fork();
        ck_assert_int_ge(processes[i], 0);
        if (processes[i] > 0)
            continue;
        sealring_manager *own = NULL;
        sealring_manager_close(&manager); /* inherited: not a child's */
        if (sealring_manager_open(vault.path, NULL, &own, &error) != SEALRING_OK)
            _exit(1);
        for (int turns = 0; turns < 3; turns++)
            if (sealring_run_once(own, NULL, NULL, NULL, NULL, &error) != SEALRING_OK)
                _exit(2);
        sealring_manager_close(&own);
        _exit(0);
    }
    for (size_t i = 0; i < 4; i++) {
        int status = 0;
        ck_assert_int_eq(waitpid(processes[i], &status, 0), processes[i]);
        ck_assert_int_eq(status, 0);
    }
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM version"), 2);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM audit WHERE act = 'version.activate'"), 1);
}
END_TEST

START_TEST(what_lies_ahead)
{
    told_count = 0;
    ASSERT_OK(sealring_ring_plan(manager, RING, hear, NULL, &error), error);
    ck_assert_uint_eq(told_count, 2);
    assert_told(0, SEALRING_EVENT_PREPARE, 2, SEALRING_PLAN_AHEAD);
    assert_told(1, SEALRING_EVENT_ACTIVATE, 2, SEALRING_PLAN_AHEAD);
    ck_assert_int_eq(sealring_ring_plan(manager, "nosuch", hear, NULL, &error), SEALRING_NOT_FOUND);
}
END_TEST

START_TEST(read_only_is_refused)
{
    sealring_manage_options options = {.size = sizeof options, .read_only = true};
    sealring_manager_close(&manager);
    ASSERT_OK(sealring_manager_open(vault.path, &options, &manager, &error), error);
    ck_assert_int_eq(sealring_run_once(manager, NULL, NULL, NULL, NULL, &error), SEALRING_REFUSED);
    told_count = 0;
    ASSERT_OK(sealring_ring_plan(manager, RING, hear, NULL, &error), error);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("run");
    TCase *cases = tcase_create("run");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, nothing_is_due);
    tcase_add_test(cases, a_rotation_by_policy);
    tcase_add_test(cases, the_next_turn_goes_on);
    tcase_add_test(cases, a_dry_run_changes_nothing);
    tcase_add_test(cases, what_can_sign_is_not_destroyed);
    tcase_add_test(cases, what_was_closed_is_destroyed_when_its_time_is_over);
    tcase_add_test(cases, a_clock_that_was_set_holds);
    tcase_add_test(cases, schedulers_at_the_same_time);
    tcase_add_test(cases, what_lies_ahead);
    tcase_add_test(cases, read_only_is_refused);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
