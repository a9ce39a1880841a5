/* SPDX-License-Identifier: Apache-2.0 */
/* The user's login: one try with one PIN, among all processes. */
#include "token/session/login.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "token/module/return_code.h"
#include "token/module/signal_block.h"
#include "token/module/trace.h"
#include "token/pin/process_environment.h"
#include "token/session/connection.h"
#include "token/session/login_record.h"

static sealring_status login_fail(struct token *token, CK_RV code, sealring_error *error)
{
    switch (code) {
    case CKR_PIN_LOCKED:
        return error_set_token(error, code,
                               "the user PIN of the PKCS#11 token %s is locked: unlock it with the token's own tool",
                               token->name);
    case CKR_PIN_EXPIRED:
        return error_set_token(error, code,
                               "the user PIN of the PKCS#11 token %s has expired: change it with the token's own tool",
                               token->name);
    case CKR_USER_ANOTHER_ALREADY_LOGGED_IN:
    case CKR_USER_TOO_MANY_TYPES:
        return error_set_token(error, code,
                               "another user is logged in to the PKCS#11 token %s in this process: log out first",
                               token->name);
    default:
        return error_set_token(error, code, "login to the PKCS#11 token %s failed (C_Login: %s)", token->name,
                               code_name(code));
    }
}

static sealring_status login_silence(struct token *token, CK_RV code, const char *function, sealring_error *error)
{
    return error_set_token(error, code, "the PKCS#11 token %s does not answer (%s: %s)", token->name, function,
                           code_name(code));
}

/* Queried immediately before the try, under the lock: another process may just have failed. */
static sealring_status login_check_tries(struct token *token, CK_TOKEN_INFO *info, sealring_error *error)
{
    CK_RV code = token->module->functions->C_GetTokenInfo(token->slot, info);
    if (code != CKR_OK)
        return login_silence(token, code, "C_GetTokenInfo", error);
    if (info->flags & CKF_USER_PIN_LOCKED)
        return login_fail(token, CKR_PIN_LOCKED, error);
    if (info->flags & CKF_USER_PIN_FINAL_TRY) {
        return error_set_token(
            error, CKR_PIN_INCORRECT,
            "the PKCS#11 token %s reports that one PIN try is left, which is not taken: log in with the "
            "token's own tool first",
            token->name);
    }
    return SEALRING_OK;
}

/* One try, as it is recorded. */
struct login_try {
    struct pin_mark pin;
    struct pin_mark environment;
};

/* A command asks for the PIN of the token with the keys only (--pin-source): of a token without them, nobody could type it. */
static const char *login_way_out(const struct token *token)
{
    return token->config.without_hmac ? "if it is right, empty"
                                      : "if it is right, log in once by hand (--pin-source -), or empty";
}

#define LOGIN_PIN_SIZE 160

/* Names the PIN, for messages. */
static const char *login_pin(const struct token *token, char words[LOGIN_PIN_SIZE])
{
    if (token->config.pin != NULL)
        return "that the program passed";
    snprintf(words, LOGIN_PIN_SIZE, "in %.120s", token->config.pin_source);
    return words;
}

static const char *login_correct(const struct token *token)
{
    return token->config.pin != NULL ? "pass the right one" : "correct the file";
}

/* The token refused a PIN that it accepted before. */
static sealring_status login_doubt(struct token *token, CK_RV code, sealring_error *error)
{
    char path[PATH_MAX], words[LOGIN_PIN_SIZE];
    environment_openssl_file(path);
    return error_set_token(
        error, code,
        "the PKCS#11 token %s refused the PIN %s, which it accepted before (%s), and it is not "
        "tried again in this environment: if the token's PIN was changed, correct it; else check this "
        "process's OpenSSL configuration (%.100s) and module",
        token->name, login_pin(token, words), code_name(code), path);
}

static sealring_status login_fail_refused(struct token *token, CK_RV code, sealring_error *error)
{
    char words[LOGIN_PIN_SIZE];
    return error_set_token(error, code,
                           "the PKCS#11 token %s refused the PIN %s (%s): %s, it is not tried again; %s %.120s",
                           token->name, login_pin(token, words), code_name(code), login_correct(token),
                           login_way_out(token), token->config.login_record);
}

/* Records the refusal, so that no process tries this PIN again. */
static sealring_status login_remember(struct token *token, const struct login_try *try, CK_RV code,
                                      struct record *record, sealring_error *error)
{
    sealring_error unwritten;
    if (token->typed.bytes != NULL) {
        /* nothing is recorded: the user decides in the next process */
        atomic_store(&token->typed_refused, true);
        if (token->config.ask_pin != NULL)
            (void)token->config.ask_pin(token->config.uri, NULL, token->config.ask_context);
        return error_set_token(error, code, "the PKCS#11 token %s refused the PIN that was typed (%s)", token->name,
                               code_name(code));
    }
    enum pin_judgement judgement = pin_memory_refuse(&record->memory, try->pin, try->environment);
    if (record_write(record, &unwritten) != SEALRING_OK) {
        char words[LOGIN_PIN_SIZE];
        return error_set_token(error, code,
                               "the PKCS#11 token %s refused the PIN %s, and this could not be remembered: correct "
                               "both; %s",
                               token->name, login_pin(token, words), unwritten.message);
    }
    return judgement == PIN_REFUSED ? login_fail_refused(token, code, error) : login_doubt(token, code, error);
}

