/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC-SHA256 in the token, and the proof that a key is the one in the registry. */
#include "token/key/hmac.h"

#include <string.h>

#include "base/error.h"
#include "base/secret.h"
#include "token/key/attributes.h"
#include "token/module/return_code.h"
#include "token/object/object.h"
#include "token/session/handle_index.h"

#define HMAC_TRIES   10 /* others may initialise the module again between proof and use, repeatedly */
#define HMAC_FILLING 0xa5
#define HMAC_THIRD   0x3c

struct hmac_request {
    const struct token_key_reference *reference;
    const uint8_t *data; /* NULL: the key is only proved */
    size_t length;
    uint8_t *mac;
    bool unproved; /* the key must be found and proved first */
    bool afresh;   /* false: another thread's recent proof is sufficient */
    bool refused;  /* refused once; the key was proved again after that */
};

struct attempt hmac_attempt(struct token *token, enum attempt_kind kind, const struct token_key_reference *reference)
{
    struct attempt attempt = object_attempt(token, kind, "key", reference->object_id, reference->object_id_length);
    if (reference->check_input_length == 0 || reference->check_input_length > TOKEN_CHECK_INPUT_MAX) {
        attempt.status = error_set(&attempt.error, SEALRING_INVALID, "a key's check input has %zu bytes",
                                   reference->check_input_length);
    }
    return attempt;
}

void hmac_forget(struct attempt *attempt)
{
    index_forget(&attempt->token->index, attempt->object.pValue, attempt->object.ulValueLen);
}

/* *function: the one that returned the code. */
static CK_RV hmac_call(struct attempt *attempt, CK_OBJECT_HANDLE handle, const uint8_t *data, size_t length,
                       CK_BYTE output[OBJECT_SIGNATURE_ROOM], CK_ULONG *output_length, const char **function)
{
    *function = "C_GetSessionInfo";
    CK_RV code = attempt->token->crashes_logged_out ? attempt_ask_login(attempt) : CKR_OK;
    return code != CKR_OK
               ? code
               : object_sign(attempt, handle, CKM_SHA256_HMAC, data, length, output, output_length, function);
}

/* Makes one signature, into a buffer filled with `filling`. */
static CK_RV hmac_ask(struct attempt *attempt, CK_OBJECT_HANDLE handle, const uint8_t *data, size_t length,
                      uint8_t filling, uint8_t mac[TOKEN_HMAC_SIZE], const char **function)
{
    CK_BYTE output[OBJECT_SIGNATURE_ROOM];
    CK_ULONG output_length;
    memset(output, filling, sizeof(output));
    CK_RV code = hmac_call(attempt, handle, data, length, output, &output_length, function);
    if (code == CKR_OK && output_length != TOKEN_HMAC_SIZE)
        code = CKR_FUNCTION_FAILED; /* not HMAC-SHA256 */
    if (code == CKR_OK)
        memcpy(mac, output, TOKEN_HMAC_SIZE);
    secret_wipe(output, sizeof(output));
    return code;
}

/* The bytes that the module writes do not depend on the filling. If two answers differ, one may be wrong: a third that equals one of
 * them decides. */
static CK_RV hmac_ask_again(struct attempt *attempt, CK_OBJECT_HANDLE handle, const uint8_t *data, size_t length,
                            uint8_t mac[TOKEN_HMAC_SIZE], const char **function)
{
    uint8_t second[TOKEN_HMAC_SIZE], third[TOKEN_HMAC_SIZE];
    CK_RV code = hmac_ask(attempt, handle, data, length, (uint8_t)~HMAC_FILLING, second, function);
    if (code == CKR_OK && !secret_equal(mac, second, TOKEN_HMAC_SIZE)) {
        code = hmac_ask(attempt, handle, data, length, HMAC_THIRD, third, function);
        if (code == CKR_OK && !secret_equal(third, mac, TOKEN_HMAC_SIZE) &&
            !secret_equal(third, second, TOKEN_HMAC_SIZE))
            code = CKR_FUNCTION_FAILED;
        if (code == CKR_OK)
            memcpy(mac, third, TOKEN_HMAC_SIZE);
        secret_wipe(third, sizeof(third));
    }
    secret_wipe(second, sizeof(second));
    return code;
}

