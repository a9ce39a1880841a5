/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded pool of sessions, each used by one thread at a time. */
#include "token/session/session_pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "token/module/module.h"
#include "token/module/return_code.h"
#include "token/session/connection.h"
#include "token/session/login.h"

#define SESSION_WAIT_SECONDS 5

sealring_status session_pool_init(struct session_pool *pool, unsigned limit, sealring_error *error)
{
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->given, NULL);
    pool->capacity = pool->limit = limit;
    pool->free = calloc(limit, sizeof(*pool->free));
    return pool->free != NULL ? SEALRING_OK : error_no_memory(error);
}

void session_pool_destroy(struct session_pool *pool)
{
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->given);
}

void session_pool_reset(struct token *token, bool valid, CK_ULONG token_limit)
{
    struct session_pool *pool = &token->pool;
    pthread_mutex_lock(&pool->lock);
    while (pool->free_count > 0) {
        pool->free_count--;
        if (valid)
            token->module->functions->C_CloseSession(pool->free[pool->free_count].handle);
    }
    pool->open_count = 0;
    pool->limit = pool->capacity;
    if (token_limit != CK_EFFECTIVELY_INFINITE && token_limit != CK_UNAVAILABLE_INFORMATION &&
        token_limit < pool->limit)
        pool->limit = (unsigned)token_limit;
    pthread_mutex_unlock(&pool->lock);
}

/* Return codes of a token that has only read-write sessions. */
static bool session_wants_writing(CK_RV code)
{
    return code == CKR_FUNCTION_NOT_SUPPORTED || code == CKR_ARGUMENTS_BAD ||
           code == CKR_SESSION_PARALLEL_NOT_SUPPORTED;
}

static sealring_status session_open(struct token *token, bool writable, struct pooled_session *session, CK_RV *code,
                                    sealring_error *error)
{
    CK_FUNCTION_LIST *functions = token->module->functions;
    CK_FLAGS flags = CKF_SERIAL_SESSION | (writable ? (CK_FLAGS)CKF_RW_SESSION : 0);
    *code = functions->C_OpenSession(token->slot, flags, NULL, NULL, &session->handle);
    if (!writable && session_wants_writing(*code)) {
        writable = true;
        *code = functions->C_OpenSession(token->slot, flags | CKF_RW_SESSION, NULL, NULL, &session->handle);
    }
    if (*code != CKR_OK) {
        return error_set_token(error, *code, "the PKCS#11 token %s gives no session (C_OpenSession: %s)", token->name,
                               code_name(*code));
    }
    session->writable = writable;
    sealring_status status = login_ensure(token, session->handle, error);
    if (status != SEALRING_OK) {
        *code = error->token_code;
        functions->C_CloseSession(session->handle);
    }
    return status;
}

static struct pooled_session session_take_out(struct session_pool *pool, unsigned place)
{
    struct pooled_session session = pool->free[place];
    pool->free_count--;
    memmove(&pool->free[place], &pool->free[place + 1], (pool->free_count - place) * sizeof(*pool->free));
    return session;
}

/* Takes the most recently returned suitable session. */
static bool session_pop(struct session_pool *pool, bool writable, struct pooled_session *session)
{
    for (unsigned i = pool->free_count; i > 0; i--) {
        if (!writable || pool->free[i - 1].writable) {
            *session = session_take_out(pool, i - 1);
            return true;
        }
    }
    return false;
}

enum session_way { SESSION_TAKEN, SESSION_OPEN, SESSION_REPLACE, SESSION_NONE };

/* Decides how to get a session now, if there is a way. */
static enum session_way session_claim_now(struct session_pool *pool, bool writable, struct pooled_session *session)
{
    if (session_pop(pool, writable, session))
        return SESSION_TAKEN;
    if (pool->open_count < pool->limit) {
        pool->open_count++;
        return SESSION_OPEN;
    }
    return session_pop(pool, false, session) ? SESSION_REPLACE : SESSION_NONE;
}

static enum session_way session_claim(struct session_pool *pool, bool writable, struct pooled_session *session)
{
    struct timespec deadline = clock_deadline(SESSION_WAIT_SECONDS * 1000);
    pthread_mutex_lock(&pool->lock);
    enum session_way way = session_claim_now(pool, writable, session);
    while (way == SESSION_NONE &&
           pthread_cond_clockwait(&pool->given, &pool->lock, CLOCK_MONOTONIC, &deadline) != ETIMEDOUT)
        way = session_claim_now(pool, writable, session);
    pthread_mutex_unlock(&pool->lock);
    return way;
}

/* The session could not be opened. `full`: the token has no more, so the limit is lowered to the open ones. Returns whether one of them
 * can be waited for. */
static bool session_forget_one(struct session_pool *pool, bool full)
{
    pthread_mutex_lock(&pool->lock);
    pool->open_count--;
    bool others = full && pool->open_count > 0;
    if (others)
        pool->limit = pool->open_count;
    if (!full)
        pthread_cond_signal(&pool->given);
    pthread_mutex_unlock(&pool->lock);
    return others;
}

void session_sweep(struct token *token)
{
    struct session_pool *pool = &token->pool;
    pthread_mutex_lock(&pool->lock);
    unsigned left = pool->free_count;
    pthread_mutex_unlock(&pool->lock);
    for (; left > 0; left--) {
        struct pooled_session session;
        CK_SESSION_INFO info;
        pthread_mutex_lock(&pool->lock);
        bool taken = pool->free_count > 0;
        if (taken)
            session = session_take_out(pool, 0); /* the one that was returned first */
        pthread_mutex_unlock(&pool->lock);
        if (taken)
            session_give(token, &session, token->module->functions->C_GetSessionInfo(session.handle, &info) == CKR_OK);
    }
}

sealring_status session_take(struct token *token, bool writable, struct pooled_session *session, CK_RV *code,
                             sealring_error *error)
{
    struct session_pool *pool = &token->pool;
    for (;;) {
        *code = CKR_OK;
        enum session_way way = session_claim(pool, writable, session);
        if (way == SESSION_TAKEN)
            return SEALRING_OK;
        if (way == SESSION_NONE) {
            return error_set_token(
                error, 0, "all %u sessions of the PKCS#11 token %s were busy for %d s: allow more, or ask less",
                pool->limit, token->name, SESSION_WAIT_SECONDS);
        }
        if (way == SESSION_REPLACE)
            token->module->functions->C_CloseSession(session->handle);
        sealring_status status = session_open(token, writable, session, code, error);
        if (status == SEALRING_OK || !session_forget_one(pool, *code == CKR_SESSION_COUNT))
            return status;
    }
}

void session_give(struct token *token, const struct pooled_session *session, bool usable)
{
    struct session_pool *pool = &token->pool;
    if (!usable)
        token->module->functions->C_CloseSession(session->handle);
    pthread_mutex_lock(&pool->lock);
    if (usable)
        pool->free[pool->free_count++] = *session;
    else
        pool->open_count--;
    pthread_cond_signal(&pool->given);
    pthread_mutex_unlock(&pool->lock);
}
