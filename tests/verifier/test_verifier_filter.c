/* SPDX-License-Identifier: Apache-2.0 */
/* The filter of key IDs in real servers: strangers cost no statement, and a credential is accepted from when it is handed over (P2). */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "manage/session/manager.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bell/bell.h"
#include "credential/credential_text.h"
#include "lib/runner.h"
#include "lib/test_vault.h"
#include "lifecycle/verifier_liveness.h"
#include "unit/seeded.h"

#define RING     "payments"
#define PREFIX   "pay"
#define CLIENT   "shop"
#define SERVERS  3
#define PATIENCE 30000
#define LEASE_MS 60000

/* A server process. It answers one question at a time, in its main thread. */
struct server {
    pid_t process;
    int line;
};

enum wish { VERIFY, CHILD_VERIFIES, STATISTICS };

struct question {
    enum wish wish;
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
};

struct answer {
    sealring_verdict verdict;
    uint64_t lookups; /* that this verdict cost */
    uint64_t counted; /* this verdict, by the statistics */
    uint64_t looks;
    char reason[256];
};

static struct test_vault vault;
static sealring_manager *manager;
static sealring_error error;
static struct server servers[SERVERS];
static uint64_t seed;

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

/* ---- the servers ---- */

static sealring_statistics statistics_of(sealring_vault *opened)
{
    sealring_statistics statistics = {.size = sizeof statistics};
    sealring_stats(opened, &statistics);
    return statistics;
}

static void verify(sealring_vault *opened, const char *text, struct answer *answer)
{
    sealring_grant grant = {.size = sizeof grant};
    uint64_t before = statistics_of(opened).registry_lookups;
    answer->verdict = sealring_verify(opened, text, strlen(text), NULL, &grant);
    sealring_statistics after = statistics_of(opened);
    answer->lookups = after.registry_lookups - before;
    answer->counted = after.verdicts[answer->verdict];
    answer->looks = after.looks;
    snprintf(answer->reason, sizeof answer->reason, "%s", grant.reason);
}

/* The child closes nothing of its parent's: it only answers. */
static void let_child_verify(sealring_vault *opened, const char *text, struct answer *answer)
{
    int pipes[2];
    if (pipe(pipes) != 0)
        _exit(3);
    pid_t child = fork();
    if (child == 0) {
        verify(opened, text, answer);
        _exit(write(pipes[1], answer, sizeof *answer) != (ssize_t)sizeof *answer);
    }
    if (read(pipes[0], answer, sizeof *answer) != (ssize_t)sizeof *answer || waitpid(child, NULL, 0) != child)
        _exit(4);
    close(pipes[0]);
    close(pipes[1]);
}

static _Noreturn void serve(int line, const sealring_options *options)
{
    struct question question;
    sealring_vault *opened = NULL;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (sealring_open(vault.path, options, &opened, &error) != SEALRING_OK)
        fprintf(stderr, "# %s\n", error.message);
    while (opened != NULL && read(line, &question, sizeof question) == (ssize_t)sizeof question) {
        struct answer answer = {.verdict = SEALRING_UNAVAILABLE};
        if (question.wish == CHILD_VERIFIES)
            let_child_verify(opened, question.text, &answer);
        else if (question.wish == VERIFY)
            verify(opened, question.text, &answer);
        answer.looks = statistics_of(opened).looks;
        if (write(line, &answer, sizeof answer) != (ssize_t)sizeof answer)
            break;
    }
    sealring_close(&opened);
    _exit(0);
}

static void start_with(struct server *server, const sealring_options *options)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    fflush(NULL);
    server->process = fork();
    ck_assert_int_ge(server->process, 0);
    if (server->process == 0) {
        close(pair[0]);
        for (int i = 0; i < SERVERS; i++) /* or the others would not notice the line's end */
            if (servers[i].process > 0)
                close(servers[i].line);
        serve(pair[1], options);
    }
    close(pair[1]);
    server->line = pair[0];
}

static void start(struct server *server)
{
    const sealring_options options = {.size = sizeof options, .no_warming = 1};
    start_with(server, &options);
}

static void put(const struct server *server, enum wish wish, const char *text)
{
    struct question question = {.wish = wish};
    snprintf(question.text, sizeof question.text, "%s", text);
    ck_assert_int_eq(write(server->line, &question, sizeof question), (ssize_t)sizeof question);
}

