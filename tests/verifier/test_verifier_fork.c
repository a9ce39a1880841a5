/* SPDX-License-Identifier: Apache-2.0 */
/* Forks at every moment: each child is a verifier of its own from its first question on, and its parent notices nothing. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/runner.h"
#include "verifier/report/report.h"
#include "verifier/stage.h"

#define KEYS       64
#define PATIENCE_S 60 /* a child that hangs is killed by SIGALRM */

static struct stage stage;
static struct stage_key key;
static sealring_vault *vault;

static void setup(void)
{
    stage_make(&stage, 0, 50);
    stage_issue(&stage, STAGE_RING, "read write", &key);
    stage_issue_many(&stage, STAGE_RING, KEYS);
}

static void teardown(void)
{
    sealring_close(&vault);
    stage_remove(&stage);
}

/* Threads at work: where those and forks do not go together (lib/sanitized.h) it is manual in any case. */
static void open_it(bool manual)
{
    vault = manual || !FORKS_AMONG_THREADS ? stage_open_manual(&stage) : stage_open(&stage);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
}

/* What a child does: exit status 0 if all is as it should be. `key` was cached by its parent, `fresh` may be new. */
static int serve(const char *fresh, bool close)
{
    sealring_statistics none = {.size = sizeof none};
    sealring_statistics statistics = stage_statistics(vault);
    alarm(PATIENCE_S);
    if (memcmp(&statistics, &none, sizeof none) != 0)
        return 2; /* it has not joined yet */
    if (stage_ask(vault, key.text, "read") != SEALRING_ACCEPTED)
        return 3;
    if (stage_ask(vault, fresh, NULL) != SEALRING_ACCEPTED)
        return 4;
    if (stage_ask(vault, key.text, "admin") != SEALRING_REJECTED_SCOPE)
        return 5;
    statistics = stage_statistics(vault);
    if (statistics.token_operations != 2 || statistics.verdicts[SEALRING_ACCEPTED] != 2 || statistics.cached != 1)
        return 6; /* nothing is inherited */
    if (close)
        sealring_close(&vault);
    return 0;
}

static pid_t fork_and_serve(unsigned number)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(serve(stage.keys[number % KEYS].text, number % 2 == 0));
    ck_assert_int_gt(child, 0);
    return child;
}

/* ---- Parent and child */

START_TEST(child_and_parent_verify)
{
    open_it(_i % 2 == 0);
    sealring_statistics before = stage_statistics(vault);
    unsigned threads = stage_threads();
    for (unsigned i = 0; i < 4; i++)
        ck_assert_int_eq(stage_child(fork_and_serve(i)), 0);
    sealring_statistics after = stage_statistics(vault);
    ck_assert_mem_eq(after.verdicts, before.verdicts, sizeof before.verdicts);
    ck_assert_uint_eq(after.token_operations, before.token_operations);
    ck_assert_uint_eq(after.credentials, before.credentials);
    ck_assert_uint_eq(stage_threads(), threads);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    ck_assert_uint_eq(stage_statistics(vault).cached, before.cached + 1);
    stage_expect(vault, stage.keys[0].text, SEALRING_ACCEPTED);
}
END_TEST

START_TEST(a_child_that_only_closes)
{
    open_it(_i % 2 == 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(PATIENCE_S);
        sealring_close(&vault);
        _exit(vault == NULL ? 0 : 1);
    }
    ck_assert_int_eq(stage_child(child), 0);
    stage_look(vault);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    stage_expect(vault, stage.keys[0].text, SEALRING_ACCEPTED);
}
END_TEST

/* The child of a manual verifier joins by maintaining, too. */
START_TEST(a_child_that_maintains_first)
{
    open_it(true);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(PATIENCE_S);
        if (sealring_maintain(vault, NULL, NULL) != SEALRING_OK || stage_statistics(vault).looks == 0)
            _exit(1);
        _exit(stage_ask(vault, key.text, NULL) == SEALRING_ACCEPTED ? 0 : 2);
    }
    ck_assert_int_eq(stage_child(child), 0);
}
END_TEST

