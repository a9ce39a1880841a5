/* SPDX-License-Identifier: Apache-2.0 */
/* First sight under load: one token operation per credential however many ask, waits that are bounded in number and time. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "lib/runner.h"
#include "verifier/stage.h"

#define THREADS     32
#define WAITING_MAX 4

static struct stage stage;
static struct stage_key key, other;
static sealring_vault *vault;

static void setup(void)
{
    stage_make(&stage, 0, 0);
    stage_issue(&stage, STAGE_RING, "read write", &key);
    stage_issue(&stage, STAGE_RING, "read", &other);
}

static void teardown(void)
{
    sealring_close(&vault);
    stage_remove(&stage);
}

/* ---- Threads that ask one question each */

struct asker {
    pthread_t thread;
    const char *text;
    sealring_verdict verdict;
    char reason[256];
    int64_t took;
    atomic_bool answered;
};

static struct asker askers[THREADS];
static pthread_barrier_t all_at_once;

static void *ask(void *argument)
{
    struct asker *asker = argument;
    sealring_grant grant = {.size = sizeof grant};
    pthread_barrier_wait(&all_at_once);
    int64_t before = stage_time_ms();
    asker->verdict = sealring_verify(vault, asker->text, strlen(asker->text), "read", &grant);
    asker->took = stage_time_ms() - before;
    memcpy(asker->reason, grant.reason, sizeof asker->reason);
    atomic_store(&asker->answered, true);
    return NULL;
}

static void start(unsigned count, const char *one, const char *another)
{
    ck_assert_int_eq(pthread_barrier_init(&all_at_once, NULL, count), 0);
    for (unsigned i = 0; i < count; i++) {
        askers[i].text = i % 2 == 0 ? one : another;
        ck_assert_int_eq(pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
    }
}

static void finish(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        ck_assert_int_eq(pthread_join(askers[i].thread, NULL), 0);
}

static unsigned count_answered(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < THREADS; i++)
        count += atomic_load(&askers[i].answered);
    return count;
}

static bool some_call_is_held(void *context)
{
    return atomic_load(&stage.counting->held) >= *(unsigned *)context;
}

static bool some_are_answered(void *context)
{
    return count_answered() >= *(unsigned *)context;
}

/* ---- One operation for all */

START_TEST(many_ask_for_one_credential)
{
    vault = stage_open_manual(&stage);
    uint64_t sign = stage.counting->sign, sign_init = stage.counting->sign_init;
    atomic_store(&stage.counting->delay_ms, 200);
    start(THREADS, key.text, key.text);
    finish(THREADS);
    for (unsigned i = 0; i < THREADS; i++)
        ck_assert_msg(askers[i].verdict == SEALRING_ACCEPTED, "%s: %s", sealring_verdict_name(askers[i].verdict),
                      askers[i].reason);
    ck_assert_uint_eq(stage.counting->sign, sign + 1);
    ck_assert_uint_eq(stage.counting->sign_init, sign_init + 1);
    ck_assert_uint_eq(stage_statistics(vault).token_operations, 1);
    ck_assert_uint_eq(stage_statistics(vault).verdicts[SEALRING_ACCEPTED], THREADS);
}
END_TEST

START_TEST(many_ask_for_two_credentials)
{
    vault = stage_open_manual(&stage);
    uint64_t sign = stage.counting->sign;
    unsigned two = 2;
    atomic_store(&stage.counting->hold, 2);
    start(THREADS, key.text, other.text);
    ck_assert(stage_wait(some_call_is_held, &two)); /* at the same time: the one does not wait for the other */
    atomic_store(&stage.counting->hold, 0);
    finish(THREADS);
    for (unsigned i = 0; i < THREADS; i++)
        ck_assert_int_eq(askers[i].verdict, SEALRING_ACCEPTED);
    ck_assert_uint_eq(stage.counting->sign, sign + 2);
    ck_assert_uint_eq(stage_statistics(vault).token_operations, 2);
}
END_TEST

/* A cached credential is answered while the token keeps others waiting. */
START_TEST(who_is_known_does_not_wait)
{
    unsigned one = 1;
    vault = stage_open_manual(&stage);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    atomic_store(&stage.counting->hold, 2);
    start(8, other.text, other.text);
    ck_assert(stage_wait(some_call_is_held, &one));
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(stage_ask(vault, key.text, "read"), SEALRING_ACCEPTED);
    stage_look(vault); /* nor does the look */
    ck_assert_uint_eq(count_answered(), 0);
    atomic_store(&stage.counting->hold, 0);
    finish(8);
    for (unsigned i = 0; i < 8; i++)
        ck_assert_int_eq(askers[i].verdict, SEALRING_ACCEPTED);
}
END_TEST

/* ---- Bounds */