static struct answer hear(const struct server *server)
{
    struct answer answer;
    ck_assert_int_eq(read(server->line, &answer, sizeof answer), (ssize_t)sizeof answer);
    return answer;
}

static struct answer ask(const struct server *server, const char *text)
{
    put(server, VERIFY, text);
    return hear(server);
}

static void wait_for_polls(const struct server *server, unsigned polls)
{
    put(server, STATISTICS, "");
    uint64_t until = hear(server).looks + polls;
    do {
        pause_ms(5);
        put(server, STATISTICS, "");
    } while (hear(server).looks < until);
}

static void expect_accepted(const struct server *server, const char *text)
{
    struct answer answer = ask(server, text);
    if (answer.verdict != SEALRING_ACCEPTED)
        ck_abort_msg("server %d: %s: %s", (int)(server - servers), sealring_verdict_name(answer.verdict),
                     answer.reason);
}

static void end(struct server *server)
{
    if (server->process == 0)
        return;
    kill(server->process, SIGCONT);
    close(server->line);
    ck_assert_int_eq(waitpid(server->process, NULL, 0), server->process);
    server->process = 0;
}

/* ---- strangers ---- */

/* A new text with a key ID that nobody has. */
static void make_unknown(char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1])
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    char key_id[SEALRING_KEY_ID_LENGTH + 1] = {0};
    uint8_t secret[TEXT_SECRET_SIZE];
    for (size_t i = 0; i < SEALRING_KEY_ID_LENGTH; i++)
        key_id[i] = digits[seeded_next(&seed) % 62];
    seeded_fill(&seed, secret, sizeof secret);
    ck_assert_uint_gt(text_format(PREFIX, key_id, 1, secret, text), 0);
}

static struct answer ask_unknown(const struct server *server)
{
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    make_unknown(text);
    struct answer answer = ask(server, text);
    ck_assert_int_eq(answer.verdict, SEALRING_REJECTED_UNKNOWN);
    ck_assert_str_eq(answer.reason, "no API key has this key ID");
    return answer;
}

/* Twice: one could be a false positive, or the reverse. */
static bool is_on(const struct server *server)
{
    return ask_unknown(server).lookups == 0 && ask_unknown(server).lookups == 0;
}

static void wait_for_filter(const struct server *server, bool on)
{
    int64_t until = now_ms() + PATIENCE;
    while (is_on(server) != on) {
        ck_assert_msg(now_ms() < until, "the filter of server %d did not go %s", (int)(server - servers),
                      on ? "on" : "off");
        pause_ms(5);
    }
}

/* While the server polls so often that a filter would have been switched on, if it ever were. */
static void expect_off_for_polls(const struct server *server, unsigned polls)
{
    uint64_t until = ask_unknown(server).looks + polls;
    unsigned without = 0;
    while (ask_unknown(server).looks < until) {
        without += ask_unknown(server).lookups == 0;
        pause_ms(5);
    }
    ck_assert_uint_eq(without, 0);
}

/* ---- the operator ---- */

static int client_number;

static void issue(sealring_manager *issuer, char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1],
                  char key_id[SEALRING_KEY_ID_LENGTH + 1])
{
    char client[32];
    snprintf(client, sizeof client, CLIENT "-%d", ++client_number);
    test_vault_issue(issuer, RING, client, "read", text, key_id);
}

static void set_up(void)
{
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1], key_id[SEALRING_KEY_ID_LENGTH + 1];
    memset(servers, 0, sizeof servers);
    test_vault_make(&vault);
    manager = test_vault_manage(&vault);
    test_vault_ring(manager, RING, PREFIX, 60000);
    for (int i = 0; i < 5; i++)
        issue(manager, text, key_id);
    test_vault_timing(&vault, LEASE_MS, 100);
    sealring_manager_close(&manager); /* the servers are forked from a process that has loaded no module */
}

static void open_manager(void)
{
    manager = test_vault_manage(&vault);
}

static void start_all(void)
{
    for (int i = 0; i < SERVERS; i++)
        start(&servers[i]);
    open_manager();
    for (int i = 0; i < SERVERS; i++)
        wait_for_filter(&servers[i], true);
}

static void tear_down(void)
{
    for (int i = 0; i < SERVERS; i++)
        end(&servers[i]);
    sealring_manager_close(&manager);
    test_vault_remove(&vault);
}

/* ---- strangers cost no statement ---- */

