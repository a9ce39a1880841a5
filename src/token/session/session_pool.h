/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded pool of sessions: each belongs to one thread at a time. */
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
    struct pooled_session *free; /* the one given last is taken first */
    unsigned free_count;
    unsigned open_count; /* free ones, taken ones, and those being opened */
    unsigned limit;
    unsigned capacity; /* of `free` */
};

/* At most `limit` (> 0) sessions. */
sealring_status session_pool_init(struct session_pool *pool, unsigned limit, sealring_error *error);
void session_pool_destroy(struct session_pool *pool, bool forked);

/* Gives up all sessions and bounds the pool anew; `valid`: the module knows them still, so close them. Nobody else
 * may be using the token. */
void session_pool_reset(struct token *token, bool valid, CK_ULONG token_limit);

/* Takes a session in which the user is logged in, opening one if the bound allows it; waits at most 5 s. A writable
 * one may replace a read-only one, so that a token with a single session can be managed too. On failure *code is what
 * the token said, CKR_OK if it was not the token. */
sealring_status session_take(struct token *token, bool writable, struct pooled_session *session, CK_RV *code,
                             sealring_error *error);

/* Gives it back; `usable` false: closes it. */
void session_give(struct token *token, const struct pooled_session *session, bool usable);

/* Drops the free sessions that the token does not know any more: where one was lost, the others often are, too. */
void session_sweep(struct token *token);

/* Logs in again in a session that lost its user. */
sealring_status session_login(struct token *token, CK_SESSION_HANDLE session, sealring_error *error);

#endif