sealring_status hmac_sign(struct attempt *attempt, CK_OBJECT_HANDLE handle, const uint8_t *data, size_t length,
                          uint8_t mac[TOKEN_HMAC_SIZE])
{
    const char *function;
    CK_RV code = hmac_ask(attempt, handle, data, length, HMAC_FILLING, mac, &function);
    /* A module may write fewer bytes than it reports. If the last byte is that of the filling (one correct answer in 256), ask again
     * with another filling. */
    if (code == CKR_OK && mac[TOKEN_HMAC_SIZE - 1] == HMAC_FILLING)
        code = hmac_ask_again(attempt, handle, data, length, mac, &function);
    if (code == CKR_OK)
        return SEALRING_OK;
    secret_wipe(mac, TOKEN_HMAC_SIZE);
    return attempt_fail(attempt, code, function, attempt_name(attempt));
}

sealring_status hmac_sign_twice(struct attempt *attempt, CK_OBJECT_HANDLE handle, const uint8_t *data, size_t length,
                                uint8_t mac[TOKEN_HMAC_SIZE])
{
    uint8_t again[TOKEN_HMAC_SIZE];
    sealring_status status = hmac_sign(attempt, handle, data, length, mac);
    if (status == SEALRING_OK)
        status = hmac_sign(attempt, handle, data, length, again);
    if (status == SEALRING_OK && !secret_equal(mac, again, TOKEN_HMAC_SIZE)) {
        status = error_set_token(&attempt->error, 0,
                                 "ALARM: the PKCS#11 token %s signed the same bytes twice with %s, and not the same: "
                                 "neither answer is used; have the token and its module examined",
                                 attempt->token->name, attempt_name(attempt));
    }
    secret_wipe(again, sizeof(again));
    return status;
}

sealring_status hmac_test(struct attempt *attempt, CK_OBJECT_HANDLE handle, bool *signs)
{
    static const uint8_t input[] = "sealring: does this key sign?";
    CK_BYTE output[OBJECT_SIGNATURE_ROOM];
    CK_ULONG length;
    const char *function;
    CK_RV code = hmac_call(attempt, handle, input, sizeof(input) - 1, output, &length, &function);
    secret_wipe(output, sizeof(output));
    *signs = code == CKR_OK;
    if (code == CKR_OK)
        return SEALRING_OK;
    enum code_class class = code_class_of(code);
    if (class != CODE_CLOSED && class != CODE_REFUSED)
        return attempt_fail(attempt, code, function, "asking whether a key signs");
    return attempt_confirm(attempt); /* NSS softokn refuses every key after it has lost the login */
}

/* Before a key is reported as a wrong one, the token must give the same answer twice. */
static sealring_status hmac_compare_check_value(struct attempt *attempt, CK_OBJECT_HANDLE handle,
                                                const struct token_key_reference *reference)
{
    uint8_t mac[TOKEN_HMAC_SIZE];
    const uint8_t *input = reference->check_input;
    sealring_status status = hmac_sign(attempt, handle, input, reference->check_input_length, mac);
    bool equal = status == SEALRING_OK && secret_equal(mac, reference->check_value, TOKEN_CHECK_VALUE_SIZE);
    if (status == SEALRING_OK && !equal) {
        status = hmac_sign_twice(attempt, handle, input, reference->check_input_length, mac);
        equal = status == SEALRING_OK && secret_equal(mac, reference->check_value, TOKEN_CHECK_VALUE_SIZE);
    }
    if (status == SEALRING_OK && !equal) {
        status = attempt_refuse(
            attempt,
            "ALARM: %s on the PKCS#11 token %s is another secret than the registry means (its check value "
            "differs): it is not used; find out who replaced it",
            attempt_name(attempt), attempt->token->name);
    }
    secret_wipe(mac, sizeof(mac));
    return status;
}

/* Finds the key, checks its attributes and its check value, and enters it into the index. Runs under the lock around find + create + set
 * + destroy. */