START_TEST(an_unknown_key_id_costs_no_statement)
{
    enum { ASKED = 3000 };
    start(&servers[0]);
    open_manager();
    wait_for_filter(&servers[0], true);
    uint64_t counted = ask_unknown(&servers[0]).counted;
    unsigned lookups = 0;
    for (unsigned i = 0; i < ASKED; i++) {
        struct answer answer = ask_unknown(&servers[0]);
        ck_assert_uint_eq(answer.counted, counted + i + 1);
        lookups += answer.lookups != 0;
    }
    ck_assert_uint_lt(lookups, ASKED / 10); /* false positives, and a poll that came late */
}
END_TEST

/* ---- what is handed over is accepted ---- */

static unsigned handed_over;

static int ask_all_at_once(const sealring_issued *issued, void *context)
{
    (void)context;
    handed_over++;
    for (int i = 0; i < SERVERS; i++)
        expect_accepted(&servers[i], issued->credential);
    return 0;
}

static void issue_many(unsigned count)
{
    static char labels[2000][16];
    static sealring_issue_request requests[2000];
    static unsigned number;
    for (unsigned i = 0; i < count; i++) {
        snprintf(labels[i], sizeof labels[i], "k%u", ++number);
        requests[i] = (sealring_issue_request){.client = CLIENT, .label = labels[i], .scopes = "read write"};
    }
    ASSERT_OK(
        sealring_issue(manager, RING, requests, count, SEALRING_ISSUE_ADD_CLIENTS, ask_all_at_once, NULL, NULL, &error),
        error);
}

static int median_of(int64_t *delays, unsigned count)
{
    for (unsigned i = 1; i < count; i++)
        for (unsigned j = i; j > 0 && delays[j - 1] > delays[j]; j--) {
            int64_t larger = delays[j - 1];
            delays[j - 1] = delays[j];
            delays[j] = larger;
        }
    return (int)delays[count / 2];
}

/* Single ones, and batches, whose keys are presented in the very callback that hands them over. */
START_TEST(a_credential_is_accepted_from_when_it_is_handed_over)
{
    enum { SINGLE = 60 };
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1], key_id[SEALRING_KEY_ID_LENGTH + 1];
    int64_t delays[SINGLE];
    unsigned on = 0;
    open_manager();
    for (int i = 0; i < SINGLE / 2; i++) {
        int64_t began = now_ms();
        issue(manager, text, key_id);
        delays[i] = now_ms() - began;
    }
    int alone = median_of(delays, SINGLE / 2);
    sealring_manager_close(&manager);
    start_all();
    for (int i = 0; i < SINGLE; i++) {
        int64_t began = now_ms();
        issue(manager, text, key_id);
        delays[i] = now_ms() - began;
        for (int s = 0; s < SERVERS; s++)
            expect_accepted(&servers[s], text);
        on += is_on(&servers[i % SERVERS]);
    }
    ck_assert_uint_ge(on, SINGLE / 2); /* the filters were in use, or this would prove nothing */
    printf("# figure: issue-beside-filters %d ms, without verifiers %d ms\n", median_of(delays, SINGLE), alone);
    for (unsigned i = 0; i < 2; i++)
        issue_many(1000);
    ck_assert_uint_eq(handed_over, 2000);
    for (int s = 0; s < SERVERS; s++)
        wait_for_filter(&servers[s], true);
}
END_TEST

/* Credentials of keys whose row is a moment old, and was committed by a process that did not wait. */
START_TEST(successors_are_accepted_from_when_they_are_handed_over)
{
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1], key_id[SEALRING_KEY_ID_LENGTH + 1];
    struct test_handed handed;
    start_all();
    sealring_manager *hasty = test_vault_manage(&vault);
    snprintf(hasty->config->verifiers, sizeof hasty->config->verifiers, "%s/nobody", vault.path);
    for (int i = 0; i < 20; i++) {
        const sealring_rekey_request rekey = {.size = sizeof rekey, .overlap = 60000};
        memset(&handed, 0, sizeof handed);
        issue(hasty, text, key_id);
        if (i % 2 == 0)
            ASSERT_OK(sealring_reissue(manager, key_id, test_vault_take, &handed, &error), error);
        else
            ASSERT_OK(sealring_rekey(manager, key_id, &rekey, test_vault_take, &handed, &error), error);
        for (int s = 0; s < SERVERS; s++) {
            expect_accepted(&servers[s], handed.text);
            expect_accepted(&servers[s], text);
        }
    }
    sealring_manager_close(&hasty);
}
END_TEST

