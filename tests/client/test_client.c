/* SPDX-License-Identifier: Apache-2.0 */
/* libsealring-client from within: what it reads of answers, when it asks, which credential is in use, threads and forks. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client/libsealring-client/client_answer.h"
#include "client/libsealring-client/client_parts.h"
#include "client/libsealring-client/client_schedule.h"
#include "client/libsealring-client/client_state.h"
#include "lib/runner.h"
#include "lib/sanitized.h"

static char file[256], state[300];

static void write_file(const char *path, const char *text)
{
    char beside[280];
    (void)snprintf(beside, sizeof beside, "%s.mine", path);
    FILE *stream = fopen(beside, "we");
    ck_assert_ptr_nonnull(stream);
    ck_assert_int_ge(fputs(text, stream), 0);
    ck_assert_int_eq(fclose(stream), 0);
    ck_assert_int_eq(rename(beside, path), 0);
}

static void set_up(void)
{
    (void)snprintf(file, sizeof file, "%s/key.%d", getenv(RUNNER_DIRECTORY), (int)getpid());
    (void)snprintf(state, sizeof state, "%s.state", file);
    write_file(file, "first\n");
}

static sealring_client *open_client(sealring_client_options options)
{
    sealring_client *client = NULL;
    sealring_error error = {.message = ""};
    options.size = sizeof options;
    options.file = file;
    ck_assert_msg(sealring_client_open(&options, &client, &error) == SEALRING_OK, "%s", error.message);
    return client;
}

static void pause_shortly(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

static void wait_for(sealring_client *client, const char *text)
{
    for (int i = 0; i < 12000 && strcmp(sealring_client_credential(client), text) != 0; i++)
        pause_shortly();
    ck_assert_str_eq(sealring_client_credential(client), text);
}

/* ---- Answers ---- */

START_TEST(dates_are_read_strictly)
{
    static const struct {
        const char *text;
        int64_t time; /* 0: not valid */
    } cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777000},
        {"\t Sun, 06 Nov 1994 08:49:37 GMT ", 784111777000},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799000},
        {"Sun, 06 Nov 1994 08:49:37 UTC", 0},
        {"Sun, 6 Nov 1994 08:49:37 GMT", 0},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 0},
        {"Sun Nov  6 08:49:37 1994", 0},
        {"Sun, 31 Feb 1994 08:49:37 GMT", 0},
        {"Sun, 06 nov 1994 08:49:37 GMT", 0},
        {"Sun, 06 Nov 1994 24:00:00 GMT", 0},
        {"Sun, 06 Nov 1994 08-49:37 GMT", 0},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Sun, 06 Nov 1994 08:49:37 GMT, again", 0},
        {"", 0},
        {NULL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t time = -1;
        ck_assert_msg(client_date_parse(cases[i].text, &time) == (cases[i].time != 0), "case %zu", i);
        ck_assert_msg(cases[i].time == 0 || time == cases[i].time, "case %zu: %lld", i, (long long)time);
    }
}
END_TEST