START_TEST(a_grandchild)
{
    open_it(_i % 2 == 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        int status = 0;
        if (_i < 2 && serve(stage.keys[0].text, false) != 0)
            _exit(1); /* from 2 on the middle one never uses it */
        pid_t grandchild = fork();
        if (grandchild == 0)
            _exit(serve(stage.keys[1].text, true));
        if (waitpid(grandchild, &status, 0) != grandchild || status != 0)
            _exit(2);
        _exit(stage_ask(vault, key.text, NULL) == SEALRING_ACCEPTED ? 0 : 3);
    }
    ck_assert_int_eq(stage_child(child), 0);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
}
END_TEST

/* A child keeps itself fresh by a thread of its own. */
START_TEST(a_child_sees_a_revocation_by_itself)
{
    int ready[2];
    char byte;
    open_it(false);
    ck_assert_int_eq(pipe(ready), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(PATIENCE_S);
        if (stage_ask(vault, key.text, NULL) != SEALRING_ACCEPTED || write(ready[1], "", 1) != 1)
            _exit(1);
        while (stage_ask(vault, key.text, NULL) == SEALRING_ACCEPTED)
            usleep(1000);
        _exit(stage_ask(vault, key.text, NULL) == SEALRING_REJECTED_REVOKED ? 0 : 2);
    }
    close(ready[1]); /* so that its death ends what is read */
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    stage_set_state(&stage, key.key_id, SEALRING_KEY_REVOKED);
    ck_assert_int_eq(stage_child(child), 0);
}
END_TEST

/* A raw clone runs no handlers. No other thread is inside: maintenance is manual. */
START_TEST(a_raw_clone)
{
    open_it(true);
    for (int i = 0; i < 5; i++) {
        fflush(NULL);
        pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        if (child == 0)
            _exit(serve(stage.keys[i].text, i % 2 == 0));
        ck_assert_int_eq(stage_child(child), 0);
        stage_expect(vault, key.text, SEALRING_ACCEPTED);
    }
}
END_TEST

/* ---- Many lives */

START_TEST(prefork_workers_come_and_go)
{
    enum { WORKERS = 16 };
    pid_t workers[WORKERS] = {0};
    const unsigned lives = stage_times(1000, 10000);
    unsigned begun = 0, ended = 0;
    open_it(false);
    sealring_statistics before = stage_statistics(vault);
    unsigned descriptors = stage_descriptors();
    while (ended < lives)
        for (unsigned i = 0; i < WORKERS; i++) {
            if (workers[i] != 0) {
                int status = stage_child(workers[i]);
                ck_assert_msg(status == 0, "life %u ended with %d", ended, status);
                workers[i] = 0;
                ended++;
            }
            if (begun < lives)
                workers[i] = fork_and_serve(begun++);
        }
    ck_assert_uint_eq(stage_statistics(vault).token_operations, before.token_operations);
    ck_assert_uint_eq(stage_descriptors(), descriptors);
    ck_assert_uint_le(stage_reports(&stage), lives / 2 + WORKERS + 1); /* who closed left its file to others */
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    stage_expect(vault, stage.keys[0].text, SEALRING_ACCEPTED);
}
END_TEST

/* ---- Among threads */

struct asker {
    pthread_t thread;
    unsigned from;
    unsigned asked;
    unsigned wrong;
};

static atomic_bool stop;

/* With a cache of one entry nearly every question is a first sight: registry and token all the time. */
static void *ask_for_first_sights(void *argument)
{
    struct asker *asker = argument;
    while (!atomic_load(&stop)) {
        asker->wrong +=
            stage_ask(vault, stage.keys[(asker->from + asker->asked) % KEYS].text, NULL) != SEALRING_ACCEPTED;
        asker->asked++;
    }
    return NULL;
}

