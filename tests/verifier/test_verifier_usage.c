/* SPDX-License-Identifier: Apache-2.0 */
/* Usage is counted exactly, whatever end the process takes: the report files say what was asked and answered. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/runner.h"
#include "verifier/report/report.h"
#include "verifier/stage.h"

#define ACCEPTED  1234
#define SCOPE     56
#define SUSPENDED 78
#define EXPIRED   9

static struct stage stage;
static struct stage_key key, other, expiring;
static sealring_vault *vault;

static void setup(void)
{
    stage_make(&stage, 0, 50);
    stage_issue(&stage, STAGE_RING, "read write", &key);
    stage_issue(&stage, STAGE_RING, "read", &other);
}

static void teardown(void)
{
    sealring_close(&vault);
    stage_remove(&stage);
}

/* ---- Reading all reports of the vault */

struct usage {
    int64_t key; /* row: which one is summed up */
    uint64_t accepted, scope, suspended, expired, closed, not_yet_valid;
    int64_t last_use_ms;
    int64_t version_last_use_ms;
    uint64_t version_uncached;
    uint64_t verdicts[SEALRING_VERDICTS];
    uint64_t cached;
    uint64_t damaged;
    unsigned files;
};

static sealring_status add_version(const struct report_version *record, uint32_t cell, void *context)
{
    (void)cell;
    struct usage *usage = context;
    int64_t last = atomic_load(&record->last_use_ms);
    if (last > usage->version_last_use_ms)
        usage->version_last_use_ms = last;
    for (size_t i = 0; i < SEALRING_VERDICTS; i++)
        usage->version_uncached += atomic_load(&record->uncached[i]);
    return SEALRING_OK;
}

static sealring_status add_credential(const struct report_credential *record, void *context)
{
    struct usage *usage = context;
    if (record->key != usage->key)
        return SEALRING_OK;
    ck_assert_uint_eq(record->serial, 1);
    ck_assert_uint_eq(record->version, 1);
    usage->accepted += atomic_load(&record->accepted);
    usage->scope += atomic_load(&record->scope);
    usage->suspended += atomic_load(&record->suspended);
    usage->expired += atomic_load(&record->expired);
    usage->closed += atomic_load(&record->closed);
    usage->not_yet_valid += atomic_load(&record->not_yet_valid);
    int64_t last = atomic_load(&record->last_use_ms);
    if (last > usage->last_use_ms)
        usage->last_use_ms = last;
    return SEALRING_OK;
}

static sealring_status add_file(const char *path, void *context)
{
    struct usage *usage = context;
    struct report_reader *reader = NULL;
    struct report_summary summary;
    uint64_t damaged = 0;
    sealring_error error;
    ASSERT_OK(report_read_open(path, &reader, &error), error);
    ASSERT_OK(report_read_summary(reader, &summary, &error), error);
    ck_assert_int_eq(report_read_each(reader, add_version, add_credential, usage, &damaged), SEALRING_OK);
    report_read_close(reader);
    for (size_t i = 0; i < SEALRING_VERDICTS; i++)
        usage->verdicts[i] += summary.verdicts[i];
    usage->cached += summary.cached;
    usage->damaged += damaged;
    usage->files++;
    return SEALRING_OK;
}

static struct usage read_usage(const struct stage_key *of)
{
    char text[160];
    sealring_error error;
    struct usage usage = {.key = 0};
    snprintf(text, sizeof text, "SELECT id FROM api_key WHERE key_id = '%s'", of->key_id);
    usage.key = test_vault_number(&stage.vault, text);
    snprintf(text, sizeof text, "%s/verifiers", stage.vault.path);
    ASSERT_OK(report_each_path(text, add_file, &usage, &error), error);
    ck_assert_uint_eq(usage.damaged, 0);
    return usage;
}

/* ---- A worker that is killed */

static void ask_times(const struct stage_key *of, const char *scope, unsigned times, sealring_verdict expected)
{
    for (unsigned i = 0; i < times; i++)
        if (stage_ask(vault, of->text, scope) != expected)
            ck_abort_msg("expected %s", sealring_verdict_name(expected));
}