static sealring_status hmac_prove(struct attempt *attempt, const struct hmac_request *request)
{
    const struct token_key_reference *reference = request->reference;
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    struct key_index *index = &attempt->token->index;
    if (!request->afresh && index_find(index, reference, attempt->generation, &handle))
        return SEALRING_OK;
    sealring_status status = object_find(attempt, CKO_SECRET_KEY, &handle);
    if (status == SEALRING_OK)
        status = attributes_check(attempt, handle);
    if (status == SEALRING_OK)
        status = hmac_compare_check_value(attempt, handle, reference);
    if (status == SEALRING_OK)
        status = index_put(index, reference, attempt->generation, handle, &attempt->error);
    else
        hmac_forget(attempt);
    return status;
}

/* Signs with the key, if it is known. */
static sealring_status hmac_sign_known(struct attempt *attempt, struct hmac_request *request)
{
    CK_OBJECT_HANDLE handle;
    request->unproved = !index_find(&attempt->token->index, request->reference, attempt->generation, &handle);
    if (request->unproved) {
        return error_set(&attempt->error, SEALRING_TOKEN, "a key on the PKCS#11 token %s does not stay",
                         attempt->token->name);
    }
    sealring_status status = hmac_sign(attempt, handle, request->data, request->length, request->mac);
    if (status == SEALRING_OK)
        return SEALRING_OK;
    enum code_class class = code_class_of(attempt->code);
    request->unproved = class == CODE_HANDLE; /* this does not prove that the key is gone: the search decides */
    if (class == CODE_REFUSED && !request->refused) {
        /* NSS softokn returns this for a closed key, and for any key after it has lost the login: find out which. */
        request->refused = true;
        request->unproved = attempt_confirm(attempt) == SEALRING_OK;
    }
    if (request->unproved) {
        hmac_forget(attempt);
        attempt_go_on(attempt);
    }
    return status;
}

/* Makes a signature, and proves the key before if it is not known. Without data, only proves it. */
static sealring_status hmac_once(struct token *token, struct hmac_request *request, enum token_answer *answer,
                                 sealring_error *error)
{
    request->refused = false;
    for (int i = 0; i < HMAC_TRIES; i++) {
        request->unproved = request->data == NULL;
        if (!request->unproved) {
            struct attempt attempt = hmac_attempt(token, ATTEMPT_SIGN, request->reference);
            while (attempt_next(&attempt))
                attempt.status = hmac_sign_known(&attempt, request);
            if (!request->unproved)
                return attempt_end(&attempt, answer, error);
        }
        struct attempt attempt = hmac_attempt(token, ATTEMPT_SEARCH, request->reference);
        while (attempt_next(&attempt))
            attempt.status = hmac_prove(&attempt, request);
        if (attempt.status != SEALRING_OK || request->data == NULL)
            return attempt_end(&attempt, answer, error);
    }
    *answer = TOKEN_FAILED;
    return error_set_token(error, 0, "a key on the PKCS#11 token %s does not stay: try again", token_name(token));
}

/* If the key is not found, initialises the module again, so that the key is searched once more. */
static sealring_status hmac_run(struct token *token, struct hmac_request *request, enum token_answer *answer,
                                sealring_error *error)
{
    const struct token_key_reference *reference = request->reference;
    enum token_answer last;
    sealring_status status = hmac_once(token, request, &last, error);
    if (last == TOKEN_MISSING &&
        connection_refresh_for(token, reference->object_id, reference->object_id_length, error)) {
        status = hmac_once(token, request, &last, error);
        if (last != TOKEN_MISSING)
            connection_forget_missing(token, reference->object_id, reference->object_id_length);
    }
    if (answer != NULL)
        *answer = last;
    return status;
}

sealring_status token_hmac(struct token *token, const struct token_key_reference *reference, const uint8_t *data,
                           size_t length, uint8_t mac[TOKEN_HMAC_SIZE], enum token_answer *answer,
                           sealring_error *error)
{
    struct hmac_request request = {.reference = reference, .data = data, .length = length, .mac = mac};
    return hmac_run(token, &request, answer, error);
}

sealring_status token_key_prove(struct token *token, const struct token_key_reference *reference,
                                enum token_answer *answer, sealring_error *error)
{
    struct hmac_request request = {.reference = reference, .afresh = true};
    return hmac_run(token, &request, answer, error);
}
