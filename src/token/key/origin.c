/* SPDX-License-Identifier: Apache-2.0 */
/* Determines where a key was made, on a token that does not report it by CKA_LOCAL. */
#include "token/key/origin.h"

#include "token/key/key_object.h"
#include "token/object/object.h"

#define ORIGIN_ITEMS 7

/* The attributes of a key about its origin. */
struct origin {
    bool always_sensitive, never_extractable, local;
};

struct origin_template {
    CK_ATTRIBUTE items[ORIGIN_ITEMS + 1];
    CK_BBOOL yes, no;
    CK_OBJECT_CLASS class;
    CK_KEY_TYPE key_type;
};

/* What a version's key would have that is relevant here, for a session object. */
static void origin_fill(struct origin_template *template)
{
    *template = (struct origin_template){
        .yes = CK_TRUE, .no = CK_FALSE, .class = CKO_SECRET_KEY, .key_type = CKK_GENERIC_SECRET};
    const CK_ATTRIBUTE items[ORIGIN_ITEMS] = {
        {CKA_CLASS, &template->class, sizeof(template->class)},
        {CKA_KEY_TYPE, &template->key_type, sizeof(template->key_type)},
        {CKA_TOKEN, &template->no, sizeof(template->no)},
        {CKA_PRIVATE, &template->yes, sizeof(template->yes)},
        {CKA_SENSITIVE, &template->yes, sizeof(template->yes)},
        {CKA_EXTRACTABLE, &template->no, sizeof(template->no)},
        {CKA_SIGN, &template->yes, sizeof(template->yes)},
    };
    for (size_t i = 0; i < ORIGIN_ITEMS; i++)
        template->items[i] = items[i];
}

static sealring_status origin_read(struct attempt *attempt, CK_OBJECT_HANDLE handle, struct origin *origin)
{
    bool known;
    sealring_status status = object_read_bool(attempt, handle, CKA_ALWAYS_SENSITIVE, &origin->always_sensitive, &known);
    if (status == SEALRING_OK)
        status = object_read_bool(attempt, handle, CKA_NEVER_EXTRACTABLE, &origin->never_extractable, &known);
    if (status == SEALRING_OK)
        status = object_read_bool(attempt, handle, CKA_LOCAL, &origin->local, &known);
    attempt->functions->C_DestroyObject(attempt->session, handle);
    return status;
}

static sealring_status origin_of_generated(struct attempt *attempt, struct origin *origin)
{
    struct origin_template template;
    CK_ULONG length = TOKEN_KEY_BYTES;
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    CK_MECHANISM mechanism = {CKM_GENERIC_SECRET_KEY_GEN, NULL, 0};
    origin_fill(&template);
    template.items[ORIGIN_ITEMS] = (CK_ATTRIBUTE){CKA_VALUE_LEN, &length, sizeof(length)};
    CK_RV code =
        attempt->functions->C_GenerateKey(attempt->session, &mechanism, template.items, ORIGIN_ITEMS + 1, &handle);
    if (code != CKR_OK)
        return attempt_fail(attempt, code, "C_GenerateKey", "generating a key for a moment");
    return origin_read(attempt, handle, origin);
}

static sealring_status origin_of_imported(struct attempt *attempt, struct origin *origin)
{
    struct origin_template template;
    CK_BYTE value[TOKEN_KEY_BYTES] = "a secret that nobody need keep";
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    origin_fill(&template);
    template.items[ORIGIN_ITEMS] = (CK_ATTRIBUTE){CKA_VALUE, value, sizeof(value)};
    CK_RV code = attempt->functions->C_CreateObject(attempt->session, template.items, ORIGIN_ITEMS + 1, &handle);
    if (code != CKR_OK)
        return attempt_fail(attempt, code, "C_CreateObject", "importing a key for a moment");
    return origin_read(attempt, handle, origin);
}

sealring_status origin_is_told_otherwise(struct attempt *attempt, bool *other)
{
    struct token *token = attempt->token;
    struct origin generated = {0}, imported = {0};
    *other = token->origin_told_otherwise;
    if (token->origin_known)
        return SEALRING_OK;
    sealring_status status = origin_of_generated(attempt, &generated);
    if (status == SEALRING_OK)
        status = origin_of_imported(attempt, &imported);
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
