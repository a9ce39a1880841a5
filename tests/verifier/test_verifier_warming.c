/* SPDX-License-Identifier: Apache-2.0 */
/* Warming: after a start the credentials that were used last are derived ahead of the requests, when the token has time. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/runner.h"
#include "verifier/stage.h"

#define WARM 50

static struct stage stage;
static struct stage_key late;
static sealring_vault *vault;

static void setup(void)
{
    stage_make(&stage, 0, 50);
    stage_issue_many(&stage, STAGE_RING, 2 * WARM);
    stage_issue(&stage, STAGE_RING, "", &late);
    vault = stage_open_manual(&stage);
    for (unsigned i = 0; i < WARM; i++) /* the others are never used */
        stage_expect(vault, stage.keys[2 * i].text, SEALRING_ACCEPTED);
    sealring_close(&vault);
}

static void teardown(void)
{
    sealring_close(&vault);
    stage_remove(&stage);
}

static void open_it(bool manual, bool no_warming)
{
    sealring_options options = {.size = sizeof options, .manual_maintenance = manual, .no_warming = no_warming};
    vault = stage_open_with(&stage, &options);
}

static void maintain_if_manual(bool manual)
{
    if (manual)
        stage_look(vault);
}

static bool it_is_warm(void *context)
{
    maintain_if_manual(*(bool *)context);
    return stage_statistics(vault).warmed >= WARM;
}

static void expect_warm_answers(void)
{
    sealring_statistics before = stage_statistics(vault);
    ck_assert_uint_eq(before.warmed, WARM);
    ck_assert_uint_eq(before.credentials, WARM);
    ck_assert_uint_eq(before.verdicts[SEALRING_ACCEPTED], 0);
    for (unsigned i = 0; i < WARM; i++)
        stage_expect(vault, stage.keys[2 * i].text, SEALRING_ACCEPTED);
    sealring_statistics after = stage_statistics(vault);
    ck_assert_uint_eq(after.cached, WARM);
    ck_assert_uint_eq(after.token_operations, before.token_operations);
    ck_assert_uint_eq(after.registry_lookups, before.registry_lookups);
}

START_TEST(warm_before_the_first_request)
{
    bool manual = _i == 0;
    open_it(manual, false);
    ck_assert(stage_wait(it_is_warm, &manual));
    maintain_if_manual(manual);
    ck_assert_uint_eq(stage_statistics(vault).token_operations, WARM);
    expect_warm_answers();
    stage_expect(vault, stage.keys[1].text, SEALRING_ACCEPTED);
    ck_assert_uint_eq(stage_statistics(vault).token_operations, WARM + 1);
}
END_TEST

START_TEST(no_warming_where_it_is_not_wanted)
{
    open_it(true, true);
    for (int i = 0; i < 10; i++)
        stage_look(vault);
    ck_assert_uint_eq(stage_statistics(vault).warmed, 0);
    ck_assert_uint_eq(stage_statistics(vault).token_operations, 0);
    stage_expect(vault, stage.keys[0].text, SEALRING_ACCEPTED);
}
END_TEST

/* What was closed meanwhile is passed over; the rest is warmed. */
static bool the_rest_is_warm(void *context)
{
    (void)context;
    stage_look(vault);
    return stage_statistics(vault).credentials >= WARM - 2;
}

START_TEST(what_is_closed_is_not_warmed)
{
    stage_set_state(&stage, stage.keys[0].key_id, SEALRING_KEY_REVOKED);
    stage_set_state(&stage, stage.keys[2].key_id, SEALRING_KEY_SUSPENDED);
    open_it(true, false);
    ck_assert(stage_wait(the_rest_is_warm, NULL));
    for (int i = 0; i < 10; i++)
        stage_look(vault);
    stage_expect(vault, stage.keys[0].text, SEALRING_REJECTED_REVOKED);
    stage_expect(vault, stage.keys[2].text, SEALRING_REJECTED_SUSPENDED);
    stage_expect(vault, stage.keys[4].text, SEALRING_ACCEPTED);
    ck_assert_uint_le(stage_statistics(vault).warmed, WARM);
}
END_TEST

/* ---- Requests come first */

static void *ask_late(void *argument)
{
    *(sealring_verdict *)argument = stage_ask(vault, late.text, NULL);
    return NULL;
}

static bool a_call_is_held(void *context)
{
    (void)context;
    return atomic_load(&stage.counting->held) > 0;
}

START_TEST(nothing_is_warmed_while_requests_wait_for_the_token)
{
    bool manual = true;
    pthread_t thread;
    sealring_verdict verdict = SEALRING_UNDECIDED;
    open_it(true, false);
    uint64_t warmed_at_once = stage_statistics(vault).warmed; /* by opening: nothing, or a few */
    ck_assert_uint_lt(warmed_at_once, WARM);
    atomic_store(&stage.counting->hold, 1); /* one call: others would pass */
    ck_assert_int_eq(pthread_create(&thread, NULL, ask_late, &verdict), 0);
    ck_assert(stage_wait(a_call_is_held, NULL));
    uint64_t sign = stage.counting->sign;
    for (int i = 0; i < 10; i++)
        stage_look(vault);
    ck_assert_uint_eq(stage_statistics(vault).warmed, warmed_at_once);
    ck_assert_uint_eq(stage.counting->sign, sign);
    atomic_store(&stage.counting->hold, 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(verdict, SEALRING_ACCEPTED);
    ck_assert(stage_wait(it_is_warm, &manual));
}
END_TEST

/* A token that is away is no trouble: warming goes on when it is back. */
START_TEST(warming_survives_an_outage)
{
    bool manual = true;
    char here[160], there[176];
    snprintf(here, sizeof here, "%s/tokens/softhsm2", stage.vault.path);
    snprintf(there, sizeof there, "%s.away", here);
    open_it(true, false);
    ck_assert_int_eq(rename(here, there), 0);
    for (int i = 0; i < 5; i++)
        (void)sealring_maintain(vault, NULL, NULL);
    ck_assert_uint_lt(stage_statistics(vault).warmed, WARM);
    ck_assert_int_gt(stage_statistics(vault).lease_left_ms, 0);
    ck_assert_int_eq(rename(there, here), 0);
    int64_t end = stage_time_ms() + STAGE_PATIENCE;
    while (stage_statistics(vault).warmed < WARM && stage_time_ms() < end) {
        (void)sealring_maintain(vault, NULL, NULL);
        usleep(2000);
    }
    ck_assert(it_is_warm(&manual));
    expect_warm_answers();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("warming");
    TCase *cases = tcase_create("warming");
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, warm_before_the_first_request, 0, 2);
    tcase_add_test(cases, no_warming_where_it_is_not_wanted);
    tcase_add_test(cases, what_is_closed_is_not_warmed);
    tcase_add_test(cases, nothing_is_warmed_while_requests_wait_for_the_token);
    tcase_add_test(cases, warming_survives_an_outage);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
