/* SPDX-License-Identifier: Apache-2.0 */
/* The attributes of a version's key object: the template to generate it, and the checks when it is read back. */
#include "token/key/attributes.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "token/key/key_object.h"
#include "token/key/origin.h"
#include "token/object/object.h"

/* PKCS #11 v2.40, sections 4.9 and 4.10. Usages default to true, so each unwanted one is set to false. */
static const struct {
    CK_ATTRIBUTE_TYPE type;
    bool value;
    unsigned without;
} attributes_made[] = {
    {CKA_TOKEN, true, 0},
    {CKA_PRIVATE, true, 0},
    {CKA_SENSITIVE, true, 0},
    {CKA_EXTRACTABLE, false, 0},
    {CKA_SIGN, true, 0},
    {CKA_VERIFY, false, 0},
    {CKA_ENCRYPT, false, 0},
    {CKA_DECRYPT, false, 0},
    {CKA_WRAP, false, 0},
    {CKA_UNWRAP, false, 0},
    {CKA_DERIVE, false, 0},
    {CKA_MODIFIABLE, true, 0},                          /* the label and CKA_SIGN change later */
    {CKA_COPYABLE, false, ATTRIBUTES_WITHOUT_COPYABLE}, /* a copy of a closed key could sign */
};

static void attributes_add(struct attributes_template *template, CK_ATTRIBUTE_TYPE type, void *value, size_t length)
{
    CK_ATTRIBUTE *item = &template->items[template->count++];
    item->type = type;
    item->pValue = value;
    item->ulValueLen = (CK_ULONG)length;
}

void attributes_fill(struct attributes_template *template, CK_KEY_TYPE key_type, unsigned without,
                     const uint8_t *object_id, size_t object_id_length, const char *label)
{
    memset(template, 0, sizeof(*template));
    template->yes = CK_TRUE;
    template->no = CK_FALSE;
    template->class = CKO_SECRET_KEY;
    template->key_type = key_type;
    template->value_length = TOKEN_KEY_BYTES;
    template->mechanism = CKM_SHA256_HMAC;
    attributes_add(template, CKA_CLASS, &template->class, sizeof(template->class));
    attributes_add(template, CKA_KEY_TYPE, &template->key_type, sizeof(template->key_type));
    attributes_add(template, CKA_VALUE_LEN, &template->value_length, sizeof(template->value_length));
    attributes_add(template, CKA_ID, (void *)(uintptr_t)object_id, object_id_length);
    attributes_add(template, CKA_LABEL, (void *)(uintptr_t)label, strlen(label));
    for (size_t i = 0; i < sizeof(attributes_made) / sizeof(attributes_made[0]); i++) {
        if (!(attributes_made[i].without & without)) {
            attributes_add(template, attributes_made[i].type, attributes_made[i].value ? &template->yes : &template->no,
                           sizeof(CK_BBOOL));
        }
    }
    if (!(without & ATTRIBUTES_WITHOUT_MECHANISMS))
        attributes_add(template, CKA_ALLOWED_MECHANISMS, &template->mechanism, sizeof(template->mechanism));
}

/* The attributes that are read back. A token may not know an optional one; if it knows it, the value must be right. */
static const struct {
    CK_ATTRIBUTE_TYPE type;
    const char *name;
    bool value;
    bool optional;
    bool narrows; /* can be corrected by taking something away from the key; after that nothing else reveals it */
} attributes_expected[] = {
    {CKA_TOKEN, "CKA_TOKEN", true, false, false},
    {CKA_PRIVATE, "CKA_PRIVATE", true, false, false},
    {CKA_SENSITIVE, "CKA_SENSITIVE", true, false, false},
    {CKA_ALWAYS_SENSITIVE, "CKA_ALWAYS_SENSITIVE", true, false, false},
    {CKA_EXTRACTABLE, "CKA_EXTRACTABLE", false, false, false},
    {CKA_NEVER_EXTRACTABLE, "CKA_NEVER_EXTRACTABLE", true, false, false},
    {CKA_LOCAL, "CKA_LOCAL", true, false, false},
    {CKA_VERIFY, "CKA_VERIFY", false, true, true},
    {CKA_ENCRYPT, "CKA_ENCRYPT", false, true, true},
    {CKA_DECRYPT, "CKA_DECRYPT", false, true, true},
    {CKA_WRAP, "CKA_WRAP", false, true, true},
    {CKA_UNWRAP, "CKA_UNWRAP", false, true, true},
    {CKA_DERIVE, "CKA_DERIVE", false, true, true},
    {CKA_COPYABLE, "CKA_COPYABLE", false, true, true},
};