START_TEST(delays_are_limited_to_a_day)
{
    static const struct {
        const char *text;
        int64_t delay; /* -1: not valid */
    } cases[] = {{"0", 0},
                 {"120", 120000},
                 {" 120 ", 120000},
                 {"86401", CLIENT_DELAY_MAX_MS},
                 {"99999999999999999999999999", CLIENT_DELAY_MAX_MS},
                 {"Sun, 06 Nov 1994 08:49:37 GMT", 37000},
                 {"Sun, 06 Nov 1994 08:48:37 GMT", 0},
                 {"Fri, 31 Dec 9999 23:59:59 GMT", CLIENT_DELAY_MAX_MS},
                 {"-1", -1},
                 {"+1", -1},
                 {"1.5", -1},
                 {"1 2", -1},
                 {"", -1},
                 {" ", -1},
                 {"soon", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t delay = -1;
        ck_assert_msg(client_delay_parse(cases[i].text, 784111740000, &delay) == (cases[i].delay >= 0), "case %zu", i);
        ck_assert_msg(delay == cases[i].delay, "case %zu: %lld", i, (long long)delay);
    }
}
END_TEST

START_TEST(an_end_is_a_date_or_never)
{
    int64_t end = -1;
    ck_assert(client_expiry_parse(" never ", &end) && end == 0);
    ck_assert(client_expiry_parse(" Sun, 06 Nov 1994 08:49:37 GMT", &end) && end == 784111777000);
    ck_assert(!client_expiry_parse("Never", &end) && end == 0);
    ck_assert(!client_expiry_parse("", &end));
    ck_assert(!client_expiry_parse("0", &end));
    ck_assert(!client_expiry_parse("never, never", &end));
    ck_assert(!client_expiry_parse(NULL, &end));
}
END_TEST

START_TEST(bodies_are_complete_or_refused)
{
    static const char good[] =
        "{\"credential\": \"a_b\", \"key_id\": \"AAAABBBBCCCCDDDD\", \"version\": 3, \"expires\": "
        "\"2027-01-31T00:00:00Z\", \"predecessor_until\": null, \"more\": [1]}";
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"credential\": \"a b\", \"key_id\": \"A\", \"version\": 3}",
        "{\"credential\": \"a\\u0000b\", \"key_id\": \"A\", \"version\": 3}",
        "{\"credential\": \"\", \"key_id\": \"A\", \"version\": 3}",
        "{\"credential\": 1, \"key_id\": \"A\", \"version\": 3}",
        "{\"credential\": \"a\", \"key_id\": \"AAAABBBBCCCCDDDDE\", \"version\": 3}",
        "{\"credential\": \"a\", \"key_id\": \"A\\nB\", \"version\": 3}",
        "{\"credential\": \"a\", \"key_id\": \"A\", \"version\": 0}",
        "{\"credential\": \"a\", \"key_id\": \"A\", \"version\": 4294967296}",
        "{\"credential\": \"a\", \"key_id\": \"A\", \"version\": \"3\"}",
        "{\"credential\": \"a\", \"credential\": \"b\", \"key_id\": \"A\", \"version\": 3}",
        "{\"credential\": \"a\", \"key_id\": \"A\", \"version\": 3, \"expires\": \"soon\"}",
        "{\"credential\": \"a\", \"key_id\": \"A\", \"version\": 3, \"expires\": 7}",
        "{\"sealed\": \"AA==\", \"credential\": \"a\", \"key_id\": \"A\", \"version\": 3}",
    };
    struct client_renewed renewed;
    ck_assert_ptr_null(client_renewed_parse(good, strlen(good), &renewed));
    ck_assert_str_eq(renewed.credential, "a_b");
    ck_assert_uint_eq(renewed.version, 3);
    ck_assert_int_eq(renewed.expires, 1801353600000);
    ck_assert_int_eq(renewed.predecessor_until, 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(client_renewed_parse(bad[i], strlen(bad[i]), &renewed) != NULL, "body %zu", i);
        ck_assert_msg(renewed.credential[0] == '\0', "body %zu", i);
    }
}
END_TEST

/* ---- When it asks ---- */

START_TEST(delays_have_jitter_and_bounds)
{
    for (uint64_t random = 0; random < 100000; random += 997) {
        int64_t due = client_delay_due(40000, 600000, random);
        ck_assert(due >= 0 && due <= 10000);
        ck_assert_int_eq(client_delay_due(-5, 600000, random), 0);
        ck_assert(client_delay_due(INT64_MAX, 600000, random) <= 600000);
        ck_assert(client_delay_refused(random) <= 1000);
        for (uint32_t failures = 1; failures < 40; failures++) {
            int64_t failed = client_delay_failed(failures, 0, random);
            ck_assert(failed >= 1000 && failed <= 3600000);
            ck_assert(client_delay_failed(failures, CLIENT_DELAY_MAX_MS, random) >= CLIENT_DELAY_MAX_MS);
        }
        ck_assert(client_delay_failed(UINT32_MAX, 0, random) >= 1800000);
        int64_t idle = client_delay_idle(21600000, random);
        ck_assert(idle >= 16200000 && idle <= 21600000);
    }
    ck_assert_int_ne(client_delay_due(INT64_MAX, 600000, 12345), client_delay_due(INT64_MAX, 600000, 54321));
}
END_TEST