/* ---- a server that was stopped ---- */

/* The ways to hand a credential over. `key_id`: of a key that was committed a moment ago, by a process that did not wait. */
static void hand_over_new(const char *key_id, struct test_handed *handed)
{
    (void)key_id;
    issue(manager, handed->text, handed->key_id);
}

static void hand_over_reissued(const char *key_id, struct test_handed *handed)
{
    ASSERT_OK(sealring_reissue(manager, key_id, test_vault_take, handed, &error), error);
}

static void hand_over_rekeyed(const char *key_id, struct test_handed *handed)
{
    const sealring_rekey_request rekey = {.size = sizeof rekey, .overlap = 60000};
    ASSERT_OK(sealring_rekey(manager, key_id, &rekey, test_vault_take, handed, &error), error);
}

/* A list that is issued again, as after a crash between commit and hand-over: nothing is written. */
static void hand_over_again(const char *key_id, struct test_handed *handed)
{
    char client[32];
    (void)key_id;
    snprintf(client, sizeof client, CLIENT "-%d", client_number);
    const sealring_issue_request request = {.client = client, .scopes = "read"};
    ASSERT_OK(
        sealring_issue(manager, RING, &request, 1, SEALRING_ISSUE_ADD_CLIENTS, test_vault_take, handed, NULL, &error),
        error);
    ck_assert(handed->existed);
}

static void (*const ways[])(const char *key_id, struct test_handed *handed) = {hand_over_new, hand_over_reissued,
                                                                               hand_over_rekeyed, hand_over_again};

/* Its filter is old when it wakes, and the first request comes before its first poll: no answer may come from that filter. */
START_TEST(a_stopped_server_wakes_without_its_filter)
{
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1], key_id[SEALRING_KEY_ID_LENGTH + 1];
    start_all();
    sealring_manager *hasty = test_vault_manage(&vault);
    snprintf(hasty->config->verifiers, sizeof hasty->config->verifiers, "%s/nobody", vault.path);
    for (int i = 0; i < 2; i++) {
        struct test_handed handed = {.text = ""};
        ck_assert_int_eq(kill(servers[0].process, SIGSTOP), 0);
        issue(hasty, text, key_id);
        int64_t began = now_ms();
        ways[_i](key_id, &handed);
        int64_t took = now_ms() - began;
        ck_assert_int_lt(took, 5 * watch_silence(WATCH_FILTER_MS)); /* not for its lease of a minute */
        if (i == 0)
            ck_assert_int_ge(took,
                             WATCH_FILTER_MS); /* it was on: nothing but time shows that it is not used any more */
        put(&servers[0], VERIFY, handed.text);
        ck_assert_int_eq(kill(servers[0].process, SIGCONT), 0);
        struct answer answer = hear(&servers[0]);
        ck_assert_msg(answer.verdict == SEALRING_ACCEPTED, "%s: %s", sealring_verdict_name(answer.verdict),
                      answer.reason);
        expect_accepted(&servers[1], handed.text);
        wait_for_filter(&servers[0], true);
    }
    sealring_manager_close(&hasty);
}
END_TEST

/* A second credential, while it is still stopped: this process has measured its silence already, and does not wait again. */
START_TEST(silence_is_measured_once)
{
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1], key_id[SEALRING_KEY_ID_LENGTH + 1];
    start_all();
    ck_assert_int_eq(kill(servers[0].process, SIGSTOP), 0);
    issue(manager, text, key_id);
    int64_t began = now_ms();
    issue(manager, text, key_id);
    ck_assert_int_lt(now_ms() - began, watch_silence(WATCH_FILTER_MS));
}
END_TEST

/* Nobody waits for a server that has ended, however its report was left. */
START_TEST(a_killed_server_is_not_waited_for)
{
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1], key_id[SEALRING_KEY_ID_LENGTH + 1];
    start_all();
    ck_assert_int_eq(kill(servers[0].process, SIGKILL), 0);
    ck_assert_int_eq(waitpid(servers[0].process, NULL, 0), servers[0].process);
    servers[0].process = 0;
    int64_t began = now_ms();
    issue(manager, text, key_id);
    ck_assert_int_lt(now_ms() - began, WATCH_FILTER_MS);
    expect_accepted(&servers[1], text);
}
END_TEST

