/* SPDX-License-Identifier: Apache-2.0 */
/* The user's login: one try with one PIN, among all processes. */
#include "token/session/login.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "token/module/interruption.h"
#include "token/module/return_code.h"
#include "token/module/trace.h"
#include "token/pin/pin.h"
#include "token/pin/process_environment.h"
#include "token/session/login_record.h"
#include "token/session/token.h"

/* Queried immediately before the try, under the lock: another process may just have failed. */
static sealring_status login_check_tries(const struct login *login, CK_TOKEN_INFO *info, sealring_error *error)
{
    CK_RV code = login->functions->C_GetTokenInfo(login->slot, info);
    if (code != CKR_OK) {
        return error_set_token(error, code, "the PKCS#11 token %s does not answer (C_GetTokenInfo: %s)", login->name,
                               code_name(code));
    }
    if (info->flags & CKF_USER_PIN_LOCKED) {
        return error_set_token(error, CKR_PIN_LOCKED,
                               "the user PIN of the PKCS#11 token %s is locked: unlock it with the token's own tool",
                               login->name);
    }
    if (info->flags & CKF_USER_PIN_FINAL_TRY) {
        return error_set_token(
            error, CKR_PIN_INCORRECT,
            "the PKCS#11 token %s reports that one PIN try is left, which is not taken: log in with the "
            "token's own tool first",
            login->name);
    }
    return SEALRING_OK;
}

/* One try, as it is recorded. */
struct login_try {
    struct pin_mark pin;
    struct pin_mark environment;
};

static const char login_way_out[] = "if it is right, log in once by hand (--pin-source -), or empty";

/* The token refused a PIN that it accepted before. */
static sealring_status login_doubt(const struct login *login, CK_RV code, sealring_error *error)
{
    char path[PATH_MAX];
    environment_openssl_file(path);
    return error_set_token(
        error, code,
        "the PKCS#11 token %s refused the PIN in %.120s, which it accepted before (%s), and it is not "
        "tried again in this environment: if the token's PIN was changed, correct it; else check this "
        "process's OpenSSL configuration (%.100s) and module",
        login->name, login->pin_source, code_name(code), path);
}

/* This PIN was refused before, in whichever process. */
static sealring_status login_refuse(const struct login *login, sealring_error *error)
{
    return error_set_token(
        error, CKR_PIN_INCORRECT,
        "the PIN in %.120s was refused before by the PKCS#11 token %s and is not tried again: correct "
        "the file; %s %.120s",
        login->pin_source, login->name, login_way_out, login->login_record);
}

static sealring_status login_fail_refused(const struct login *login, CK_RV code, sealring_error *error)
{
    if (login->typed != NULL) {
        return error_set_token(error, code, "the PKCS#11 token %s refused the PIN that was typed (%s)", login->name,
                               code_name(code));
    }
    return error_set_token(
        error, code,
        "the PKCS#11 token %s refused the PIN in %.120s (%s): correct the file, it is not tried again; %s "
        "%.120s",
        login->name, login->pin_source, code_name(code), login_way_out, login->login_record);
}

static bool login_is_refusal(CK_RV code)
{
    return code == CKR_PIN_INCORRECT || code == CKR_PIN_INVALID || code == CKR_PIN_LEN_RANGE;
}

/* Records the refusal, so that no process tries this PIN again. */
static sealring_status login_remember(const struct login *login, const struct login_try *try, CK_RV code,
                                      struct record *record, sealring_error *error)
{
    sealring_error unwritten;
    if (login->typed != NULL) {
        /* nothing is recorded: the user decides in the next process */
        atomic_store(login->typed_refused, true);
        if (login->ask_pin != NULL)
            (void)login->ask_pin(login->uri, NULL, login->ask_context);
        return login_fail_refused(login, code, error);
    }
    enum pin_judgement judgement = pin_memory_refuse(&record->memory, try->pin, try->environment);
    if (record_write(record, &unwritten) != SEALRING_OK) {
        return error_set_token(error, code,
                               "the PKCS#11 token %s refused the PIN in %s, and this could not be remembered: correct "
                               "both; %s",
                               login->name, login->pin_source, unwritten.message);
    }
    return judgement == PIN_REFUSED ? login_fail_refused(login, code, error) : login_doubt(login, code, error);
}

static sealring_status login_fail(const struct login *login, CK_RV code, sealring_error *error)
{
    switch (code) {
    case CKR_PIN_LOCKED:
        return error_set_token(error, code,
                               "the user PIN of the PKCS#11 token %s is locked: unlock it with the token's own tool",
                               login->name);
    case CKR_PIN_EXPIRED:
        return error_set_token(error, code,
                               "the user PIN of the PKCS#11 token %s has expired: change it with the token's own tool",
                               login->name);
    case CKR_USER_ANOTHER_ALREADY_LOGGED_IN:
    case CKR_USER_TOO_MANY_TYPES:
        return error_set_token(error, code,
                               "another user is logged in to the PKCS#11 token %s in this process: log out first",
                               login->name);
    default:
        return error_set_token(error, code, "login to the PKCS#11 token %s failed (C_Login: %s)", login->name,
                               code_name(code));
    }
}

