/* SPDX-License-Identifier: Apache-2.0 */
/* Determines where a key was made, on a token that does not report it by CKA_LOCAL. */
#include "token/key/origin.h"

#include "token/key/key_object.h"
#include "token/object/object.h"

/* The attributes of a key about its origin. */
struct origin {
    bool always_sensitive, never_extractable, local;
};

/* Makes a session object with what a version's key would have that is relevant here, reads its origin, and destroys it. value NULL:
 * generates the key, otherwise imports this one. */
static sealring_status origin_try(struct attempt *attempt, CK_BYTE *value, struct origin *origin)
{
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    bool known;
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE key_type = CKK_GENERIC_SECRET;
    CK_ULONG length = TOKEN_KEY_BYTES;
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    CK_MECHANISM mechanism = {CKM_GENERIC_SECRET_KEY_GEN, NULL, 0};
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_KEY_TYPE, &key_type, sizeof(key_type)},
        {CKA_TOKEN, &no, sizeof(no)},
        {CKA_PRIVATE, &yes, sizeof(yes)},
        {CKA_SENSITIVE, &yes, sizeof(yes)},
        {CKA_EXTRACTABLE, &no, sizeof(no)},
        {CKA_SIGN, &yes, sizeof(yes)},
        value != NULL ? (CK_ATTRIBUTE){CKA_VALUE, value, length}
                      : (CK_ATTRIBUTE){CKA_VALUE_LEN, &length, sizeof(length)},
    };
    const CK_ULONG count = sizeof(template) / sizeof(template[0]);
    CK_RV code = value != NULL
                     ? attempt->functions->C_CreateObject(attempt->session, template, count, &handle)
                     : attempt->functions->C_GenerateKey(attempt->session, &mechanism, template, count, &handle);
    if (code != CKR_OK) {
        return attempt_fail(attempt, code, value != NULL ? "C_CreateObject" : "C_GenerateKey",
                            "making a key for a moment");
    }
    sealring_status status = object_read_bool(attempt, handle, CKA_ALWAYS_SENSITIVE, &origin->always_sensitive, &known);
    if (status == SEALRING_OK)
        status = object_read_bool(attempt, handle, CKA_NEVER_EXTRACTABLE, &origin->never_extractable, &known);
    if (status == SEALRING_OK)
        status = object_read_bool(attempt, handle, CKA_LOCAL, &origin->local, &known);
    attempt->functions->C_DestroyObject(attempt->session, handle);
    return status;
}

sealring_status origin_is_told_otherwise(struct attempt *attempt, bool *other)
{
    struct token *token = attempt->token;
    struct origin generated = {0}, imported = {0};
    CK_BYTE value[TOKEN_KEY_BYTES] = "a secret that nobody need keep";
    *other = token->origin_told_otherwise;
    if (token->origin_known)
        return SEALRING_OK;
    sealring_status status = origin_try(attempt, NULL, &generated);
    if (status == SEALRING_OK)
        status = origin_try(attempt, value, &imported);
    if (status != SEALRING_OK && attempt->answer == TOKEN_REFUSES) {
        /* no session keys here: nothing shows the difference, and CKA_LOCAL decides */
        attempt_go_on(attempt);
        token->origin_known = true;
        return SEALRING_OK;
    }
    if (status != SEALRING_OK)
        return status;
    *other = !generated.local && generated.always_sensitive && generated.never_extractable &&
             !(imported.always_sensitive && imported.never_extractable);
    token->origin_known = true;
    token->origin_told_otherwise = *other;
    return SEALRING_OK;
}