/* The first members of CK_TOKEN_INFO identify a token: label, manufacturer, model, serial number. */
static struct login_try login_describe(struct token *token, const CK_TOKEN_INFO *info, const struct pin *pin)
{
    struct login_try try = {0};
    void *function;
    const CK_FUNCTION_LIST *own = trace_own_functions(token->module->functions);
    memcpy(&function, &own->C_Login, sizeof function); /* ISO C has no such cast */
    try.pin = pin_mark_of(pin_class_of(pin->bytes, pin->length), info, offsetof(CK_TOKEN_INFO, flags));
    environment_mark(function, try.environment.bytes);
    return try;
}

/* Decides whether this PIN may be sent to the token. */
static sealring_status login_permit(struct token *token, const struct login_try *try, const struct pin_memory *memory,
                                    sealring_error *error)
{
    bool typed = token->typed.bytes != NULL;
    char words[LOGIN_PIN_SIZE];
    if (typed && atomic_load(&token->typed_refused)) {
        return error_set_token(error, CKR_PIN_INCORRECT,
                               "the PIN that was typed was refused by the PKCS#11 token %s and is not tried again",
                               token->name);
    }
    switch (typed ? PIN_TRY : pin_memory_judge(memory, try->pin, try->environment)) {
    case PIN_TRY:
        return SEALRING_OK;
    case PIN_REFUSED_HERE:
        return login_doubt(token, CKR_PIN_INCORRECT, error);
    case PIN_REFUSED: /* in whichever process */
    default:
        return error_set_token(
            error, CKR_PIN_INCORRECT,
            "the PIN %s was refused before by the PKCS#11 token %s and is not tried again: %s; %s %.120s",
            login_pin(token, words), token->name, login_correct(token), login_way_out(token),
            token->config.login_record);
    }
}

static sealring_status login_attempt(struct token *token, CK_SESSION_HANDLE session, const CK_TOKEN_INFO *info,
                                     struct record *record, bool *done, sealring_error *error)
{
    struct pin read = {0};
    const struct pin *pin = token->typed.bytes != NULL  ? &token->typed
                            : token->config.pin != NULL ? token->config.pin
                                                        : &read;
    sealring_status status = pin == &read ? pin_read(token->config.pin_source, &read, error) : SEALRING_OK;
    if (status != SEALRING_OK)
        return status;
    const struct login_try try = login_describe(token, info, pin);
    status = login_permit(token, &try, &record->memory, error);
    if (status != SEALRING_OK)
        goto cleanup;
    CK_RV code =
        token->module->functions->C_Login(session, CKU_USER, (CK_UTF8CHAR_PTR)pin->bytes, (CK_ULONG)pin->length);
    *done = code == CKR_OK;
    if (code == CKR_OK)
        status = pin_memory_accept(&record->memory, try.pin) ? record_write(record, error) : SEALRING_OK;
    else if (code == CKR_PIN_INCORRECT || code == CKR_PIN_INVALID || code == CKR_PIN_LEN_RANGE)
        status = login_remember(token, &try, code, record, error);
    else if (code != CKR_USER_ALREADY_LOGGED_IN)
        status = login_fail(token, code, error);
cleanup:
    pin_free(&read);
    return status;
}

static sealring_status login_under_record(struct token *token, CK_SESSION_HANDLE session, struct record *record,
                                          sealring_error *error)
{
    CK_TOKEN_INFO info;
    bool done = false;
    sealring_status status = login_check_tries(token, &info, error);
    if (status == SEALRING_OK)
        status = environment_check_openssl(token->name, error);
    if (status != SEALRING_OK)
        return status;
    /* The token counts the try, and the record stores it: no signal may come between the two, nor interrupt the write of the token's
     * own file. */
    struct signal_block interruption;
    signal_block_outside(&interruption);
    status = login_attempt(token, session, &info, record, &done, error);
    if (done && token->config.watch.after != NULL)
        token->config.watch.after(token->config.watch.context);
    signal_release(&interruption);
    if (done) /* it follows a logout, which invalidates the handles of private objects (PKCS #11 v2.40, section 5.6) */
        atomic_fetch_add(&token->generation, 1);
    return status;
}

sealring_status login_ensure(struct token *token, CK_SESSION_HANDLE session, sealring_error *error)
{
    struct record record;
    CK_SESSION_INFO info;
    if (!token->login_required)
        return SEALRING_OK;
    CK_RV code = token->module->functions->C_GetSessionInfo(session, &info);
    if (code != CKR_OK)
        return login_silence(token, code, "C_GetSessionInfo", error);
    if (info.state == CKS_RW_SO_FUNCTIONS)
        return login_fail(token, CKR_USER_ANOTHER_ALREADY_LOGGED_IN, error);
    if (info.state == CKS_RO_USER_FUNCTIONS || info.state == CKS_RW_USER_FUNCTIONS)
        return SEALRING_OK;
    if (token->record != NULL)
        return login_under_record(token, session, token->record, error);
    sealring_status status = record_open(token, &record, error);
    if (status == SEALRING_OK) {
        if (token->config.watch.before != NULL)
            token->config.watch.before(token->config.watch.context);
        status = login_under_record(token, session, &record, error);
        record_close(&record);
    }
    return status;
}
