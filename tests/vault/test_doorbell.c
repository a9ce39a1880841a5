/* SPDX-License-Identifier: Apache-2.0 */
/* The doorbell of a whole vault: commits ring verifiers, verifiers ring back, and without any bell everything is as late as the polls. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bell/bell.h"
#include "lib/runner.h"
#include "lib/test_vault.h"

#define RING     "payments"
#define LEASE_MS 60000
#define SLOW_MS  20000 /* a refresh interval after which a test has long failed */
#define PATIENCE 15000
#define KEYS     15

static struct test_vault vault;
static sealring_manager *manager;
static sealring_error error;
static char bell_path[128];
static char reports_bell_path[128];

struct key {
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
};

static void set_up(void)
{
    test_vault_make(&vault);
    manager = test_vault_manage(&vault);
    test_vault_ring(manager, RING, "pay", 60000);
    snprintf(bell_path, sizeof bell_path, "%s/vault.bell", vault.path);
    snprintf(reports_bell_path, sizeof reports_bell_path, "%s/verifiers/reports.bell", vault.path);
}

static void tear_down(void)
{
    sealring_manager_close(&manager);
    test_vault_remove(&vault);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_ms(long milliseconds)
{
    struct timespec pause = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static uint64_t polls(sealring_vault *opened)
{
    sealring_statistics statistics = {.size = sizeof statistics};
    sealring_stats(opened, &statistics);
    return statistics.looks;
}

static void issue(struct key *key)
{
    static int clients;
    char client[32];
    snprintf(client, sizeof client, "shop-%d", ++clients);
    test_vault_issue(manager, RING, client, "read", key->text, key->key_id);
}

static void revoke_key(const struct key *key)
{
    ASSERT_OK(sealring_key_set_state(manager, key->key_id, SEALRING_KEY_REVOKED, "lost", &error), error);
}

static sealring_verdict ask(sealring_vault *opened, const struct key *key)
{
    return sealring_verify(opened, key->text, strlen(key->text), NULL, NULL);
}

/* Milliseconds until it is rejected. */
static int64_t wait_until_rejected(sealring_vault *opened, const struct key *key)
{
    int64_t began = now_ms();
    while (ask(opened, key) == SEALRING_ACCEPTED) {
        ck_assert_msg(now_ms() - began < PATIENCE, "a revocation was not applied");
        pause_ms(1);
    }
    return now_ms() - began;
}

static int compare(const void *one, const void *other)
{
    const int64_t *first = one, *second = other;
    return (*first > *second) - (*first < *second);
}

/* The time from a commit until the verifier of this process rejects the key, at moments that have nothing to do with its polls. */
static int64_t median_delay(sealring_vault *opened)
{
    struct key keys[KEYS];
    int64_t delays[KEYS];
    for (int i = 0; i < KEYS; i++)
        issue(&keys[i]);
    for (int i = 0; i < KEYS; i++)
        ck_assert_int_eq(ask(opened, &keys[i]), SEALRING_ACCEPTED);
    for (int i = 0; i < KEYS; i++) {
        pause_ms(37 * i % 100);
        revoke_key(&keys[i]);
        delays[i] = wait_until_rejected(opened, &keys[i]);
    }
    qsort(delays, KEYS, sizeof delays[0], compare);
    return delays[KEYS / 2];
}

START_TEST(init_makes_the_bell)
{
    struct test_vault fresh = {.path = ""}; /* in which nothing was committed yet */
    struct stat status;
    char path[128];
    test_vault_make(&fresh);
    snprintf(path, sizeof path, "%s/vault.bell", fresh.path);
    ck_assert_int_eq(lstat(path, &status), 0);
    ck_assert(S_ISREG(status.st_mode));
    ck_assert_int_eq(status.st_mode & 07777, 0640);
    test_vault_remove(&fresh);
}
END_TEST

START_TEST(a_commit_wakes_the_verifier)
{
    test_vault_timing(&vault, LEASE_MS, SLOW_MS);
    sealring_vault *opened = test_vault_open(&vault);
    ck_assert_int_lt(median_delay(opened), 250); /* a poll alone comes once a second: 500 */
    sealring_close(&opened);
}
END_TEST

START_TEST(the_first_commit_makes_a_missing_bell)
{
    struct key key;
    test_vault_timing(&vault, LEASE_MS, 200);
    ck_assert_int_eq(unlink(bell_path), 0);
    sealring_vault *opened = test_vault_open(&vault); /* an older vault: polls */
    issue(&key);
    ck_assert_int_eq(access(bell_path, F_OK), 0);
    ck_assert_int_eq(ask(opened, &key), SEALRING_ACCEPTED);
    revoke_key(&key);
    wait_until_rejected(opened, &key);
    ck_assert_int_lt(median_delay(opened), 250);
    sealring_close(&opened);
}
END_TEST

START_TEST(a_commit_that_changes_no_verdict_rings_nobody)
{
    struct bell bell;
    uint32_t before, after;
    bell_open(&bell, bell_path, 0);
    ck_assert(bell_read(&bell, &before));
    const sealring_manage_options options = {.size = sizeof options, .dry_run = true};
    sealring_manager *dry = NULL;
    struct key key;
    issue(&key);
    ck_assert(bell_read(&bell, &before));
    ASSERT_OK(sealring_manager_open(vault.path, &options, &dry, &error), error);
    ASSERT_OK(sealring_key_set_state(dry, key.key_id, SEALRING_KEY_REVOKED, "lost", &error), error);
    sealring_manager_close(&dry);
    ck_assert(bell_read(&bell, &after));
    ck_assert_uint_eq(before, after);
    revoke_key(&key);
    ck_assert(bell_read(&bell, &after));
    ck_assert_uint_ne(before, after);
    bell_close(&bell);
}
END_TEST

/* What verifiers ring for: an epoch in their report, and a proof. */
START_TEST(verifiers_ring_when_their_reports_have_news)
{
    struct bell bell;
    struct key key;
    uint32_t word, quiet;
    test_vault_timing(&vault, LEASE_MS, 200);
    issue(&key);
    sealring_vault *opened = test_vault_open(&vault);
    sealring_wait wait = {.size = sizeof wait, .most = PATIENCE};
    ASSERT_OK(sealring_wait_effective(manager, &wait, &error), error);
    bell_open(&bell, reports_bell_path, 0);
    uint64_t before = polls(opened);
    ck_assert(bell_read(&bell, &word));
    while (polls(opened) < before + 2)
        pause_ms(5);
    ck_assert(bell_read(&bell, &quiet));
    ck_assert_uint_eq(quiet, word); /* a poll without news rings nobody */
    revoke_key(&key);
    ck_assert_int_eq(bell_wait(&bell, word, PATIENCE), BELL_RUNG);
    ASSERT_OK(sealring_wait_effective(manager, &wait, &error), error);
    bell_close(&bell);
    sealring_close(&opened);
}
END_TEST

START_TEST(a_new_version_is_proved_at_once)
{
    sealring_change change = {.size = sizeof change};
    sealring_event_options options = {.size = sizeof options};
    sealring_wait wait = {.size = sizeof wait, .most = PATIENCE};
    test_vault_timing(&vault, LEASE_MS, 200);
    sealring_vault *opened = test_vault_open(&vault);
    pause_ms(300); /* both threads have done their first turns */
    ASSERT_OK(sealring_version_change(manager, RING, SEALRING_EVENT_PREPARE, 0, &options, &change, &error), error);
    int64_t began = now_ms();
    ASSERT_OK(sealring_wait_barrier(manager, RING, 0, &wait, &error), error);
    ck_assert_int_lt(now_ms() - began, 5000); /* the proving thread's own turn comes after 10 s */
    sealring_close(&opened);
}
END_TEST

/* The operator's side polls every 20 ms as well, so this shows that verifiers are woken, not that it is. */
START_TEST(a_wait_for_effective_ends_soon_after_the_ring)
{
    int64_t delays[KEYS];
    struct key keys[KEYS];
    test_vault_timing(&vault, LEASE_MS, SLOW_MS);
    for (int i = 0; i < KEYS; i++)
        issue(&keys[i]);
    sealring_vault *opened = test_vault_open(&vault);
    sealring_wait wait = {.size = sizeof wait, .most = PATIENCE};
    for (int i = 0; i < KEYS; i++) {
        revoke_key(&keys[i]);
        int64_t began = now_ms();
        ASSERT_OK(sealring_wait_effective(manager, &wait, &error), error);
        delays[i] = now_ms() - began;
    }
    qsort(delays, KEYS, sizeof delays[0], compare);
    ck_assert_int_lt(delays[KEYS / 2], 250);
    sealring_close(&opened);
}
END_TEST

/* ---- without a bell ---- */

static int alarms;

static void count_message(sealring_log_level level, const char *message, void *context)
{
    (void)context;
    if (strstr(message, "bell") != NULL || level == SEALRING_LOG_ALARM)
        alarms++;
}

/* Neither side can use these paths; nothing may fail, or be reported. */
static void take_bells_away(void)
{
    unlink(bell_path);
    unlink(reports_bell_path);
    ck_assert_int_eq(mkdir(bell_path, 0700), 0);
    ck_assert_int_eq(mkdir(reports_bell_path, 0700), 0);
}

START_TEST(without_bells_verifiers_poll_and_nothing_fails)
{
    struct key key;
    test_vault_timing(&vault, LEASE_MS, 50);
    issue(&key);
    sealring_vault *opened = test_vault_open(&vault);
    sealring_set_log(opened, count_message, NULL);
    ck_assert_int_eq(ask(opened, &key), SEALRING_ACCEPTED);
    take_bells_away();
    uint64_t before = polls(opened);
    int64_t began = now_ms();
    while (polls(opened) < before + 60) { /* a bell would let it poll once a second */
        ck_assert_int_lt(now_ms() - began, 2 * PATIENCE);
        pause_ms(5);
    }
    ck_assert_int_ge(now_ms() - began, 2000); /* and not without a pause: 60 times 50 ms */
    revoke_key(&key);
    sealring_wait wait = {.size = sizeof wait, .most = PATIENCE};
    ASSERT_OK(sealring_wait_effective(manager, &wait, &error), error);
    ck_assert_int_eq(ask(opened, &key), SEALRING_REJECTED_REVOKED);
    sealring_close(&opened);
    ck_assert_int_eq(alarms, 0);
}
END_TEST

/* A verifier whose bell missed a change polls every refresh interval, until it is rung again. */
START_TEST(after_a_missed_ring_the_refresh_interval_counts)
{
    struct key key;
    test_vault_timing(&vault, LEASE_MS, 20);
    sealring_vault *opened = test_vault_open(&vault);
    uint64_t before = polls(opened);
    pause_ms(1500);
    ck_assert_uint_lt(polls(opened), before + 20);                /* with a bell: not every 20 ms */
    test_vault_sql(&vault, "UPDATE vault SET epoch = epoch + 1"); /* rings nobody */
    int64_t began = now_ms();
    before = polls(opened);
    while (polls(opened) < before + 100) {
        ck_assert_int_lt(now_ms() - began, 2 * PATIENCE);
        pause_ms(5);
    }
    issue(&key);
    pause_ms(500); /* it has polled after the ring */
    before = polls(opened);
    pause_ms(1500);
    ck_assert_uint_lt(polls(opened), before + 20);
    sealring_close(&opened);
}
END_TEST

/* ---- costs ---- */

static long switches(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw;
}

/* In a process of its own, which does nothing else. Returns its context switches in 4 s. */
static long idle_switches(void)
{
    int pipes[2];
    long count = -1;
    ck_assert_int_eq(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        sealring_vault *opened = test_vault_open(&vault);
        pause_ms(1500); /* warming */
        count = -switches();
        pause_ms(4000);
        count += switches();
        sealring_close(&opened);
        _exit(write(pipes[1], &count, sizeof count) != (ssize_t)sizeof count);
    }
    ck_assert_int_eq(read(pipes[0], &count, sizeof count), (ssize_t)sizeof count);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    close(pipes[0]);
    close(pipes[1]);
    return count;
}

START_TEST(an_idle_verifier_seldom_wakes)
{
    test_vault_timing(&vault, LEASE_MS, 200);
    ck_assert_int_le(idle_switches(), 4 * 3 + 1);
}
END_TEST

START_TEST(hammering_costs_a_limited_number_of_polls)
{
    struct key key;
    test_vault_timing(&vault, LEASE_MS, 200);
    issue(&key);
    sealring_vault *opened = test_vault_open(&vault);
    ck_assert_int_eq(ask(opened, &key), SEALRING_ACCEPTED);
    pid_t child = fork();
    while (child == 0)
        bell_ring(bell_path);
    int64_t began = now_ms();
    uint64_t before = polls(opened);
    pause_ms(2000);
    uint64_t made = polls(opened) - before;
    ck_assert_uint_le(made, BELL_BURST + (uint64_t)(now_ms() - began) / BELL_REST_MS + 10);
    revoke_key(&key);
    wait_until_rejected(opened, &key); /* and it still applies changes */
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    sealring_close(&opened);
}
END_TEST

START_TEST(closing_does_not_wait_for_the_bell)
{
    int64_t closing = 0;
    test_vault_timing(&vault, LEASE_MS, SLOW_MS);
    for (int i = 0; i < 10; i++) {
        sealring_vault *opened = test_vault_open(&vault);
        pause_ms(20);
        closing -= now_ms();
        sealring_close(&opened);
        closing += now_ms();
    }
    ck_assert_int_lt(closing, 4000); /* about 9800 if each close waited for the poll */
}
END_TEST

/* Until a commit has woken the verifier and it sleeps again. AddressSanitizer's allocator, unlike glibc's, is of no use in a child if another thread
 * was inside it when the child was forked. */
static void wait_for_a_poll(sealring_vault *opened)
{
    struct key key;
    uint64_t before = polls(opened);
    int64_t began = now_ms();
    issue(&key);
    revoke_key(&key);
    while (polls(opened) == before) {
        ck_assert_msg(now_ms() - began < PATIENCE, "a commit woke nobody");
        pause_ms(1);
    }
    pause_ms(50);
}

/* A forked child joins with a verifier of its own, which listens too, and closes its parent's descriptors. */
START_TEST(a_forked_child_listens_for_itself)
{
    struct key key;
    test_vault_timing(&vault, LEASE_MS, SLOW_MS);
    issue(&key);
    sealring_vault *opened = test_vault_open(&vault);
    ck_assert_int_eq(ask(opened, &key), SEALRING_ACCEPTED);
    wait_for_a_poll(opened);
    int pipes[2];
    char byte = 0;
    ck_assert_int_eq(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        ck_assert_int_eq(ask(opened, &key), SEALRING_ACCEPTED);
        ck_assert_int_eq(write(pipes[1], &byte, 1), 1);
        wait_until_rejected(opened, &key);
        sealring_close(&opened);
        _exit(0);
    }
    close(pipes[1]); /* a child that ends early is noticed at once */
    ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
    revoke_key(&key);
    sealring_wait wait = {.size = sizeof wait, .most = PATIENCE};
    ASSERT_OK(sealring_wait_effective(manager, &wait, &error), error);
    wait_until_rejected(opened, &key);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    sealring_close(&opened);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("doorbell");
    TCase *cases = tcase_create("doorbell");
    tcase_set_timeout(cases, 180);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, a_commit_wakes_the_verifier);
    tcase_add_test(cases, the_first_commit_makes_a_missing_bell);
    tcase_add_test(cases, a_commit_that_changes_no_verdict_rings_nobody);
    tcase_add_test(cases, verifiers_ring_when_their_reports_have_news);
    tcase_add_test(cases, a_new_version_is_proved_at_once);
    tcase_add_test(cases, a_wait_for_effective_ends_soon_after_the_ring);
    tcase_add_test(cases, without_bells_verifiers_poll_and_nothing_fails);
    tcase_add_test(cases, after_a_missed_ring_the_refresh_interval_counts);
    tcase_add_test(cases, an_idle_verifier_seldom_wakes);
    tcase_add_test(cases, hammering_costs_a_limited_number_of_polls);
    tcase_add_test(cases, closing_does_not_wait_for_the_bell);
    tcase_add_test(cases, a_forked_child_listens_for_itself);
    suite_add_tcase(suite, cases);
    TCase *first = tcase_create("init");
    tcase_set_timeout(first, 180);
    tcase_add_test(first, init_makes_the_bell);
    suite_add_tcase(suite, first);
    return run_suite(suite);
}