/* Says when it is done by a byte, takes its next order by one. */
static void rest(int told, int ready)
{
    char byte;
    if (write(ready, "", 1) != 1 || read(told, &byte, 1) != 1)
        _exit(1);
}

static void work(int told, int ready)
{
    vault = stage_open_manual(&stage);
    ask_times(&key, "read", ACCEPTED, SEALRING_ACCEPTED);
    ask_times(&key, "admin", SCOPE, SEALRING_REJECTED_SCOPE);
    ask_times(&other, NULL, 3, SEALRING_ACCEPTED);
    rest(told, ready);
    stage_look(vault);
    ask_times(&key, NULL, SUSPENDED, SEALRING_REJECTED_SUSPENDED);
    rest(told, ready);
}

START_TEST(exact_after_kill_9)
{
    int orders[2], answers[2], status;
    char byte;
    ck_assert_int_eq(pipe(orders), 0);
    ck_assert_int_eq(pipe(answers), 0);
    fflush(NULL);
    int64_t before = stage_wall_ms();
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        work(orders[0], answers[1]);
        _exit(0);
    }
    close(answers[1]); /* so that its death ends what is read */
    ck_assert_int_eq(read(answers[0], &byte, 1), 1);
    stage_set_state(&stage, key.key_id, SEALRING_KEY_SUSPENDED);
    ck_assert_int_eq(write(orders[1], "", 1), 1);
    ck_assert_int_eq(read(answers[0], &byte, 1), 1);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    int64_t after = stage_wall_ms();

    struct usage usage = read_usage(&key);
    ck_assert_uint_eq(usage.files, 1);
    ck_assert_uint_eq(usage.accepted, ACCEPTED);
    ck_assert_uint_eq(usage.scope, SCOPE);
    ck_assert_uint_eq(usage.suspended, SUSPENDED);
    ck_assert_uint_eq(usage.expired + usage.closed + usage.not_yet_valid, 0);
    ck_assert_int_ge(usage.last_use_ms, before);
    ck_assert_int_le(usage.last_use_ms, after + 1000);
    ck_assert_int_ge(usage.version_last_use_ms, before);
    ck_assert_int_le(usage.version_last_use_ms, after + 1000);
    ck_assert_uint_eq(usage.version_uncached, 0);
    ck_assert_uint_eq(usage.verdicts[SEALRING_ACCEPTED], ACCEPTED + 3);
    ck_assert_uint_eq(usage.verdicts[SEALRING_REJECTED_SCOPE], SCOPE);
    ck_assert_uint_eq(usage.verdicts[SEALRING_REJECTED_SUSPENDED], SUSPENDED);
    ck_assert_uint_eq(read_usage(&other).accepted, 3);
}
END_TEST

/* The next verifier takes the file over, and what was counted before stays counted. */
START_TEST(counters_go_on_in_the_next_life)
{
    for (int life = 1; life <= 3; life++) {
        vault = stage_open_manual(&stage);
        ask_times(&key, NULL, 100, SEALRING_ACCEPTED);
        ck_assert_uint_eq(stage_statistics(vault).verdicts[SEALRING_ACCEPTED], 100); /* its own */
        sealring_close(&vault);
        struct usage usage = read_usage(&key);
        ck_assert_uint_eq(usage.files, 1);
        ck_assert_uint_eq(usage.accepted, (uint64_t)life * 100);
        ck_assert_uint_eq(usage.verdicts[SEALRING_ACCEPTED], (uint64_t)life * 100);
    }
}
END_TEST

static int live_and_die(void)
{
    vault = stage_open_manual(&stage);
    ask_times(&key, NULL, 100, SEALRING_ACCEPTED);
    return raise(SIGKILL);
}

START_TEST(counters_of_the_killed_go_on_in_the_next_life)
{
    for (int life = 1; life <= 2; life++) {
        fflush(NULL);
        pid_t child = fork();
        if (child == 0)
            _exit(live_and_die());
        ck_assert_int_eq(stage_child(child), 100 + SIGKILL);
        ck_assert_uint_eq(read_usage(&key).accepted, (uint64_t)life * 100);
        ck_assert_uint_eq(read_usage(&key).files, 1);
    }
}
END_TEST