START_TEST(fork_while_others_are_at_the_token)
{
    sealring_options options = {.size = sizeof options, .no_warming = 1, .cache_max = 1};
    struct asker askers[2] = {{.from = 0}, {.from = KEYS / 2}};
    const unsigned forks = stage_times(60, 2000);
    unsigned failed = 0;
    int first = 0;
    vault = stage_open_with(&stage, &options);
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&askers[i].thread, NULL, ask_for_first_sights, &askers[i]), 0);
    for (unsigned i = 0; i < forks; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(PATIENCE_S);
            if (stage_ask(vault, stage.keys[i % KEYS].text, NULL) != SEALRING_ACCEPTED)
                _exit(1);
            _exit(stage_ask(vault, stage.keys[(i + 1) % KEYS].text, NULL) == SEALRING_ACCEPTED ? 0 : 2);
        }
        int status = stage_child(child);
        if (status != 0 && failed++ == 0)
            first = status;
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_join(askers[i].thread, NULL), 0);
        ck_assert_uint_gt(askers[i].asked, 0);
        ck_assert_uint_eq(askers[i].wrong, 0);
    }
    ck_assert_msg(failed == 0, "%u of %u children failed, the first with %d", failed, forks, first);
}
END_TEST

static void *ask_once(void *argument)
{
    *(sealring_verdict *)argument = stage_ask(vault, stage.keys[1].text, NULL);
    return NULL;
}

static bool a_call_waits(void *context)
{
    return atomic_load(&stage.counting->sign) > *(uint64_t *)context;
}

