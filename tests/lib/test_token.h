/* SPDX-License-Identifier: Apache-2.0 */
/* A fresh token of one's own for each test, and fresh processes that look at it from outside. */
#ifndef TESTS_TEST_TOKEN_H
#define TESTS_TEST_TOKEN_H

#include <stddef.h>
#include <sys/types.h>

#include "lib/token_kind.h"
#include "token/key/key_object.h"
#include "token/object/provision.h"
#include "token/session/token.h"

#define TEST_TOKEN_PATH_SIZE 512
#define TEST_TOKEN_LABEL     "sealring-test"
#define TEST_TOKEN_PIN       "test-user-pin"
#define TEST_TOKEN_SO_PIN    "test-so-pin"

struct test_token {
    char directory[TEST_TOKEN_PATH_SIZE];  /* of everything */
    char tokens[TEST_TOKEN_PATH_SIZE];     /* where the token's files are */
    char pin_source[TEST_TOKEN_PATH_SIZE]; /* 0600 */
    char login_record[TEST_TOKEN_PATH_SIZE];
    char uri[TEST_TOKEN_PATH_SIZE];
    char serial[PROVISION_SERIAL_SIZE];
    struct token_config config; /* points into this structure: do not copy it */
    char init_args[2 * TEST_TOKEN_PATH_SIZE];
    pid_t server;  /* 0: none */
    int elsewhere; /* socket to the process that makes fresh processes */
    pid_t elsewhere_pid;
};

/* The module that the tests use. */
const char *test_token_module(void);

/* Makes the directory, SoftHSM2's configuration (and sets SOFTHSM2_CONF), one initialised token of the kind under test
 * (lib/token_kind.h), and the PIN file.
 * All this process has loaded is unloaded again. Fails the test if it cannot. */
void test_token_make(struct test_token *test);

/* The same without a token in it, SoftHSM2: every slot is uninitialised. */
void test_token_make_blank(struct test_token *test);

/* Removes it all. Tokens opened on it have to be closed before. */
void test_token_destroy(struct test_token *test);

/* Opens it with test->config; fails the test if it cannot. */
struct token *test_token_open(struct test_token *test);

/* Writes a file with these permissions. */
void test_token_write_file(const char *path, const char *content, mode_t mode);

/* Runs function(context) in a process that never had the module loaded, and returns what it returned (0 to 99), or
 * 100 and more if it died. The context is copied (at most 1,024 bytes); a failing check assertion counts as death. */
int test_token_elsewhere(struct test_token *test, int (*function)(struct test_token *test, void *context),
                         const void *context, size_t size);

/* A reference with these bytes as object ID and a check input made of them. */
void test_token_reference(struct token_key_reference *reference, const char *object_id);

/* Calls token_open expecting it to fail, and writes the error. Returns the status. */
sealring_status test_token_open_fails(const struct token_config *config, sealring_error *error);

#endif