/* ---- Threads share a counter, and none is lost */

enum { THREADS = 8, PER_THREAD = 100000 };

static pthread_barrier_t all_at_once;

static void *ask_many(void *argument)
{
    *(unsigned *)argument = 0;
    pthread_barrier_wait(&all_at_once);
    for (unsigned i = 0; i < PER_THREAD; i++)
        *(unsigned *)argument +=
            stage_ask(vault, i % 4 == 0 ? other.text : key.text, i % 8 == 1 ? "write" : NULL) != SEALRING_ACCEPTED;
    return NULL;
}

START_TEST(threads_lose_no_count)
{
    pthread_t threads[THREADS];
    unsigned wrong[THREADS];
    vault = stage_open_manual(&stage);
    ck_assert_int_eq(pthread_barrier_init(&all_at_once, NULL, THREADS), 0);
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_many, &wrong[i]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_uint_eq(wrong[i], 0);
    }
    ck_assert_uint_eq(read_usage(&key).accepted, THREADS * PER_THREAD / 4 * 3);
    ck_assert_uint_eq(read_usage(&other).accepted, THREADS * PER_THREAD / 4);
    ck_assert_uint_eq(read_usage(&key).verdicts[SEALRING_ACCEPTED], THREADS * PER_THREAD);
    ck_assert_uint_eq(stage_statistics(vault).verdicts[SEALRING_ACCEPTED], THREADS * PER_THREAD);
}
END_TEST

/* ---- What is closed counts as a use, too: the evidence for retiring (DESIGN, P6). Strangers do not count. */

static bool it_expired(void *context)
{
    (void)context;
    stage_look(vault);
    return stage_ask(vault, expiring.text, NULL) == SEALRING_REJECTED_EXPIRED;
}

START_TEST(every_use_of_an_issued_credential_counts)
{
    vault = stage_open_manual(&stage);
    stage_issue_timed(&stage, STAGE_RING, 0, stage_wall_ms() + 300, &expiring);
    ck_assert(stage_wait(it_expired, NULL));
    struct usage first = read_usage(&expiring); /* also what was asked before it had a counter of its own */
    ask_times(&expiring, NULL, EXPIRED, SEALRING_REJECTED_EXPIRED);
    struct usage expired = read_usage(&expiring);
    ck_assert_uint_eq(expired.expired + expired.version_uncached, first.expired + first.version_uncached + EXPIRED);
    /* revoked: its cache entry is dropped, and there may be no counter of its own any more; the version's has it then */
    ask_times(&key, NULL, 1, SEALRING_ACCEPTED);
    stage_set_state(&stage, key.key_id, SEALRING_KEY_REVOKED);
    stage_look(vault);
    struct usage open = read_usage(&key);
    ask_times(&key, NULL, 5, SEALRING_REJECTED_REVOKED);
    struct usage revoked = read_usage(&key);
    ck_assert_uint_eq(revoked.closed + revoked.version_uncached, open.closed + open.version_uncached + 5);
    /* a stranger's text does not */
    char text[sizeof other.text];
    memcpy(text, other.text, sizeof text);
    text[strlen(text) - 1] ^= 1;
    ask_times(&(struct stage_key){.text = "sr_nonsense"}, NULL, 5, SEALRING_REJECTED_MALFORMED);
    ck_assert_int_ne(stage_ask(vault, text, NULL), SEALRING_ACCEPTED);
    struct usage stranger = read_usage(&other);
    ck_assert_uint_eq(stranger.accepted + stranger.closed, 0);
    ck_assert_uint_eq(stranger.version_uncached, revoked.version_uncached);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("usage");
    TCase *cases = tcase_create("usage");
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, exact_after_kill_9);
    tcase_add_test(cases, counters_go_on_in_the_next_life);
    tcase_add_test(cases, counters_of_the_killed_go_on_in_the_next_life);
    tcase_add_test(cases, threads_lose_no_count);
    tcase_add_test(cases, every_use_of_an_issued_credential_counts);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