/* The call takes its time: the fork waits for it, or goes on without it; the child finds a working token either way. */
START_TEST(fork_during_a_long_token_call)
{
    pthread_t thread;
    sealring_verdict verdict = SEALRING_UNDECIDED;
    open_it(true);
    uint64_t sign = stage.counting->sign;
    atomic_store(&stage.counting->delay_ms, 400); /* in this process only */
    ck_assert_int_eq(pthread_create(&thread, NULL, ask_once, &verdict), 0);
    ck_assert(stage_wait(a_call_waits, &sign));
    pid_t child = fork_and_serve(2);
    ck_assert_int_eq(stage_child(child), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(verdict, SEALRING_ACCEPTED);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
}
END_TEST

/* ---- Inside the log's callback */

enum in_callback { CHILD_SERVES_AND_ENDS, CHILD_RETURNS };

struct forking_log {
    enum in_callback how;
    atomic_int child; /* 0: not forked yet */
    atomic_int status;
};

static void fork_in_callback(sealring_log_level level, const char *message, void *context)
{
    struct forking_log *log = context;
    (void)level;
    (void)message;
    if (atomic_load(&log->child) != 0)
        return;
    atomic_store(&log->child, -1);
    pid_t child = fork();
    if (child == 0 && log->how == CHILD_SERVES_AND_ENDS)
        _exit(serve(stage.keys[3].text, false));
    if (child == 0)
        return;
    atomic_store(&log->child, child);
    if (log->how == CHILD_SERVES_AND_ENDS)
        atomic_store(&log->status, stage_child(child));
}

/* Something worth a message happens. */
static void cause_a_message(void)
{
    test_vault_sql(&stage.vault, "UPDATE vault SET era = randomblob(16)");
}

static bool it_forked(void *context)
{
    return atomic_load(&((struct forking_log *)context)->child) > 0;
}

static bool it_forked_and_ended(void *context)
{
    return atomic_load(&((struct forking_log *)context)->status) >= 0;
}

START_TEST(fork_in_the_callback_of_maintain)
{
    struct forking_log log = {.how = CHILD_SERVES_AND_ENDS, .status = -1};
    open_it(true);
    stage_look(vault);
    sealring_set_log(vault, fork_in_callback, &log);
    cause_a_message();
    stage_look(vault);
    ck_assert_int_eq(atomic_load(&log.status), 0);
    stage_look(vault);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
}
END_TEST

START_TEST(fork_in_the_callback_of_maintain_that_returns)
{
    struct forking_log log = {.how = CHILD_RETURNS};
    pid_t parent = getpid();
    open_it(true);
    stage_look(vault);
    sealring_set_log(vault, fork_in_callback, &log);
    cause_a_message();
    fflush(NULL);
    (void)sealring_maintain(vault, NULL, NULL);
    if (getpid() != parent) { /* a child that comes out of sealring_maintain */
        int status = serve(stage.keys[4].text, false);
        if (status == 0 && sealring_maintain(vault, NULL, NULL) != SEALRING_OK)
            status = 7;
        sealring_close(&vault);
        _exit(status);
    }
    ck_assert_int_eq(stage_child(atomic_load(&log.child)), 0);
    stage_look(vault);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
}
END_TEST

START_TEST(fork_in_the_callback_of_the_thread)
{
    struct forking_log log = {.how = CHILD_SERVES_AND_ENDS, .status = -1};
    open_it(false);
    sealring_set_log(vault, fork_in_callback, &log);
    cause_a_message();
    ck_assert(stage_wait(it_forked_and_ended, &log));
    ck_assert_int_eq(atomic_load(&log.status), 0);
    stage_look(vault);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
}
END_TEST

/* In the child the thread that forked is the only one; when it returns from the callback it ends, and with it the process. */
START_TEST(fork_in_the_callback_of_the_thread_that_returns)
{
    struct forking_log log = {.how = CHILD_RETURNS};
    open_it(false);
    fflush(NULL);
    sealring_set_log(vault, fork_in_callback, &log);
    cause_a_message();
    ck_assert(stage_wait(it_forked, &log));
    int status = stage_child(atomic_load(&log.child));
    ck_assert_int_eq(status, 0);
    stage_look(vault);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
}
END_TEST

/* ---- Reports: one for each, and the parent's is its own. */

struct reports {
    unsigned count;
    unsigned of_parent;
    struct report_summary parent;
};

static sealring_status note_report(const char *path, void *context)
{
    struct reports *reports = context;
    struct report_reader *reader = NULL;
    struct report_summary summary;
    sealring_error error;
    ASSERT_OK(report_read_open(path, &reader, &error), error);
    ASSERT_OK(report_read_summary(reader, &summary, &error), error);
    report_read_close(reader);
    reports->count++;
    if (summary.process == getpid()) {
        reports->of_parent++;
        reports->parent = summary;
    }
    return SEALRING_OK;
}

static struct reports read_reports(void)
{
    char path[128];
    sealring_error error;
    struct reports reports = {.count = 0};
    snprintf(path, sizeof path, "%s/verifiers", stage.vault.path);
    ASSERT_OK(report_each_path(path, note_report, &reports, &error), error);
    return reports;
}

START_TEST(the_parents_report_is_its_own)
{
    open_it(true);
    struct reports before = read_reports();
    ck_assert_uint_eq(before.of_parent, 1);
    ck_assert_uint_eq(before.count, 1);
    ck_assert_int_eq(stage_child(fork_and_serve(1)), 0); /* does not close */
    struct reports after = read_reports();
    ck_assert_uint_eq(after.count, 2);
    ck_assert_uint_eq(after.of_parent, 1);
    ck_assert_mem_eq(after.parent.instance, before.parent.instance, sizeof before.parent.instance);
    ck_assert_mem_eq(after.parent.seat, before.parent.seat, sizeof before.parent.seat);
    ck_assert_mem_eq(after.parent.verdicts, before.parent.verdicts, sizeof before.parent.verdicts);
    ck_assert_uint_eq(after.parent.number, before.parent.number);
    ck_assert_uint_eq(after.parent.state, REPORT_SERVING);
    stage_look(vault);
    ck_assert_uint_eq(read_reports().parent.number, before.parent.number + 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fork");
    TCase *cases = tcase_create("fork");
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, child_and_parent_verify, 0, 2);
    tcase_add_loop_test(cases, a_child_that_only_closes, 0, 2);
    tcase_add_test(cases, a_child_that_maintains_first);
    tcase_add_loop_test(cases, a_grandchild, 0, 4);
    tcase_add_test(cases, a_raw_clone);
    tcase_add_test(cases, fork_in_the_callback_of_maintain);
    tcase_add_test(cases, fork_in_the_callback_of_maintain_that_returns);
    tcase_add_test(cases, the_parents_report_is_its_own);
    if (FORKS_AMONG_THREADS) {
        tcase_add_test(cases, a_child_sees_a_revocation_by_itself);
        tcase_add_test(cases, prefork_workers_come_and_go);
        tcase_add_test(cases, fork_while_others_are_at_the_token);
        tcase_add_test(cases, fork_during_a_long_token_call);
        tcase_add_test(cases, fork_in_the_callback_of_the_thread);
        tcase_add_test(cases, fork_in_the_callback_of_the_thread_that_returns);
    }
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
