/* SPDX-License-Identifier: Apache-2.0 */
/* The user's login: one try with one PIN, among all processes. */
#include "token/login.h"

#include <string.h>

#include "base/error.h"
#include "token/code.h"
#include "token/interruption.h"
#include "token/pin.h"
#include "token/pin_source.h"
#include "token/record.h"
#include "token/token.h"

/* Asked right before the try, under the lock: another process may have failed a moment ago. */
static sealring_status login_check_tries(const struct login *login, sealring_error *error)
{
    CK_TOKEN_INFO info;
    CK_RV code = login->functions->C_GetTokenInfo(login->slot, &info);
    if (code != CKR_OK) {
        return error_set_token(error, code, "the PKCS#11 token %s does not answer (C_GetTokenInfo: %s)", login->name,
                               code_name(code));
    }
    if (info.flags & CKF_USER_PIN_LOCKED) {
        return error_set_token(error, CKR_PIN_LOCKED,
                               "the user PIN of the PKCS#11 token %s is locked: unlock it with the token's own tool",
                               login->name);
    }
    if (info.flags & CKF_USER_PIN_FINAL_TRY) {
        return error_set_token(
            error, CKR_PIN_INCORRECT,
            "the PKCS#11 token %s says that one PIN try is left, which is not taken: log in with the "
            "token's own tool first",
            login->name);
    }
    return SEALRING_OK;
}

static sealring_status login_fail_refused(const struct login *login, CK_RV code, sealring_error *error)
{
    switch (pin_source_of(login->pin_source)) {
    case PIN_SOURCE_TERMINAL:
        return error_set_token(error, code, "the PKCS#11 token %s refused the PIN that was typed (%s)", login->name,
                               code_name(code));
    case PIN_SOURCE_CREDENTIAL:
        return error_set_token(error, code,
                               "the PKCS#11 token %s refused the PIN in %s (%s): correct it, then log in once by hand "
                               "(--pin-source -), or empty %.120s; until then it is not tried again",
                               login->name, login->pin_source, code_name(code), login->login_record);
    case PIN_SOURCE_FILE:
    default:
        return error_set_token(error, code,
                               "the PKCS#11 token %s refused the PIN in %s (%s): correct the file; until it changes "
                               "the PIN is not tried again",
                               login->name, login->pin_source, code_name(code));
    }
}

/* This PIN, by its identity, was refused before: by whoever of all processes tried it. */
static sealring_status login_refuse(const struct login *login, sealring_error *error)
{
    if (pin_source_of(login->pin_source) == PIN_SOURCE_CREDENTIAL) {
        return error_set_token(error, CKR_PIN_INCORRECT,
                               "the PIN in %s was refused before by the PKCS#11 token %s and is not tried again: "
                               "correct it, then log in once by hand (--pin-source -), or empty %.120s",
                               login->pin_source, login->name, login->login_record);
    }
    if (login->typed != NULL) {
        return error_set_token(error, CKR_PIN_INCORRECT,
                               "the PIN that was typed was refused by the PKCS#11 token %s and is not tried again",
                               login->name);
    }
    return error_set_token(error, CKR_PIN_INCORRECT,
                           "the PIN in %s was refused before by the PKCS#11 token %s and is not tried again: correct "
                           "the file",
                           login->pin_source, login->name);
}

/* Whoever comes next must not try it again. */
static sealring_status login_remember(const struct login *login, const struct pin *pin, CK_RV code,
                                      struct record *record, sealring_error *error)
{
    sealring_error unwritten;
    if (login->typed != NULL) {
        /* nothing is written: who types decides for the next process */
        atomic_store(login->typed_refused, true);
        if (login->ask_pin != NULL) {
            (void)login->ask_pin(login->uri, NULL, login->ask_context);
        }
    } else if (record_write(record, pin->identity, &unwritten) != SEALRING_OK) {
        return error_set_token(error, code,
                               "the PKCS#11 token %s refused the PIN in %s, and this could not be remembered: correct "
                               "both; %s",
                               login->name, login->pin_source, unwritten.message);
    }
    return SEALRING_TOKEN;
}

static sealring_status login_fail(const struct login *login, CK_RV code, sealring_error *error)
{
    switch (code) {
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
        return login_fail_refused(login, code, error);
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

static sealring_status login_try(const struct login *login, CK_SESSION_HANDLE session, struct record *record,
                                 bool *done, sealring_error *error)
{
    struct pin read = {0};
    const struct pin *pin = login->typed;
    if (pin == NULL) {
        sealring_status status = pin_read(login->pin_source, &read, error);
        if (status != SEALRING_OK) {
            return status;
        }
        pin = &read;
    }
    sealring_status status = SEALRING_OK;
    bool refused =
        login->typed != NULL ? atomic_load(login->typed_refused) : strcmp(record->refused, pin->identity) == 0;
    if (refused) {
        status = login_refuse(login, error);
        goto cleanup;
    }
    CK_RV code = login->functions->C_Login(session, CKU_USER, (CK_UTF8CHAR_PTR)pin->bytes, (CK_ULONG)pin->length);
    if (code == CKR_OK || code == CKR_USER_ALREADY_LOGGED_IN) {
        *done = code == CKR_OK;
        if (record->refused[0] != '\0') {
            status = record_write(record, "", error);
        }
        goto cleanup;
    }
    status = login_fail(login, code, error);
    if (code == CKR_PIN_INCORRECT || code == CKR_PIN_INVALID || code == CKR_PIN_LEN_RANGE) {
        status = login_remember(login, pin, code, record, error);
    }
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
    if (info.state == CKS_RW_SO_FUNCTIONS) {
        return login_fail(login, CKR_USER_ANOTHER_ALREADY_LOGGED_IN, error);
    }
    *user = info.state == CKS_RO_USER_FUNCTIONS || info.state == CKS_RW_USER_FUNCTIONS;
    return SEALRING_OK;
}

static sealring_status login_under_record(const struct login *login, CK_SESSION_HANDLE session, struct record *record,
                                          bool *done, sealring_error *error)
{
    sealring_status status = login_check_tries(login, error);
    if (status != SEALRING_OK) {
        return status;
    }
    /* The token counts the try and the record remembers it: neither may be cut off from the other, nor the token's own file. */
    struct interruption interruption;
    interruption_hold(&interruption);
    status = login_try(login, session, record, done, error);
    if (*done && login->watch->after != NULL) {
        login->watch->after(login->watch->context);
    }
    interruption_release(&interruption);
    return status;
}

sealring_status login_ensure(const struct login *login, CK_SESSION_HANDLE session, bool *done, sealring_error *error)
{
    bool user = false;
    struct record record;
    *done = false;
    sealring_status status = login_state(login, session, &user, error);
    if (status != SEALRING_OK || user) {
        return status;
    }
    if (login->record != NULL) {
        return login_under_record(login, session, login->record, done, error);
    }
    status = record_open(login->login_record, login->login_lock, &record, error);
    if (status == SEALRING_OK) {
        if (login->watch->before != NULL) {
            login->watch->before(login->watch->context);
        }
        status = login_under_record(login, session, &record, done, error);
        record_close(&record);
    }
    return status;
}
