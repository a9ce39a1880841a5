/* SPDX-License-Identifier: Apache-2.0 */
/* One operation on the token: try, evaluate the token's return code, repair, try again. */
#include "token/session/attempt.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/base62.h"
#include "base/clock.h"
#include "base/error.h"
#include "token/module/return_code.h"
#include "token/session/login.h"

#define ATTEMPT_OBJECTS_WAIT 30 /* seconds; a token may take long to generate a key */
#define ATTEMPT_TRIES        3
#define ATTEMPT_HANDLE_TRIES 6 /* for an operation whose object handle becomes invalid */

struct attempt attempt_on(struct token *token, enum attempt_kind kind)
{
    return (struct attempt){.token = token, .kind = kind, .answer = TOKEN_FAILED};
}

const char *attempt_name(struct attempt *attempt)
{
    if (attempt->object.type == CKA_LABEL)
        return attempt->object.pValue;
    int length = snprintf(attempt->name, sizeof(attempt->name), "%s ", attempt->noun);
    hex_encode(attempt->object.pValue, attempt->object.ulValueLen, attempt->name + length);
    return attempt->name;
}

sealring_status attempt_fail(struct attempt *attempt, CK_RV code, const char *function, const char *what)
{
    enum code_class class = code_class_of(code);
    const char *name = attempt->token->name;
    attempt->code = code;
    attempt->answer = class == CODE_CLOSED || class == CODE_REFUSED ? TOKEN_REFUSES : TOKEN_FAILED;
    if (class == CODE_CLOSED) {
        error_set(&attempt->error, SEALRING_REFUSED, "%s on the PKCS#11 token %s is closed: it may not sign (%s)", what,
                  name, code_name(code));
    } else if (class == CODE_REFUSED) {
        error_set(&attempt->error, SEALRING_REFUSED, "the PKCS#11 token %s refused %s (%s: %s)", name, what, function,
                  code_name(code));
    } else {
        error_set(&attempt->error, SEALRING_TOKEN, "the PKCS#11 token %s failed at %s (%s: %s, 0x%lx)", name, what,
                  function, code_name(code), code);
    }
    attempt->error.token_code = code;
    return attempt->error.status;
}

sealring_status attempt_refuse(struct attempt *attempt, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    attempt->answer = TOKEN_REFUSES;
    error_set_list(&attempt->error, SEALRING_REFUSED, format, arguments);
    va_end(arguments);
    return SEALRING_REFUSED;
}

void attempt_go_on(struct attempt *attempt)
{
    attempt->code = CKR_OK;
    attempt->answer = TOKEN_FAILED;
}

CK_RV attempt_ask_login(const struct attempt *attempt)
{
    CK_SESSION_INFO info;
    CK_RV code = attempt->functions->C_GetSessionInfo(attempt->session, &info);
    bool out = code == CKR_OK && attempt->token->login_required && info.state != CKS_RO_USER_FUNCTIONS &&
               info.state != CKS_RW_USER_FUNCTIONS;
    return out ? CKR_USER_NOT_LOGGED_IN : code; /* and private objects are not visible */
}

sealring_status attempt_confirm(struct attempt *attempt)
{
    struct token *token = attempt->token;
    CK_RV code = connection_ask(token);
    if (code != CKR_OK) {
        attempt_fail(attempt, CKR_TOKEN_NOT_PRESENT, "C_GetTokenInfo", "being there");
        attempt->error.token_code = code;
        return SEALRING_TOKEN;
    }
    code = attempt_ask_login(attempt);
    return code == CKR_OK ? SEALRING_OK
                          : attempt_fail(attempt, code, "C_GetSessionInfo", "showing its private objects");
}

/* Decides how to repair after a failed try. Called inside the connection, with the session. */
static enum attempt_repair attempt_judge(struct attempt *attempt)
{
    struct token *token = attempt->token;
    switch (code_class_of(attempt->code)) {
    case CODE_SESSION:
        session_sweep(token); /* otherwise each of many dead sessions would cost a try */
        return REPAIR_REPEAT;
    case CODE_LOGIN:
        return login_ensure(token, attempt->session, &attempt->error) == SEALRING_OK ? REPAIR_REPEAT : REPAIR_LOST;
    case CODE_HANDLE:
        return connection_ask(token) == CKR_OK ? REPAIR_REPEAT : REPAIR_LOST;
    case CODE_DOUBT:
        return connection_ask(token) == CKR_OK ? REPAIR_NONE : REPAIR_LOST;
    case CODE_GONE:
        return REPAIR_LOST;
    default:
        return REPAIR_NONE;
    }
}

/* After these codes a session may be dead, or have an unfinished operation. */
static bool attempt_session_usable(CK_RV code)
{
    enum code_class class = code_class_of(code);
    return class != CODE_SESSION && class != CODE_GONE && class != CODE_DOUBT && class != CODE_BUG;
}