/* ---- Which credential is in use ---- */

static void write_predecessor(const char *text)
{
    char json[64];
    (void)snprintf(json, sizeof json, "{\"predecessor\": \"%s\"}", text);
    write_file(state, json);
}

START_TEST(a_refused_successor_falls_back)
{
    write_predecessor("zeroth");
    sealring_client *client = open_client((sealring_client_options){.manual = 1});
    const char *newest = sealring_client_credential(client);
    ck_assert_str_eq(newest, "first");
    sealring_client_response(client, newest, 200, NULL);
    sealring_client_response(client, newest, 403, NULL);
    sealring_client_response(client, newest, 500, NULL);
    ck_assert_ptr_eq(sealring_client_credential(client), newest);
    sealring_client_response(client, newest, 401, NULL);
    const char *previous = sealring_client_credential(client);
    ck_assert_str_eq(previous, "zeroth");
    sealring_client_summary summary = {.size = sizeof summary};
    ck_assert_int_eq(sealring_client_status(client, &summary, NULL), SEALRING_OK);
    ck_assert_int_eq(summary.fell_back, 1);
    /* Late answers to requests with the other one change nothing. */
    sealring_client_response(client, newest, 401, NULL);
    ck_assert_ptr_eq(sealring_client_credential(client), previous);
    /* Both refused: the newest is used, and stays. */
    sealring_client_response(client, previous, 401, NULL);
    ck_assert_ptr_eq(sealring_client_credential(client), newest);
    sealring_client_response(client, newest, 401, NULL);
    ck_assert_ptr_eq(sealring_client_credential(client), newest);
    sealring_client_close(&client);
    ck_assert_ptr_null(client);
}
END_TEST

START_TEST(without_a_predecessor_nothing_changes)
{
    sealring_client *client = open_client((sealring_client_options){.manual = 1});
    const char *newest = sealring_client_credential(client);
    sealring_client_response(client, newest, 401, NULL);
    ck_assert_ptr_eq(sealring_client_credential(client), newest);
    sealring_client_close(&client);
}
END_TEST

START_TEST(a_sunset_is_noted_for_the_present_one_only)
{
    sealring_client *client = open_client((sealring_client_options){.manual = 1});
    sealring_client_summary summary = {.size = sizeof summary};
    sealring_client_response(client, sealring_client_credential(client), 200, "soon");
    sealring_client_response(client, "first", 200, "Sun, 06 Nov 2044 08:49:37 GMT"); /* another pointer */
    ck_assert_int_eq(sealring_client_status(client, &summary, NULL), SEALRING_OK);
    ck_assert_int_eq(summary.due, 0);
    sealring_client_response(client, sealring_client_credential(client), 200, "Sun, 06 Nov 2044 08:49:37 GMT");
    ck_assert_int_eq(sealring_client_status(client, &summary, NULL), SEALRING_OK);
    ck_assert_int_eq(summary.due, 1);
    sealring_client_close(&client);
}
END_TEST

START_TEST(a_replaced_file_keeps_the_predecessor)
{
    sealring_client *client = open_client((sealring_client_options){.manual = 0});
    const char *before = sealring_client_credential(client);
    write_file(file, "second\n");
    wait_for(client, "second");
    ck_assert_str_eq(before, "first"); /* still there */
    sealring_client_response(client, sealring_client_credential(client), 401, NULL);
    ck_assert_ptr_eq(sealring_client_credential(client), before);
    sealring_client_close(&client);
}
END_TEST

/* A server that hands out wrong successors again and again does not take away the one that the service accepts. */
START_TEST(an_accepted_predecessor_is_kept)
{
    sealring_client *client = open_client((sealring_client_options){.manual = 0});
    const char *accepted = sealring_client_credential(client);
    for (int i = 0; i < 3; i++) {
        char wrong_text[32];
        (void)snprintf(wrong_text, sizeof wrong_text, "wrong-%d", i);
        write_file(file, wrong_text);
        wait_for(client, wrong_text);
        sealring_client_response(client, sealring_client_credential(client), 401, NULL);
        ck_assert_ptr_eq(sealring_client_credential(client), accepted);
    }
    write_file(file, "first\n");
    for (int i = 0; i < 12000 && atomic_load(&client->newest) != accepted; i++)
        pause_shortly();
    sealring_client_response(client, accepted, 401, NULL); /* it is not its own predecessor */
    ck_assert_ptr_eq(sealring_client_credential(client), accepted);
    sealring_client_close(&client);
}
END_TEST

