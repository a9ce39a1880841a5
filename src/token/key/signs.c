/* SPDX-License-Identifier: Apache-2.0 */
/* Determines by a test whether a key signs, whatever its attributes are. */
#include "token/key/signs.h"

#include "base/secret.h"
#include "token/module/return_code.h"
#include "token/object/object.h"

#define SIGNS_BUFFER_SIZE 256

static const CK_BYTE signs_input[] = "sealring: does this key sign?";

sealring_status signs_ask(struct attempt *attempt, CK_OBJECT_HANDLE handle, bool *signs)
{
    CK_BYTE output[SIGNS_BUFFER_SIZE];
    CK_ULONG length = sizeof(output);
    CK_MECHANISM mechanism = {CKM_SHA256_HMAC, NULL, 0};
    const char *function = "C_SignInit";
    CK_RV code = attempt->functions->C_SignInit(attempt->session, &mechanism, handle);
    if (code == CKR_OK) { /* some tokens refuse only here */
        function = "C_Sign";
        code = attempt->functions->C_Sign(attempt->session, (CK_BYTE_PTR)(uintptr_t)signs_input,
                                          sizeof(signs_input) - 1, output, &length);
    }
    secret_wipe(output, sizeof(output));
    *signs = code == CKR_OK;
    if (code == CKR_OK)
        return SEALRING_OK;
    enum code_class class = code_class_of(code);
    if (class != CODE_CLOSED && class != CODE_REFUSED)
        return attempt_fail(attempt, code, function, "asking whether a key signs");
    return attempt_confirm(attempt); /* NSS softokn refuses every key after it has lost the login */
}

sealring_status token_key_signs(struct token *token, const uint8_t *object_id, size_t object_id_length, bool *signs,
                                enum token_answer *answer, sealring_error *error)
{
    CK_OBJECT_HANDLE handle;
    struct attempt attempt = object_attempt(token, ATTEMPT_SEARCH, "key", object_id, object_id_length);
    while (attempt_next(&attempt)) {
        attempt.status = object_find(&attempt, CKO_SECRET_KEY, &handle);
        if (attempt.status == SEALRING_OK)
            attempt.status = signs_ask(&attempt, handle, signs);
    }
    if (attempt.status != SEALRING_OK)
        *signs = true;
    return attempt_end(&attempt, answer, error);
}