/* The numbers that are read back. */
static const struct {
    CK_ATTRIBUTE_TYPE type;
    const char *name;
    CK_ULONG value, or_else;
} attributes_numbers[] = {
    {CKA_CLASS, "CKA_CLASS", CKO_SECRET_KEY, CKO_SECRET_KEY},
    {CKA_KEY_TYPE, "CKA_KEY_TYPE", CKK_GENERIC_SECRET, CKK_SHA256_HMAC},
    {CKA_VALUE_LEN, "CKA_VALUE_LEN", TOKEN_KEY_BYTES, TOKEN_KEY_BYTES},
};

/* Reads one of attributes_expected. If the token calls no key local, the other evidence of origin.h replaces a false CKA_LOCAL. */
static sealring_status attributes_read_flag(struct attempt *attempt, CK_OBJECT_HANDLE handle, size_t index, bool *value,
                                            bool *known)
{
    sealring_status status = object_read_bool(attempt, handle, attributes_expected[index].type, value, known);
    if (status == SEALRING_OK && *known && !*value && attributes_expected[index].type == CKA_LOCAL)
        status = origin_is_told_otherwise(attempt, value);
    return status;
}

static void attributes_add_wrong(struct attributes_verdict *verdict, const char *name, const char *problem,
                                 bool narrows)
{
    size_t length = strlen(verdict->wrong);
    snprintf(verdict->wrong + length, sizeof(verdict->wrong) - length, "%s%s %s", length > 0 ? ", " : "", name,
             problem);
    verdict->narrowable = verdict->narrowable && narrows;
}

sealring_status attributes_judge(struct attempt *attempt, CK_OBJECT_HANDLE handle, struct attributes_verdict *verdict)
{
    *verdict = (struct attributes_verdict){.narrowable = true};
    sealring_status status = SEALRING_OK;
    bool known, value;
    for (size_t i = 0; i < sizeof(attributes_numbers) / sizeof(attributes_numbers[0]) && status == SEALRING_OK; i++) {
        CK_ULONG number = 0;
        size_t length;
        status = object_read(attempt, handle, attributes_numbers[i].type, &number, sizeof(number), &length, &known);
        if (status == SEALRING_OK &&
            (!known || length != sizeof(number) ||
             (number != attributes_numbers[i].value && number != attributes_numbers[i].or_else)))
            attributes_add_wrong(verdict, attributes_numbers[i].name, "is wrong or missing", false);
    }
    for (size_t i = 0; i < sizeof(attributes_expected) / sizeof(attributes_expected[0]) && status == SEALRING_OK; i++) {
        status = attributes_read_flag(attempt, handle, i, &value, &known);
        bool missing = !known && !attributes_expected[i].optional;
        if (status == SEALRING_OK && (missing || (known && value != attributes_expected[i].value))) {
            attributes_add_wrong(verdict, attributes_expected[i].name,
                                 missing ? "cannot be read"
                                 : value ? "is true"
                                         : "is false",
                                 attributes_expected[i].narrows);
        }
    }
    return status;
}

sealring_status attributes_check(struct attempt *attempt, CK_OBJECT_HANDLE handle, const char *name)
{
    struct attributes_verdict verdict;
    bool sign, known;
    sealring_status status = attributes_judge(attempt, handle, &verdict);
    if (status == SEALRING_OK && verdict.wrong[0] != '\0') {
        return attempt_refuse(attempt,
                              "ALARM: %s on the PKCS#11 token %s is not a key that sealring makes (%s): it is not "
                              "used; find out who made it",
                              name, attempt->token->name, verdict.wrong);
    }
    if (status == SEALRING_OK)
        status = object_read_bool(attempt, handle, CKA_SIGN, &sign, &known);
    if (status == SEALRING_OK && !sign)
        return attempt_fail(attempt, CKR_KEY_FUNCTION_NOT_PERMITTED, "C_GetAttributeValue", name);
    return status;
}

sealring_status attributes_narrow(struct attempt *attempt, CK_OBJECT_HANDLE handle)
{
    CK_BBOOL no = CK_FALSE;
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; i < sizeof(attributes_expected) / sizeof(attributes_expected[0]) && status == SEALRING_OK; i++) {
        bool value, known;
        if (!attributes_expected[i].narrows)
            continue;
        status = object_read_bool(attempt, handle, attributes_expected[i].type, &value, &known);
        if (status != SEALRING_OK || !known || !value)
            continue;
        status =
            object_set(attempt, handle, attributes_expected[i].type, &no, sizeof(no), "taking a usage away from a key");
    }
    return status;
}