START_TEST(a_state_is_read_as_it_was_written)
{
    struct client_state wanted = {.version = 7, .renewed = 1801353600000, .failures = 3}, found;
    size_t length = 0;
    memset(wanted.predecessor, 'p', sizeof wanted.predecessor - 1);
    memset(wanted.last_error, '"', sizeof wanted.last_error - 1); /* twice as long when it is escaped */
    char *text = client_state_text(&wanted, &length);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_lt(length, CLIENT_STATE_SIZE);
    write_file(state, text);
    free(text);
    client_state_read(state, &found);
    ck_assert_mem_eq(&found, &wanted, sizeof found);
}
END_TEST

START_TEST(options_are_checked)
{
    sealring_client *client = NULL;
    sealring_error error;
    sealring_client_options options = {.size = sizeof options};
    ck_assert_int_eq(sealring_client_open(&options, &client, &error), SEALRING_INVALID);
    options.file = file;
    options.environment = "HOME";
    ck_assert_int_eq(sealring_client_open(&options, &client, &error), SEALRING_INVALID);
    options.file = NULL;
    options.environment = "SEALRING_NO_SUCH_VARIABLE";
    ck_assert_int_eq(sealring_client_open(&options, &client, &error), SEALRING_NOT_FOUND);
    ck_assert_int_eq(setenv("SEALRING_NO_SUCH_VARIABLE", "two words", 1), 0);
    ck_assert_int_eq(sealring_client_open(&options, &client, &error), SEALRING_INVALID);
    ck_assert_int_eq(setenv("SEALRING_NO_SUCH_VARIABLE", "word", 1), 0);
    options.url = "unix:/nowhere";
    ck_assert_int_eq(sealring_client_open(&options, &client, &error), SEALRING_OK);
    ck_assert_str_eq(sealring_client_credential(client), "word");
    ck_assert_int_eq(sealring_client_renew(client, 0, &error), SEALRING_CLIENT_WATCHING);
    sealring_client_close(&client);
    options = (sealring_client_options){.size = sizeof options, .file = file, .interval_ms = -1};
    ck_assert_int_eq(sealring_client_open(&options, &client, &error), SEALRING_INVALID);
    options = (sealring_client_options){.size = sizeof options, .systemd_credential = "../key"};
    ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", "/etc", 1), 0);
    ck_assert_int_eq(sealring_client_open(&options, &client, &error), SEALRING_NOT_FOUND);
    ck_assert_ptr_null(client);
    sealring_client_close(&client);
    sealring_client_close(NULL);
}
END_TEST

/* ---- Threads ---- */

static atomic_bool ends;
static atomic_uint wrong;

/* Each text is one that was in the file, and stays so. */
static void *use(void *context)
{
    sealring_client *client = context;
    while (!atomic_load(&ends)) {
        const char *text = sealring_client_credential(client);
        char copy[64];
        (void)snprintf(copy, sizeof copy, "%s", text);
        sealring_client_response(client, text, (text[8] & 1) != 0 ? 401 : 200, "Sun, 06 Nov 2044 08:49:37 GMT");
        if (strncmp(copy, "text-", 5) != 0 || strlen(copy) != 9 || strcmp(copy, text) != 0)
            atomic_fetch_add(&wrong, 1);
    }
    return NULL;
}

START_TEST(many_threads_never_see_a_torn_text)
{
    pthread_t threads[8];
    char text[32];
    write_file(file, "text-0000\n");
    sealring_client *client = open_client((sealring_client_options){.manual = 0});
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, use, client), 0);
    for (int i = 1; i <= 60; i++) {
        (void)snprintf(text, sizeof text, "text-%04d", i);
        write_file(file, text);
        pause_shortly();
    }
    const char *newest = NULL;
    for (int i = 0; i < 12000 && (newest == NULL || strcmp(newest, text) != 0); i++, pause_shortly())
        newest = atomic_load(&client->newest);
    ck_assert_str_eq(newest, text);
    atomic_store(&ends, true);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(atomic_load(&wrong), 0);
    sealring_client_close(&client);
}
END_TEST

