/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of tokens that the token tests run on, chosen by TEST_TOKEN, and what each is known to do otherwise. */
#ifndef TESTS_TOKEN_KIND_H
#define TESTS_TOKEN_KIND_H

#include <stdbool.h>

struct test_token;

struct token_kind {
    const char *name; /* as in TEST_TOKEN */
    const char *(*module)(void);
    const char *(*provisions)(void); /* the module by which another token is made beside it; NULL: none can be */
    /* Says in test->config and the environment how the token will be reached; NULL: nothing to say. */
    void (*prepare)(struct test_token *test);
    /* Makes a token with TEST_TOKEN_LABEL and both PINs in test->tokens, and starts what serves it. */
    void (*make)(struct test_token *test);
    void (*unmake)(struct test_token *test); /* NULL: nothing but files */

    /* Measured (docs/tokens.md); the tests hold sealring to the one or the other. */
    bool in_process;   /* works with the caller's permissions, in its memory */
    bool initialises;  /* new tokens by C_InitToken, each with a serial number of its own, and knows itself loaded */
    bool told_by_file; /* where its configuration is, is told by SOFTHSM2_CONF */
    bool counts_tries; /* a wrong PIN shows in CK_TOKEN_INFO.flags */
    bool limits_mechanisms;    /* CKA_ALLOWED_MECHANISMS */
    bool refuses_copies;       /* CKA_COPYABLE */
    bool keeps_both;           /* of two keys that are generated under one CKA_ID; else the second replaces the first */
    bool restarts_fast;        /* so that nobody is kept waiting for a second */
    bool reads_beside_writing; /* else a search that meets a change waits for seconds */
    bool tells_local;          /* CKA_LOCAL is true for what it generated */
    bool joins_host;        /* all who load the module in a process share its state: sessions, login, initialisation */
    bool tells_initialised; /* C_GetInfo fails while it is not */
    bool needs_directory;   /* moving test->tokens away takes the token away */
};

/* The one under test: TEST_TOKEN, or SoftHSM2. Fails the test if there is no such kind. */
const struct token_kind *token_kind(void);

/* For the kind that has a server: starts it, and ends it with all its processes. */
void token_kind_start_server(struct test_token *test);
void token_kind_kill_server(struct test_token *test);

#endif
