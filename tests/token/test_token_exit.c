/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a process: tokens that are closed after the module's own destructors, or not at all, with threads at work. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/runner.h"
#include "lib/test_token.h"
#include "token/session/connection.h"

#define THREADS      4
#define ENDED_WELL   7
#define ENDED_ASKING 8
#define TIMES        3

static struct test_token test;

static void setup(void)
{
    test_token_make(&test);
}

static void teardown(void)
{
    test_token_destroy(&test);
}

/* ---- In a process of its own ---- */

static struct token *late_token, *late_other;
static struct test_token *late_test;
static struct token_key_reference late_key;

/* Registered before the module is loaded, and so called after its destructors. */
static void late_close(void)
{
    token_close(late_token);
    token_close(late_other);
}

static void late_use(void)
{
    uint8_t bytes[16];
    sealring_error error = {.message = "it was done"};
    struct token *token = NULL;
    bool refused = token_random(late_token, bytes, sizeof bytes, &error) == SEALRING_TOKEN &&
                   strstr(error.message, "is ending") != NULL &&
                   token_open(&late_test->config, &token, &error) == SEALRING_TOKEN && token == NULL &&
                   strstr(error.message, "is ending") != NULL;
    token_close(late_token);
    if (!refused)
        _exit(ENDED_ASKING);
}

static void open_late(struct test_token *at, void (*handler)(void))
{
    sealring_error error;
    late_test = at;
    if (handler != NULL)
        atexit(handler);
    if (token_open(&at->config, &late_token, &error) != SEALRING_OK)
        _exit(20);
}

static int ends(struct test_token *at, void *context)
{
    void (*const *handler)(void) = context;
    open_late(at, *handler);
    exit(ENDED_WELL);
}

static int ends_with_two(struct test_token *at, void *context)
{
    sealring_error error;
    (void)context;
    open_late(at, late_close);
    if (token_open(&at->config, &late_other, &error) != SEALRING_OK)
        _exit(20);
    exit(ENDED_WELL);
}

static int ends_after_a_close(struct test_token *at, void *context)
{
    sealring_error error;
    (void)context;
    open_late(at, late_close);
    token_close(late_token);
    late_token = NULL;
    if (token_open(&at->config, &late_token, &error) != SEALRING_OK)
        _exit(20);
    exit(ENDED_WELL);
}

static int ends_behind_the_host(struct test_token *at, void *context)
{
    (void)context;
    open_late(at, late_close);
    late_token->module->functions->C_Finalize(NULL);
    exit(ENDED_WELL);
}

static atomic_uint signed_count;

static void *keep_signing(void *context)
{
    uint8_t mac[TOKEN_HMAC_SIZE];
    (void)context;
    while (token_hmac(late_token, &late_key, (const uint8_t *)"data", 4, mac, NULL, NULL) == SEALRING_OK)
        atomic_fetch_add(&signed_count, 1);
    return NULL;
}

static int ends_under_load(struct test_token *at, void *context)
{
    pthread_t thread;
    sealring_error error;
    (void)context;
    open_late(at, NULL);
    test_token_reference(&late_key, "exit-key");
    if (token_key_generate(late_token, "sealring/exit/1", &late_key, NULL, &error) != SEALRING_OK)
        _exit(21);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&thread, NULL, keep_signing, NULL) != 0)
            _exit(22);
    while (atomic_load(&signed_count) < 4 * THREADS)
        usleep(1000);
    exit(ENDED_WELL);
}

/* A worker of a server whose master had the token open: it ends, and the master goes on. */
static int parent_of_one_that_ends(struct test_token *at, void *context)
{
    const bool *opens = context;
    sealring_error error;
    uint8_t bytes[16];
    int status;
    open_late(at, late_close);
    pid_t child = fork();
    if (child == 0) {
        if (*opens) {
            token_close(late_token);
            late_token = NULL;
            if (token_open(&at->config, &late_token, &error) != SEALRING_OK)
                _exit(23);
        }
        exit(ENDED_WELL);
    }
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != ENDED_WELL)
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 80 + WTERMSIG(status) % 16);
    if (token_random(late_token, bytes, sizeof bytes, &error) != SEALRING_OK)
        _exit(24);
    exit(ENDED_WELL);
}

/* ---- Cases ---- */

START_TEST(a_token_is_closed_after_the_modules_destructors)
{
    void (*handler)(void) = late_close;
    ck_assert_int_eq(test_token_elsewhere(&test, ends, &handler, sizeof handler), ENDED_WELL);
    ck_assert_int_eq(test_token_elsewhere(&test, ends_with_two, NULL, 0), ENDED_WELL);
    ck_assert_int_eq(test_token_elsewhere(&test, ends_after_a_close, NULL, 0), ENDED_WELL);
}
END_TEST

START_TEST(a_token_is_not_closed)
{
    void (*handler)(void) = NULL;
    ck_assert_int_eq(test_token_elsewhere(&test, ends, &handler, sizeof handler), ENDED_WELL);
}
END_TEST

START_TEST(late_use_is_an_error)
{
    void (*handler)(void) = late_use;
    ck_assert_int_eq(test_token_elsewhere(&test, ends, &handler, sizeof handler), ENDED_WELL);
}
END_TEST

START_TEST(the_host_has_finalised_the_module)
{
    ck_assert_int_eq(test_token_elsewhere(&test, ends_behind_the_host, NULL, 0), ENDED_WELL);
}
END_TEST

START_TEST(threads_sign_until_the_end)
{
    for (int i = 0; i < TIMES; i++) {
        ck_assert_int_eq(test_token_elsewhere(&test, ends_under_load, NULL, 0), ENDED_WELL);
        struct token *token = test_token_open(&test);
        struct token_key_reference key;
        test_token_reference(&key, "exit-key");
        ck_assert_int_eq(token_key_destroy(token, key.object_id, key.object_id_length, "sealring/exit/1", NULL, NULL),
                         SEALRING_OK);
        token_close(token);
    }
}
END_TEST

START_TEST(a_forked_child_leaves_its_parents_module_alone)
{
    bool opens = _i == 1;
    ck_assert_int_eq(test_token_elsewhere(&test, parent_of_one_that_ends, &opens, sizeof opens), ENDED_WELL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token exit");
    TCase *cases = tcase_create("exit");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_token_is_closed_after_the_modules_destructors);
    tcase_add_test(cases, a_token_is_not_closed);
    tcase_add_test(cases, late_use_is_an_error);
    tcase_add_test(cases, the_host_has_finalised_the_module);
    tcase_add_test(cases, threads_sign_until_the_end);
    tcase_add_loop_test(cases, a_forked_child_leaves_its_parents_module_alone, 0, 2);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
