/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded pool of sessions, each used by one thread at a time. */
#ifndef TOKEN_SESSION_SESSION_POOL_H
#define TOKEN_SESSION_SESSION_POOL_H

#include <pthread.h>
#include <stdbool.h>

#include <p11-kit/pkcs11.h>

#include <sealring/verify.h>

struct token;

struct pooled_session {
    CK_SESSION_HANDLE handle;
    bool writable;
};

struct session_pool {
    pthread_mutex_t lock;
    pthread_cond_t given;
    struct pooled_session *free; /* a stack: the last one returned is taken first */
    unsigned free_count;
    unsigned open_count; /* free ones, taken ones, and those being opened */
    unsigned limit;
    unsigned capacity; /* of `free` */
};

/* At most `limit` (> 0) sessions. */
sealring_status session_pool_init(struct session_pool *pool, unsigned limit, sealring_error *error);

/* Destroys its locks; the caller frees `free`. */
void session_pool_destroy(struct session_pool *pool);

/* Drops all sessions and sets a new limit. `valid`: the module still knows the sessions, so they are closed. No other thread may use
 * the token. */
void session_pool_reset(struct token *token, bool valid, CK_ULONG token_limit);

/* Takes a session in which the user is logged in, and opens one if the limit permits. Waits at most 5 s. A writable one may replace a
 * read-only one, so that a token with a single session can be managed, too. On failure *code is the token's return code, or CKR_OK if
 * the token did not cause it. error is not NULL. */
sealring_status session_take(struct token *token, bool writable, struct pooled_session *session, CK_RV *code,
                             sealring_error *error);

/* Returns the session to the pool. `usable` false: closes it. */
void session_give(struct token *token, const struct pooled_session *session, bool usable);

/* Drops the free sessions that the token does not know any more: if one is lost, the others often are, too. */
void session_sweep(struct token *token);

#endif