/* As during a renewal that takes its time. */
START_TEST(no_call_of_a_request_waits_for_the_lock)
{
    sealring_client *client = open_client((sealring_client_options){.manual = 0});
    struct client_worker *worker = atomic_load(&client->worker);
    ck_assert_int_eq(pthread_mutex_lock(&worker->lock), 0);
    for (int i = 0; i < 1000; i++)
        sealring_client_response(client, sealring_client_credential(client), i % 2 == 0 ? 401 : 200, NULL);
    ck_assert_int_eq(pthread_mutex_unlock(&worker->lock), 0);
    sealring_client_close(&client);
}
END_TEST

/* ---- Forks ---- */

static void expect_child(pid_t child)
{
    int status = -1;
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %x", (unsigned)status);
}

static int child_follows(sealring_client *client)
{
    (void)alarm(120);
    if (strcmp(sealring_client_credential(client), "first") != 0)
        return 2;
    write_file(file, "second\n");
    for (int i = 0; i < 12000 && strcmp(sealring_client_credential(client), "second") != 0; i++)
        pause_shortly();
    bool follows = strcmp(sealring_client_credential(client), "second") == 0;
    sealring_client_close(&client);
    return follows ? 0 : 3;
}

START_TEST(a_child_follows_the_file_by_itself)
{
    sealring_client *client = open_client((sealring_client_options){.manual = 0});
    pid_t child = fork();
    if (child == 0)
        _exit(child_follows(client));
    expect_child(child);
    wait_for(client, "second");
    child = fork(); /* one that never uses it, and closes it */
    if (child == 0) {
        sealring_client_close(&client);
        _exit(client == NULL ? 0 : 1);
    }
    expect_child(child);
    sealring_client_close(&client);
}
END_TEST

static int child_of_a_renewal(sealring_client *client)
{
    sealring_client_summary summary = {.size = sizeof summary};
    sealring_error error;
    (void)alarm(120);
    if (sealring_client_status(client, &summary, &error) != SEALRING_OK || summary.renews != 0 ||
        strstr(summary.reason, "forked") == NULL)
        return 2;
    if (sealring_client_renew(client, 0, &error) != SEALRING_CLIENT_WATCHING)
        return 3;
    return child_follows(client);
}

/* The parent's thread holds its lock and is within libcurl: neither may be waited for in the child. */
START_TEST(a_child_that_was_forked_within_a_renewal_only_watches)
{
    sealring_client *client = open_client((sealring_client_options){.url = "unix:/nowhere", .manual = 0});
    struct client_worker *worker = atomic_load(&client->worker);
    ck_assert_int_eq(pthread_mutex_lock(&worker->lock), 0);
    atomic_store(&client->in_transfer, true);
    sealring_error error;
    ck_assert_int_eq(client_file_lock(file, 0, &worker->file_lock, &error), SEALRING_OK);
    struct stat facts;
    ck_assert_int_eq(fstat(worker->file_lock, &facts), 0);
    worker->lock_device = facts.st_dev;
    worker->lock_inode = facts.st_ino;
    pid_t child = fork();
    if (child == 0)
        _exit(child_of_a_renewal(client));
    expect_child(child);
    client_file_unlock(&worker->file_lock);
    atomic_store(&client->in_transfer, false);
    ck_assert_int_eq(pthread_mutex_unlock(&worker->lock), 0);
    sealring_client_close(&client);
}
END_TEST

static int child_lets_the_lock_go(sealring_client *client, int from, int to)
{
    char byte = 0;
    (void)alarm(120);
    (void)sealring_client_credential(client);
    return write(to, &byte, 1) == 1 && read(from, &byte, 1) == 0 ? 0 : 2;
}

