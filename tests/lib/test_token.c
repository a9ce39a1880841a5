/* SPDX-License-Identifier: Apache-2.0 */
/* A fresh token of one's own for each test, and fresh processes that look at it from outside. */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "lib/test_token.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/runner.h"

#define TEST_TOKEN_CONTEXT_MAX 1024
#define TEST_TOKEN_DIED        100

struct test_token_order {
    int (*function)(struct test_token *test, void *context);
    _Alignas(16) char context[TEST_TOKEN_CONTEXT_MAX];
};

const char *test_token_module(void)
{
    return token_kind()->module();
}

void test_token_write_file(const char *path, const char *content, mode_t mode)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(write(descriptor, content, strlen(content)), (ssize_t)strlen(content));
    ck_assert_int_eq(fchmod(descriptor, mode), 0);
    close(descriptor);
}

/* One order: a fresh process for it, and its exit status as the answer. */
static int test_token_carry_out(struct test_token *test, struct test_token_order *order)
{
    pid_t child = fork();
    if (child == 0)
        _exit(order->function(test, order->context));
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return TEST_TOKEN_DIED;
    return WIFEXITED(status) ? WEXITSTATUS(status) : TEST_TOKEN_DIED + WTERMSIG(status);
}

/* Forked before any module is loaded, so that what it forks later is as good as a program of its own. */
static void test_token_start_elsewhere(struct test_token *test)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    fflush(NULL);
    test->elsewhere_pid = fork();
    ck_assert_int_ge(test->elsewhere_pid, 0);
    if (test->elsewhere_pid == 0) {
        struct test_token_order order;
        close(pair[0]);
        while (read(pair[1], &order, sizeof(order)) == (ssize_t)sizeof(order)) {
            int result = test_token_carry_out(test, &order);
            if (write(pair[1], &result, sizeof(result)) != (ssize_t)sizeof(result))
                break;
        }
        _exit(0);
    }
    close(pair[1]);
    test->elsewhere = pair[0];
}

int test_token_elsewhere(struct test_token *test, int (*function)(struct test_token *test, void *context),
                         const void *context, size_t size)
{
    struct test_token_order order = {.function = function};
    int result = TEST_TOKEN_DIED;
    ck_assert_uint_le(size, sizeof(order.context));
    if (size > 0)
        memcpy(order.context, context, size);
    ck_assert_int_eq(write(test->elsewhere, &order, sizeof(order)), (ssize_t)sizeof(order));
    ck_assert_int_eq(read(test->elsewhere, &result, sizeof(result)), (ssize_t)sizeof(result));
    return result;
}

static void test_token_join(char *path, const char *directory, const char *name)
{
    int length = snprintf(path, TEST_TOKEN_PATH_SIZE, "%s/%s", directory, name);
    ck_assert_int_lt(length, TEST_TOKEN_PATH_SIZE);
}

void test_token_make_blank(struct test_token *test)
{
    char configuration[TEST_TOKEN_PATH_SIZE];
    char content[2 * TEST_TOKEN_PATH_SIZE];
    const char *temporary = getenv("TMPDIR");
    memset(test, 0, sizeof(*test));
    test_token_join(test->directory, temporary != NULL && temporary[0] == '/' ? temporary : "/tmp",
                    "sealring-token-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(test->directory));
    test_token_join(test->tokens, test->directory, "tokens");
    test_token_join(test->pin_source, test->directory, "pin");
    test_token_join(test->login_record, test->directory, "login");
    test_token_join(configuration, test->directory, "softhsm2.conf");
    ck_assert_int_eq(mkdir(test->tokens, 0700), 0);
    snprintf(content, sizeof(content),
             "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n",
             test->tokens);
    test_token_write_file(configuration, content, 0600);
    test_token_write_file(test->pin_source, TEST_TOKEN_PIN "\n", 0600);
    ck_assert_int_eq(setenv("SOFTHSM2_CONF", configuration, 1), 0);
    snprintf(test->uri, sizeof(test->uri), "pkcs11:token=%s", TEST_TOKEN_LABEL);
    test->config = (struct token_config){.module = test_token_module(),
                                         .uri = test->uri,
                                         .pin_source = test->pin_source,
                                         .login_record = test->login_record};
    if (token_kind()->prepare != NULL)
        token_kind()->prepare(test);
    test_token_start_elsewhere(test);
}

void test_token_make(struct test_token *test)
{
    test_token_make_blank(test);
    token_kind()->make(test);
}

static int test_token_remove(const char *path, const struct stat *file, int kind, struct FTW *walk)
{
    (void)file;
    (void)kind;
    (void)walk;
    return remove(path);
}

void test_token_destroy(struct test_token *test)
{
    if (token_kind()->unmake != NULL)
        token_kind()->unmake(test);
    close(test->elsewhere);
    ck_assert_int_eq(waitpid(test->elsewhere_pid, NULL, 0), test->elsewhere_pid);
    ck_assert_int_eq(nftw(test->directory, test_token_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
}

struct token *test_token_open(struct test_token *test)
{
    struct token *token = NULL;
    sealring_error error = {0};
    sealring_status status = token_open(&test->config, &token, &error);
    ck_assert_msg(status == SEALRING_OK, "token_open: %s", error.message);
    ck_assert_ptr_nonnull(token);
    return token;
}

sealring_status test_token_open_fails(const struct token_config *config, sealring_error *error)
{
    struct token *token = NULL;
    memset(error, 0, sizeof(*error));
    sealring_status status = token_open(config, &token, error);
    ck_assert_int_ne(status, SEALRING_OK);
    ck_assert_ptr_null(token);
    ck_assert_int_eq(error->status, status);
    ck_assert_uint_gt(strlen(error->message), 0);
    return status;
}

void test_token_reference(struct token_key_reference *reference, const char *object_id)
{
    memset(reference, 0, sizeof(*reference));
    reference->object_id_length = strlen(object_id);
    ck_assert_uint_le(reference->object_id_length, sizeof(reference->object_id));
    memcpy(reference->object_id, object_id, reference->object_id_length);
    reference->check_input_length = (size_t)snprintf((char *)reference->check_input, sizeof(reference->check_input),
                                                     "check input of %s", object_id);
}
