/* SPDX-License-Identifier: Apache-2.0 */
/* One operation on the token: try, evaluate the token's return code, repair, try again. */
#include "token/session/attempt.h"

#include <stdarg.h>

#include "base/clock.h"
#include "base/error.h"
#include "token/module/interruption.h"
#include "token/module/return_code.h"
#include "token/module/sigpipe.h"
#include "token/session/login.h"

#define ATTEMPT_OBJECTS_WAIT 30 /* seconds; a token may take long to generate a key */
#define ATTEMPT_TRIES        3
#define ATTEMPT_HANDLE_TRIES 6 /* for an operation whose object handle becomes invalid */
#define ATTEMPT_HANDLE_NSEC  1000000L

sealring_status attempt_fail(struct attempt *attempt, CK_RV code, const char *function, const char *what)
{
    enum code_class class = code_class_of(code);
    const char *name = attempt->token->name;
    attempt->code = code;
    attempt->answer = class == CODE_CLOSED || class == CODE_REFUSED ? TOKEN_REFUSES : TOKEN_FAILED;
    if (class == CODE_CLOSED) {
        error_set(attempt->error, SEALRING_REFUSED, "%s on the PKCS#11 token %s is closed: it may not sign (%s)", what,
                  name, code_name(code));
    } else if (class == CODE_REFUSED) {
        error_set(attempt->error, SEALRING_REFUSED, "the PKCS#11 token %s refused %s (%s: %s)", name, what, function,
                  code_name(code));
    } else {
        error_set(attempt->error, SEALRING_TOKEN, "the PKCS#11 token %s failed at %s (%s: %s, 0x%lx)", name, what,
                  function, code_name(code), code);
    }
    attempt->error->token_code = code;
    return attempt->error->status;
}

sealring_status attempt_refuse(struct attempt *attempt, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    attempt->answer = TOKEN_REFUSES;
    error_set_list(attempt->error, SEALRING_REFUSED, format, arguments);
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
        attempt->error->token_code = code;
        return SEALRING_TOKEN;
    }
    code = attempt_ask_login(attempt);
    return code == CKR_OK ? SEALRING_OK
                          : attempt_fail(attempt, code, "C_GetSessionInfo", "showing its private objects");
}

enum attempt_repair { REPAIR_NONE, REPAIR_REPEAT, REPAIR_LOST };

/* Decides how to repair after a failed try. Called inside the connection, with the session. */
static enum attempt_repair attempt_judge(struct attempt *attempt)
{
    struct token *token = attempt->token;
    switch (code_class_of(attempt->code)) {
    case CODE_SESSION:
        session_sweep(token); /* otherwise each of many dead sessions would cost a try */
        return REPAIR_REPEAT;
    case CODE_LOGIN:
        return login_ensure(token, attempt->session, attempt->error) == SEALRING_OK ? REPAIR_REPEAT : REPAIR_LOST;
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
    switch (code_class_of(code)) {
    case CODE_SESSION:
    case CODE_GONE:
    case CODE_DOUBT:
    case CODE_BUG:
        return false;
    default:
        return true;
    }
}

static sealring_status attempt_try(struct attempt *attempt, bool writable, attempt_action action, void *context,
                                   enum attempt_repair *repair)
{
    struct token *token = attempt->token;
    struct pooled_session session;
    CK_RV code;
    sealring_status status = session_take(token, writable, &session, &code, attempt->error);
    attempt->generation = atomic_load(&token->generation);
    *repair = REPAIR_NONE;
    if (status != SEALRING_OK) {
        enum code_class class = code_class_of(code);
        if (class == CODE_GONE || class == CODE_PIN || (class == CODE_DOUBT && connection_ask(token) != CKR_OK))
            *repair = REPAIR_LOST;
        return status;
    }
    attempt->session = session.handle;
    status = action(attempt, context);
    if (status != SEALRING_OK)
        *repair = attempt_judge(attempt);
    session_give(token, &session, attempt_session_usable(attempt->code));
    return status;
}

static sealring_status attempt_once(struct attempt *attempt, enum attempt_kind kind, attempt_action action,
                                    void *context, enum attempt_repair *repair)
{
    struct token *token = attempt->token;
    struct module *module = token->module;
    *repair = REPAIR_NONE;
    attempt_go_on(attempt);
    sealring_status status = connection_enter(token, attempt->error);
    if (status != SEALRING_OK)
        return status;
    attempt->functions = module->functions;
    if (kind == ATTEMPT_SIGN) {
        status = attempt_try(attempt, false, action, context, repair);
    } else {
        struct timespec deadline = clock_deadline(ATTEMPT_OBJECTS_WAIT * 1000);
        if (pthread_mutex_clocklock(&module->objects, CLOCK_MONOTONIC, &deadline) == 0) {
            struct interruption interruption = {.held = false};
            if (kind == ATTEMPT_WRITE)
                interruption_hold(&interruption);
            status = attempt_try(attempt, kind == ATTEMPT_WRITE, action, context, repair);
            interruption_release(&interruption);
            pthread_mutex_unlock(&module->objects);
        } else {
            status = error_set_token(attempt->error, 0, "the PKCS#11 token %s was busy for %d s: try later",
                                     token->name, ATTEMPT_OBJECTS_WAIT);
        }
    }
    connection_leave(token);
    if (*repair == REPAIR_LOST)
        connection_lost(token, attempt->generation);
    return status;
}

/* SoftHSM2 hides an object while another process writes it: an immediate retry may meet the next write. */
static bool attempt_again(const struct attempt *attempt, int tries)
{
    if (code_class_of(attempt->code) != CODE_HANDLE || tries < ATTEMPT_TRIES)
        return tries < ATTEMPT_TRIES;
    struct timespec pause = {.tv_nsec = ATTEMPT_HANDLE_NSEC << (tries - ATTEMPT_TRIES)};
    nanosleep(&pause, NULL);
    return tries < ATTEMPT_HANDLE_TRIES;
}

sealring_status attempt_run(struct token *token, enum attempt_kind kind, attempt_action action, void *context,
                            enum token_answer *answer, sealring_error *error)
{
    sealring_error failure;
    struct attempt attempt = {.token = token, .error = &failure};
    struct sigpipe_guard guard;
    enum attempt_repair repair = REPAIR_REPEAT;
    sealring_status status = connection_check_process(token, error);
    if (answer != NULL)
        *answer = TOKEN_FAILED;
    if (status != SEALRING_OK)
        return status;
    sigpipe_guard_enter(&guard, token->guards_sigpipe);
    for (int i = 0; i == 0 || (repair != REPAIR_NONE && attempt_again(&attempt, i)); i++) {
        status = attempt_once(&attempt, kind, action, context, &repair);
        if (status == SEALRING_OK || (repair == REPAIR_LOST && attempt.acted))
            break;
    }
    sigpipe_guard_leave(&guard);
    if (answer != NULL)
        *answer = status == SEALRING_OK ? TOKEN_DONE : attempt.answer;
    if (status != SEALRING_OK && error != NULL)
        *error = failure;
    return status;
}

sealring_status attempt_run_surely(struct token *token, enum attempt_kind kind, attempt_action action, void *context,
                                   enum token_answer *answer, sealring_error *error)
{
    bool fresh = false;
    enum token_answer first;
    sealring_status status = attempt_run(token, kind, action, context, &first, error);
    if (first == TOKEN_MISSING && connection_refresh(token, true, &fresh, NULL) == SEALRING_OK && fresh)
        status = attempt_run(token, kind, action, context, &first, error);
    if (answer != NULL)
        *answer = first;
    return status;
}