/* A parent that was killed within a renewal leaves no lock behind in a child that uses the client. */
START_TEST(a_child_keeps_no_lock_of_its_parent)
{
    int there[2], back[2], other = -1;
    char byte;
    sealring_error error;
    struct stat facts;
    sealring_client *client = open_client((sealring_client_options){.manual = 1});
    struct client_worker *worker = atomic_load(&client->worker);
    ck_assert_int_eq(pipe2(there, O_CLOEXEC) + pipe2(back, O_CLOEXEC), 0);
    ck_assert_int_eq(client_file_lock(file, 0, &worker->file_lock, &error), SEALRING_OK);
    ck_assert_int_eq(fstat(worker->file_lock, &facts), 0);
    worker->lock_device = facts.st_dev;
    worker->lock_inode = facts.st_ino;
    pid_t child = fork();
    if (child == 0) {
        (void)close(there[1]);
        _exit(child_lets_the_lock_go(client, there[0], back[1]));
    }
    ck_assert_int_eq(read(back[0], &byte, 1), 1);
    ck_assert_int_eq(close(worker->file_lock), 0); /* as its end does */
    worker->file_lock = -1;
    ck_assert_int_eq(client_file_lock(file, 0, &other, &error), SEALRING_OK);
    client_file_unlock(&other);
    ck_assert_int_eq(close(there[1]), 0);
    expect_child(child);
    sealring_client_close(&client);
}
END_TEST

/* A child that does nothing has the lock's descriptor, and keeps nobody from renewing. */
START_TEST(a_child_does_not_prolong_a_lock)
{
    int lock = -1, other = -1, wait_here[2];
    char byte;
    sealring_error error;
    ck_assert_int_eq(pipe2(wait_here, O_CLOEXEC), 0);
    ck_assert_int_eq(client_file_lock(file, 0, &lock, &error), SEALRING_OK);
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(120);
        (void)close(wait_here[1]);
        _exit(read(wait_here[0], &byte, 1) == 0 ? 0 : 1);
    }
    ck_assert_int_eq(client_file_lock(file, 0, &other, &error), SEALRING_WAITING);
    client_file_unlock(&lock);
    ck_assert_int_eq(client_file_lock(file, 0, &other, &error), SEALRING_OK);
    client_file_unlock(&other);
    ck_assert_int_eq(close(wait_here[1]), 0);
    expect_child(child);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client");
    TCase *answers = tcase_create("answers"), *use_case = tcase_create("use"), *forks = tcase_create("forks");
    tcase_add_test(answers, dates_are_read_strictly);
    tcase_add_test(answers, delays_are_limited_to_a_day);
    tcase_add_test(answers, an_end_is_a_date_or_never);
    tcase_add_test(answers, bodies_are_complete_or_refused);
    tcase_add_test(answers, delays_have_jitter_and_bounds);
    tcase_add_checked_fixture(use_case, set_up, NULL);
    tcase_add_test(use_case, a_refused_successor_falls_back);
    tcase_add_test(use_case, without_a_predecessor_nothing_changes);
    tcase_add_test(use_case, a_sunset_is_noted_for_the_present_one_only);
    tcase_add_test(use_case, a_replaced_file_keeps_the_predecessor);
    tcase_add_test(use_case, an_accepted_predecessor_is_kept);
    tcase_add_test(use_case, a_state_is_read_as_it_was_written);
    tcase_add_test(use_case, options_are_checked);
    tcase_add_test(use_case, many_threads_never_see_a_torn_text);
    tcase_add_test(use_case, no_call_of_a_request_waits_for_the_lock);
    tcase_add_checked_fixture(forks, set_up, NULL);
    if (FORKS_AMONG_THREADS) {
        tcase_add_test(forks, a_child_follows_the_file_by_itself);
        tcase_add_test(forks, a_child_that_was_forked_within_a_renewal_only_watches);
        tcase_add_test(forks, a_child_keeps_no_lock_of_its_parent);
        tcase_add_test(forks, a_child_does_not_prolong_a_lock);
    }
    suite_add_tcase(suite, answers);
    suite_add_tcase(suite, use_case);
    suite_add_tcase(suite, forks);
    return run_suite(suite);
}