/* ---- where there is no filter ---- */

static void replace_by_directory(const char *name)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", vault.path, name);
    unlink(path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

START_TEST(without_a_bell_there_is_no_filter)
{
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1], key_id[SEALRING_KEY_ID_LENGTH + 1];
    replace_by_directory("vault.bell");
    start(&servers[0]);
    open_manager();
    expect_off_for_polls(&servers[0], 20);
    issue(manager, text, key_id);
    expect_accepted(&servers[0], text);
}
END_TEST

/* The operator's side waits without it: it polls the reports. */
START_TEST(without_the_reports_bell_nothing_is_rejected)
{
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1], key_id[SEALRING_KEY_ID_LENGTH + 1];
    replace_by_directory("verifiers/reports.bell");
    start_all();
    for (int i = 0; i < 10; i++) {
        issue(manager, text, key_id);
        for (int s = 0; s < SERVERS; s++)
            expect_accepted(&servers[s], text);
    }
}
END_TEST

/* The operator rings a file that is not the servers' (another layer of an overlay), or rings nothing (it may not write). The first hand-over
 * takes until the next poll, and then the servers know. */
START_TEST(a_bell_that_nobody_hears_switches_filters_off)
{
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1], key_id[SEALRING_KEY_ID_LENGTH + 1];
    start_all();
    snprintf(manager->config->bell, sizeof manager->config->bell, "%s/another.bell", vault.path);
    issue(manager, text, key_id);
    for (int s = 0; s < SERVERS; s++)
        expect_accepted(&servers[s], text);
    for (int s = 0; s < SERVERS; s++)
        wait_for_filter(&servers[s], false);
    for (int s = 0; s < SERVERS; s++)
        expect_off_for_polls(&servers[s], 10);
    issue(manager, text, key_id);
    for (int s = 0; s < SERVERS; s++)
        expect_accepted(&servers[s], text);
    snprintf(manager->config->bell, sizeof manager->config->bell, "%s/vault.bell", vault.path);
    issue(manager, text, key_id);
    for (int s = 0; s < SERVERS; s++)
        expect_accepted(&servers[s], text);
    for (int s = 0; s < SERVERS; s++)
        wait_for_filter(&servers[s], true);
}
END_TEST

START_TEST(without_threads_there_is_no_filter)
{
    const sealring_options options = {.size = sizeof options, .no_warming = 1, .manual_maintenance = 1};
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1], key_id[SEALRING_KEY_ID_LENGTH + 1];
    start_with(&servers[0], &options);
    open_manager();
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(ask_unknown(&servers[0]).lookups, 1);
    int64_t began = now_ms();
    issue(manager, text, key_id);
    ck_assert_int_lt(now_ms() - began, WATCH_FILTER_MS); /* nobody waits for one who polls when it likes */
    expect_accepted(&servers[0], text);
}
END_TEST

/* A child answers by its own filter only, which it has not built yet. */
START_TEST(a_child_does_not_inherit_the_filter)
{
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1], key_id[SEALRING_KEY_ID_LENGTH + 1];
    start_all();
    for (int i = 0; i < 10; i++) {
        make_unknown(text);
        put(&servers[0], CHILD_VERIFIES, text);
        struct answer answer = hear(&servers[0]);
        ck_assert_int_eq(answer.verdict, SEALRING_REJECTED_UNKNOWN);
        ck_assert_uint_eq(answer.lookups, 1);
        issue(manager, text, key_id);
        put(&servers[0], CHILD_VERIFIES, text);
        answer = hear(&servers[0]);
        ck_assert_int_eq(answer.verdict, SEALRING_ACCEPTED);
    }
}
END_TEST

/* An imported key may have any form, also that of another vault's credential. */
START_TEST(with_imported_keys_the_registry_is_asked)
{
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    uint8_t digest[TEXT_DIGEST_SIZE];
    struct test_handed handed = {.text = ""};
    make_unknown(text);
    start_all();
    ck_assert(text_digest(text, strlen(text), digest));
    const sealring_issue_request request = {
        .client = CLIENT, .label = "imported", .scopes = "read", .expires = INT64_C(4102444800000), .sha256 = digest};
    ASSERT_OK(
        sealring_import(manager, RING, &request, 1, SEALRING_ISSUE_ADD_CLIENTS, test_vault_take, &handed, NULL, &error),
        error);
    for (int s = 0; s < SERVERS; s++) {
        int64_t until = now_ms() + PATIENCE; /* the first import is known after the next poll */
        while (ask(&servers[s], text).verdict != SEALRING_ACCEPTED)
            ck_assert_int_lt(now_ms(), until);
        expect_off_for_polls(&servers[s], 3);
    }
}
END_TEST