/* The one lock, if this kind of attempt takes it. A token's file is not to be interrupted while it is written. */
static bool attempt_lock(struct attempt *attempt)
{
    struct timespec deadline = clock_deadline(ATTEMPT_OBJECTS_WAIT * 1000);
    attempt->interruption.held = false;
    if (attempt->kind == ATTEMPT_SIGN)
        return true;
    if (pthread_mutex_clocklock(&attempt->token->module->objects, CLOCK_MONOTONIC, &deadline) != 0)
        return false;
    if (attempt->kind == ATTEMPT_WRITE)
        signal_block_outside(&attempt->interruption);
    return true;
}

static void attempt_unlock(struct attempt *attempt)
{
    signal_release(&attempt->interruption);
    if (attempt->kind != ATTEMPT_SIGN)
        pthread_mutex_unlock(&attempt->token->module->objects);
}

/* Leaves the connection, inside of which all of a try happens. */
static void attempt_leave(struct attempt *attempt)
{
    connection_leave(attempt->token);
    if (attempt->repair == REPAIR_LOST)
        connection_lost(attempt->token, attempt->generation);
}

static void attempt_take_session(struct attempt *attempt)
{
    struct token *token = attempt->token;
    CK_RV code;
    attempt->status = session_take(token, attempt->kind == ATTEMPT_WRITE, &attempt->taken, &code, &attempt->error);
    attempt->generation = atomic_load(&token->generation);
    attempt->session = attempt->taken.handle;
    attempt->running = attempt->status == SEALRING_OK;
    if (!attempt->running) {
        enum code_class class = code_class_of(code);
        if (class == CODE_GONE || class == CODE_PIN || (class == CODE_DOUBT && connection_ask(token) != CKR_OK))
            attempt->repair = REPAIR_LOST;
    }
}

/* Takes all that a try needs, or nothing: then the try has failed. */
static void attempt_start(struct attempt *attempt)
{
    struct token *token = attempt->token;
    attempt_go_on(attempt);
    attempt->repair = REPAIR_NONE;
    attempt->status = connection_enter(token, &attempt->error);
    if (attempt->status != SEALRING_OK)
        return;
    attempt->functions = token->module->functions;
    if (attempt_lock(attempt)) {
        attempt_take_session(attempt);
        if (attempt->running)
            return;
        attempt_unlock(attempt);
    } else {
        attempt->status = error_set_token(&attempt->error, 0, "the PKCS#11 token %s was busy for %d s: try later",
                                          token->name, ATTEMPT_OBJECTS_WAIT);
    }
    attempt_leave(attempt);
}

static void attempt_stop(struct attempt *attempt)
{
    attempt->running = false;
    if (attempt->status != SEALRING_OK)
        attempt->repair = attempt_judge(attempt);
    session_give(attempt->token, &attempt->taken, attempt_session_usable(attempt->code));
    attempt_unlock(attempt);
    attempt_leave(attempt);
}

/* Returns whether there is to be another try. SoftHSM2 hides an object while another process writes it: an immediate retry may meet the
 * next write. */
static bool attempt_again(const struct attempt *attempt)
{
    if (attempt->tries == 0)
        return true;
    if (attempt->status == SEALRING_OK || attempt->repair == REPAIR_NONE ||
        (attempt->repair == REPAIR_LOST && attempt->acted))
        return false;
    if (code_class_of(attempt->code) != CODE_HANDLE || attempt->tries < ATTEMPT_TRIES)
        return attempt->tries < ATTEMPT_TRIES;
    clock_sleep(INT64_C(1) << (attempt->tries - ATTEMPT_TRIES));
    return attempt->tries < ATTEMPT_HANDLE_TRIES;
}

/* Returns whether to begin again after the object was not found. */
static bool attempt_look_anew(struct attempt *attempt)
{
    bool fresh = false;
    bool wanted = attempt->surely && attempt->answer == TOKEN_MISSING && attempt->status != SEALRING_OK;
    attempt->surely = false;
    attempt->tries = 0;
    return wanted && connection_refresh(attempt->token, true, &fresh, NULL) == SEALRING_OK && fresh;
}

bool attempt_next(struct attempt *attempt)
{
    if (attempt->running) {
        attempt_stop(attempt);
    } else {
        if (attempt->status == SEALRING_OK)
            attempt->status = connection_check_process(attempt->token, &attempt->error);
        if (attempt->status != SEALRING_OK)
            return false;
        signal_block_raised(&attempt->pipe, SIGPIPE, attempt->token->guards_sigpipe);
    }
    do {
        while (attempt_again(attempt)) {
            attempt->tries++;
            attempt_start(attempt);
            if (attempt->running)
                return true;
        }
    } while (attempt_look_anew(attempt));
    signal_release(&attempt->pipe);
    return false;
}

sealring_status attempt_end(const struct attempt *attempt, enum token_answer *answer, sealring_error *error)
{
    if (answer != NULL)
        *answer = attempt->status == SEALRING_OK ? TOKEN_DONE : attempt->answer;
    if (attempt->status != SEALRING_OK && error != NULL)
        *error = attempt->error;
    return attempt->status;
}