/* The first members of CK_TOKEN_INFO identify a token: label, manufacturer, model, serial number. */
static struct login_try login_describe(const struct login *login, const CK_TOKEN_INFO *info, const struct pin *pin)
{
    struct login_try try = {0};
    void *function;
    const CK_FUNCTION_LIST *own = trace_own_functions(login->functions);
    memcpy(&function, &own->C_Login, sizeof function); /* ISO C has no such cast */
    try.pin = pin_mark_of(pin_class_of(pin->bytes, pin->length), info, offsetof(CK_TOKEN_INFO, flags));
    environment_mark(function, try.environment.bytes);
    return try;
}

/* Decides whether this PIN may be sent to the token. */
static sealring_status login_permit(const struct login *login, const struct login_try *try,
                                    const struct pin_memory *memory, sealring_error *error)
{
    if (login->typed != NULL) {
        return !atomic_load(login->typed_refused)
                   ? SEALRING_OK
                   : error_set_token(
                         error, CKR_PIN_INCORRECT,
                         "the PIN that was typed was refused by the PKCS#11 token %s and is not tried again",
                         login->name);
    }
    switch (pin_memory_judge(memory, try->pin, try->environment)) {
    case PIN_TRY:
        return SEALRING_OK;
    case PIN_REFUSED_HERE:
        return login_doubt(login, CKR_PIN_INCORRECT, error);
    case PIN_REFUSED:
    default:
        return login_refuse(login, error);
    }
}

static sealring_status login_attempt(const struct login *login, CK_SESSION_HANDLE session, const CK_TOKEN_INFO *info,
                                     struct record *record, bool *done, sealring_error *error)
{
    struct pin read = {0};
    const struct pin *pin = login->typed;
    sealring_status status = SEALRING_OK;
    if (pin == NULL) {
        status = pin_read(login->pin_source, &read, error);
        pin = &read;
    }
    if (status != SEALRING_OK)
        return status;
    const struct login_try try = login_describe(login, info, pin);
    status = login_permit(login, &try, &record->memory, error);
    if (status != SEALRING_OK)
        goto cleanup;
    CK_RV code = login->functions->C_Login(session, CKU_USER, (CK_UTF8CHAR_PTR)pin->bytes, (CK_ULONG)pin->length);
    *done = code == CKR_OK;
    if (code == CKR_OK)
        status = pin_memory_accept(&record->memory, try.pin) ? record_write(record, error) : SEALRING_OK;
    else if (login_is_refusal(code))
        status = login_remember(login, &try, code, record, error);
    else if (code != CKR_USER_ALREADY_LOGGED_IN)
        status = login_fail(login, code, error);
cleanup:
    pin_free(&read);
    return status;
}

static sealring_status login_state(const struct login *login, CK_SESSION_HANDLE session, bool *user,
                                   sealring_error *error)
{
    CK_SESSION_INFO info;
    CK_RV code = login->functions->C_GetSessionInfo(session, &info);
    if (code != CKR_OK) {
        return error_set_token(error, code, "the PKCS#11 token %s does not answer (C_GetSessionInfo: %s)", login->name,
                               code_name(code));
    }
    if (info.state == CKS_RW_SO_FUNCTIONS)
        return login_fail(login, CKR_USER_ANOTHER_ALREADY_LOGGED_IN, error);
    *user = info.state == CKS_RO_USER_FUNCTIONS || info.state == CKS_RW_USER_FUNCTIONS;
    return SEALRING_OK;
}

static sealring_status login_under_record(const struct login *login, CK_SESSION_HANDLE session, struct record *record,
                                          bool *done, sealring_error *error)
{
    CK_TOKEN_INFO info;
    sealring_status status = login_check_tries(login, &info, error);
    if (status == SEALRING_OK)
        status = environment_check_openssl(login->name, error);
    if (status != SEALRING_OK)
        return status;
    /* The token counts the try, and the record stores it: no signal may come between the two, nor interrupt the write of the token's
     * own file. */
    struct interruption interruption;
    interruption_hold(&interruption);
    status = login_attempt(login, session, &info, record, done, error);
    if (*done && login->watch->after != NULL)
        login->watch->after(login->watch->context);
    interruption_release(&interruption);
    return status;
}

sealring_status login_ensure(const struct login *login, CK_SESSION_HANDLE session, bool *done, sealring_error *error)
{
    bool user = false;
    struct record record;
    *done = false;
    sealring_status status = login_state(login, session, &user, error);
    if (status != SEALRING_OK || user)
        return status;
    if (login->record != NULL)
        return login_under_record(login, session, login->record, done, error);
    const struct token_login_wait wait = {.most_ms = login->wait != NULL ? login->wait->most_ms : 0};
    status = record_open(login->login_record, login->login_lock, &wait, &record, error);
    if (status == SEALRING_OK) {
        if (login->watch->before != NULL)
            login->watch->before(login->watch->context);
        status = login_under_record(login, session, &record, done, error);
        record_close(&record);
    }
    return status;
}