START_TEST(few_may_wait_and_not_for_long)
{
    enum { ASKERS = 16, TURNED_AWAY = ASKERS - WAITING_MAX - 1 };
    sealring_options options = {
        .size = sizeof options, .manual_maintenance = 1, .no_warming = 1, .waiting_max = WAITING_MAX};
    unsigned turned_away = TURNED_AWAY, all_but_one = ASKERS - 1, unavailable = 0, at_once = 0;
    vault = stage_open_with(&stage, &options);
    atomic_store(&stage.counting->hold, 2);
    start(ASKERS, key.text, key.text);
    ck_assert(stage_wait(some_are_answered, &turned_away));
    /* those who wait give up after some seconds; the one whose call the token keeps cannot */
    ck_assert(stage_wait(some_are_answered, &all_but_one));
    atomic_store(&stage.counting->hold, 0);
    finish(ASKERS);
    for (unsigned i = 0; i < ASKERS; i++) {
        if (askers[i].verdict == SEALRING_ACCEPTED)
            continue;
        ck_assert_msg(askers[i].verdict == SEALRING_UNAVAILABLE, "%s: %s", sealring_verdict_name(askers[i].verdict),
                      askers[i].reason);
        ck_assert_uint_gt(strlen(askers[i].reason), 0);
        unavailable++;
        at_once += askers[i].took < 1000;
    }
    ck_assert_uint_eq(unavailable, ASKERS - 1);
    ck_assert_uint_eq(at_once, TURNED_AWAY);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    ck_assert_uint_eq(stage_statistics(vault).token_operations, 1);
}
END_TEST

START_TEST(who_waits_is_answered)
{
    enum { ASKERS = WAITING_MAX + 1 };
    sealring_options options = {
        .size = sizeof options, .manual_maintenance = 1, .no_warming = 1, .waiting_max = WAITING_MAX};
    vault = stage_open_with(&stage, &options);
    atomic_store(&stage.counting->delay_ms, 300);
    start(ASKERS, key.text, key.text);
    finish(ASKERS);
    for (unsigned i = 0; i < ASKERS; i++)
        ck_assert_msg(askers[i].verdict == SEALRING_ACCEPTED, "%s: %s", sealring_verdict_name(askers[i].verdict),
                      askers[i].reason);
}
END_TEST

/* ---- What is closed never gets that far */

static void suspend(const char *ring, const struct stage_key *victim)
{
    (void)ring;
    stage_set_state(&stage, victim->key_id, SEALRING_KEY_SUSPENDED);
}

static void revoke(const char *ring, const struct stage_key *victim)
{
    (void)ring;
    stage_set_state(&stage, victim->key_id, SEALRING_KEY_REVOKED);
}

static void replace(const char *ring, const struct stage_key *victim)
{
    struct stage_key next;
    (void)ring;
    stage_rekey(&stage, victim->key_id, 0, &next);
}

static void retire(const char *ring, const struct stage_key *victim)
{
    stage_event(&stage, ring, SEALRING_EVENT_ROTATE, 0);
    stage_event(&stage, ring, SEALRING_EVENT_RETIRE, victim->version);
}

static void compromise(const char *ring, const struct stage_key *victim)
{
    stage_event(&stage, ring, SEALRING_EVENT_COMPROMISE, victim->version);
}

static const struct closing {
    const char *ring; /* of its own */
    void (*close)(const char *ring, const struct stage_key *victim);
    sealring_verdict expected;
    bool of_version; /* such a change is known from the next look on; the token refuses such a key by itself */
} closings[] = {
    {"suspended", suspend, SEALRING_REJECTED_SUSPENDED, false},
    {"revoked", revoke, SEALRING_REJECTED_REVOKED, false},
    {"replaced", replace, SEALRING_REJECTED_REVOKED, false},
    {"retired", retire, SEALRING_REJECTED_VERSION_RETIRED, true},
    {"compromised", compromise, SEALRING_REJECTED_VERSION_COMPROMISED, true},
};
#define CLOSINGS (sizeof closings / sizeof closings[0])

enum { CLOSED_BEFORE_JOINING, CLOSED_BEFORE_THE_LOOK, CLOSED_SINCE_THE_LOOK, CLOSED_WHEN };

START_TEST(closed_credentials_do_not_reach_the_token)
{
    struct stage_key keys[CLOSINGS];
    for (size_t i = 0; i < CLOSINGS; i++) {
        stage_ring(&stage, closings[i].ring, STAGE_PREFIX, 60000);
        stage_issue(&stage, closings[i].ring, "read", &keys[i]);
    }
    if (_i != CLOSED_BEFORE_JOINING)
        vault = stage_open_manual(&stage);
    for (size_t i = 0; i < CLOSINGS; i++)
        closings[i].close(closings[i].ring, &keys[i]);
    if (_i == CLOSED_BEFORE_JOINING)
        vault = stage_open_manual(&stage);
    if (_i == CLOSED_BEFORE_THE_LOOK)
        stage_look(vault);
    uint64_t sign_init = stage.counting->sign_init;
    for (size_t i = 0; i < 2 * CLOSINGS; i++)
        if (_i != CLOSED_SINCE_THE_LOOK || !closings[i % CLOSINGS].of_version)
            stage_expect(vault, keys[i % CLOSINGS].text, closings[i % CLOSINGS].expected);
    ck_assert_uint_eq(stage.counting->sign_init, sign_init);
    ck_assert_uint_eq(stage_statistics(vault).token_operations, 0);
    for (size_t i = 0; i < CLOSINGS; i++)
        stage_expect(vault, keys[i].text, closings[i].expected);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flight");
    TCase *cases = tcase_create("flight");
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, many_ask_for_one_credential);
    tcase_add_test(cases, many_ask_for_two_credentials);
    tcase_add_test(cases, who_is_known_does_not_wait);
    tcase_add_test(cases, few_may_wait_and_not_for_long);
    tcase_add_test(cases, who_waits_is_answered);
    tcase_add_loop_test(cases, closed_credentials_do_not_reach_the_token, 0, CLOSED_WHEN);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