/* ---- fences ---- */

/* Another era, whose registry has a key that was not there when the filter was built, below the rows that polls have read: as a restore does. */
START_TEST(after_a_fence_all_keys_are_read_again)
{
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1], key_id[SEALRING_KEY_ID_LENGTH + 1];
    char later[SEALRING_CREDENTIAL_LENGTH_MAX + 1], later_id[SEALRING_KEY_ID_LENGTH + 1], sql[512];
    open_manager();
    issue(manager, text, key_id);
    issue(manager, later, later_id);
    snprintf(sql, sizeof sql, "UPDATE api_key SET key_id = 'hiddenhiddenhidd' WHERE key_id = '%s'", key_id);
    test_vault_attack(&vault, sql);
    sealring_manager_close(&manager);
    start(&servers[0]);
    wait_for_filter(&servers[0], true);
    ck_assert_int_eq(ask(&servers[0], text).verdict, SEALRING_REJECTED_UNKNOWN);
    snprintf(sql, sizeof sql,
             "UPDATE api_key SET key_id = '%s' WHERE key_id = 'hiddenhiddenhidd';"
             "UPDATE vault SET era = randomblob(16), epoch = epoch + 1",
             key_id);
    test_vault_attack(&vault, sql);
    wait_for_polls(&servers[0], 3); /* nobody rings: meanwhile it is not known yet, with a filter or without */
    expect_accepted(&servers[0], later);
    snprintf(sql, sizeof sql, "%s/vault.bell", vault.path);
    ck_assert(bell_ring(sql));
    wait_for_filter(&servers[0], true);
    expect_accepted(&servers[0], text);
}
END_TEST

/* Its report file is removed, so it takes another one: nothing that was announced in the first holds for that. */
START_TEST(a_removed_report_withdraws_the_filter)
{
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1], key_id[SEALRING_KEY_ID_LENGTH + 1], command[256];
    start_all();
    for (int i = 0; i < 3; i++) {
        snprintf(command, sizeof command, "rm -f '%s'/verifiers/*.report", vault.path);
        ck_assert_int_eq(system(command), 0);
        wait_for_filter(&servers[0], false); /* until its new report has announced it, and another poll came */
        issue(manager, text, key_id);
        expect_accepted(&servers[0], text);
        wait_for_filter(&servers[0], true);
    }
}
END_TEST

static TCase *add_cases(Suite *suite, const char *name)
{
    TCase *cases = tcase_create(name);
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    suite_add_tcase(suite, cases);
    return cases;
}

/* CK_RUN_CASE=stopped runs one group. */
int main(void)
{
    seed = seeded_choose();
    Suite *suite = suite_create("filter");
    TCase *cases = add_cases(suite, "strangers");
    tcase_add_test(cases, an_unknown_key_id_costs_no_statement);
    cases = add_cases(suite, "handed");
    tcase_add_test(cases, a_credential_is_accepted_from_when_it_is_handed_over);
    tcase_add_test(cases, successors_are_accepted_from_when_they_are_handed_over);
    tcase_add_test(cases, a_killed_server_is_not_waited_for);
    cases = add_cases(suite, "stopped");
    tcase_add_loop_test(cases, a_stopped_server_wakes_without_its_filter, 0, sizeof ways / sizeof ways[0]);
    tcase_add_test(cases, silence_is_measured_once);
    cases = add_cases(suite, "bells");
    tcase_add_test(cases, without_a_bell_there_is_no_filter);
    tcase_add_test(cases, without_the_reports_bell_nothing_is_rejected);
    tcase_add_test(cases, a_bell_that_nobody_hears_switches_filters_off);
    cases = add_cases(suite, "without");
    tcase_add_test(cases, without_threads_there_is_no_filter);
    tcase_add_test(cases, a_child_does_not_inherit_the_filter);
    tcase_add_test(cases, with_imported_keys_the_registry_is_asked);
    cases = add_cases(suite, "fences");
    tcase_add_test(cases, after_a_fence_all_keys_are_read_again);
    tcase_add_test(cases, a_removed_report_withdraws_the_filter);
    return run_suite(suite);
}
