/* SPDX-License-Identifier: Apache-2.0 */
/* The attributes of a version's key object: the template to generate it, and the checks when it is read back. */
#include "token/key/attributes.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "token/key/origin.h"
#include "token/object/object.h"

enum attributes_use {
    ATTRIBUTES_MADE = 1,    /* in the template */
    ATTRIBUTES_READ = 2,    /* read back; a token must know it */
    ATTRIBUTES_PRIVATE = 4, /* also that of a key pair's private key */
    ATTRIBUTES_NARROWS = 8  /* read back, if the token knows it; attributes_narrow corrects it */
};

#define ATTRIBUTE(type, value, use) \
    {                               \
        type, #type, value, use     \
    }

/* PKCS #11 v2.40, sections 4.9 and 4.10. Usages default to true, so each unwanted one is set to false. */
static const struct {
    CK_ATTRIBUTE_TYPE type;
    const char *name;
    bool value;
    unsigned use;
} attributes[] = {
    ATTRIBUTE(CKA_TOKEN, true, ATTRIBUTES_MADE | ATTRIBUTES_READ),
    ATTRIBUTE(CKA_PRIVATE, true, ATTRIBUTES_MADE | ATTRIBUTES_READ),
    ATTRIBUTE(CKA_SENSITIVE, true, ATTRIBUTES_MADE | ATTRIBUTES_READ | ATTRIBUTES_PRIVATE),
    ATTRIBUTE(CKA_ALWAYS_SENSITIVE, true, ATTRIBUTES_READ | ATTRIBUTES_PRIVATE),
    ATTRIBUTE(CKA_EXTRACTABLE, false, ATTRIBUTES_MADE | ATTRIBUTES_READ | ATTRIBUTES_PRIVATE),
    ATTRIBUTE(CKA_NEVER_EXTRACTABLE, true, ATTRIBUTES_READ | ATTRIBUTES_PRIVATE),
    ATTRIBUTE(CKA_LOCAL, true, ATTRIBUTES_READ | ATTRIBUTES_PRIVATE),
    ATTRIBUTE(CKA_SIGN, true, ATTRIBUTES_MADE),
    ATTRIBUTE(CKA_VERIFY, false, ATTRIBUTES_MADE | ATTRIBUTES_NARROWS),
    ATTRIBUTE(CKA_ENCRYPT, false, ATTRIBUTES_MADE | ATTRIBUTES_NARROWS),
    ATTRIBUTE(CKA_DECRYPT, false, ATTRIBUTES_MADE | ATTRIBUTES_NARROWS),
    ATTRIBUTE(CKA_WRAP, false, ATTRIBUTES_MADE | ATTRIBUTES_NARROWS),
    ATTRIBUTE(CKA_UNWRAP, false, ATTRIBUTES_MADE | ATTRIBUTES_NARROWS),
    ATTRIBUTE(CKA_DERIVE, false, ATTRIBUTES_MADE | ATTRIBUTES_NARROWS),
    ATTRIBUTE(CKA_MODIFIABLE, true, ATTRIBUTES_MADE),                    /* the label and CKA_SIGN change later */
    ATTRIBUTE(CKA_COPYABLE, false, ATTRIBUTES_MADE | ATTRIBUTES_NARROWS) /* a copy of a closed key could sign */
};
#define ATTRIBUTES_COUNT (sizeof(attributes) / sizeof(attributes[0]))

static CK_ATTRIBUTE attributes_item(CK_ATTRIBUTE_TYPE type, const void *value, size_t length)
{
    return (CK_ATTRIBUTE){type, (void *)(uintptr_t)value, (CK_ULONG)length};
}

CK_ULONG attributes_fill(CK_ATTRIBUTE template[ATTRIBUTES_TEMPLATE_MAX], const CK_KEY_TYPE *key_type, unsigned without,
                         CK_ATTRIBUTE object_id, const char *label)
{
    static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    static const CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    static const CK_ULONG value_length = TOKEN_KEY_BYTES;
    static const CK_MECHANISM_TYPE mechanism = CKM_SHA256_HMAC;
    CK_ULONG count = 0;
    template[count++] = attributes_item(CKA_CLASS, &class, sizeof(class));
    template[count++] = attributes_item(CKA_KEY_TYPE, key_type, sizeof(*key_type));
    template[count++] = attributes_item(CKA_VALUE_LEN, &value_length, sizeof(value_length));
    template[count++] = object_id;
    template[count++] = attributes_item(CKA_LABEL, label, strlen(label));
    for (size_t i = 0; i < ATTRIBUTES_COUNT; i++) {
        bool omitted = attributes[i].type == CKA_COPYABLE && (without & ATTRIBUTES_WITHOUT_COPYABLE);
        if ((attributes[i].use & ATTRIBUTES_MADE) && !omitted)
            template[count++] = attributes_item(attributes[i].type, attributes[i].value ? &yes : &no, sizeof(yes));
    }
    if (!(without & ATTRIBUTES_WITHOUT_MECHANISMS))
        template[count++] = attributes_item(CKA_ALLOWED_MECHANISMS, &mechanism, sizeof(mechanism));
    return count;
}

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

static void attributes_add_wrong(char wrong[TOKEN_KEY_WRONG_SIZE], const char *name, const char *problem)
{
    size_t length = strlen(wrong);
    snprintf(wrong + length, TOKEN_KEY_WRONG_SIZE - length, "%s%s %s", length > 0 ? ", " : "", name, problem);
}

/* Judges the flags of these uses. */
static sealring_status attributes_judge_flags(struct attempt *attempt, CK_OBJECT_HANDLE handle, unsigned uses,
                                              char wrong[TOKEN_KEY_WRONG_SIZE], bool *narrowable)
{
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; i < ATTRIBUTES_COUNT && status == SEALRING_OK; i++) {
        bool value, known, narrows = attributes[i].use & ATTRIBUTES_NARROWS;
        if (!(attributes[i].use & uses))
            continue;
        status = object_read_bool(attempt, handle, attributes[i].type, &value, &known);
        /* If the token calls no secret key local, the other evidence of origin.h replaces a false CKA_LOCAL. */
        if (status == SEALRING_OK && known && !value && attributes[i].type == CKA_LOCAL && uses != ATTRIBUTES_PRIVATE)
            status = origin_is_told_otherwise(attempt, &value);
        if (status == SEALRING_OK && (known ? value != attributes[i].value : !narrows)) {
            attributes_add_wrong(wrong, attributes[i].name, !known ? "cannot be read" : value ? "is true" : "is false");
            *narrowable = *narrowable && narrows;
        }
    }
    return status;
}

sealring_status attributes_judge(struct attempt *attempt, CK_OBJECT_HANDLE handle, char wrong[TOKEN_KEY_WRONG_SIZE],
                                 bool *narrowable)
{
    wrong[0] = '\0';
    *narrowable = true;
    for (size_t i = 0; i < sizeof(attributes_numbers) / sizeof(attributes_numbers[0]); i++) {
        CK_ULONG number = 0;
        size_t length;
        bool known;
        sealring_status status =
            object_read(attempt, handle, attributes_numbers[i].type, &number, sizeof(number), &length, &known);
        if (status != SEALRING_OK)
            return status;
        if (!known || length != sizeof(number) ||
            (number != attributes_numbers[i].value && number != attributes_numbers[i].or_else)) {
            attributes_add_wrong(wrong, attributes_numbers[i].name, "is wrong or missing");
            *narrowable = false;
        }
    }
    return attributes_judge_flags(attempt, handle, ATTRIBUTES_READ | ATTRIBUTES_NARROWS, wrong, narrowable);
}

static sealring_status attributes_alarm(struct attempt *attempt, const char *wrong)
{
    return attempt_refuse(attempt,
                          "ALARM: %s on the PKCS#11 token %s is not a key that sealring makes (%s): it is not used; "
                          "find out who made it",
                          attempt_name(attempt), attempt->token->name, wrong);
}

sealring_status attributes_check(struct attempt *attempt, CK_OBJECT_HANDLE handle)
{
    char wrong[TOKEN_KEY_WRONG_SIZE];
    bool narrowable, sign, known;
    sealring_status status = attributes_judge(attempt, handle, wrong, &narrowable);
    if (status == SEALRING_OK && wrong[0] != '\0')
        return attributes_alarm(attempt, wrong);
    if (status == SEALRING_OK)
        status = object_read_bool(attempt, handle, CKA_SIGN, &sign, &known);
    if (status == SEALRING_OK && !sign)
        return attempt_fail(attempt, CKR_KEY_FUNCTION_NOT_PERMITTED, "C_GetAttributeValue", attempt_name(attempt));
    return status;
}

sealring_status attributes_check_private(struct attempt *attempt, CK_OBJECT_HANDLE handle)
{
    char wrong[TOKEN_KEY_WRONG_SIZE] = "";
    bool narrowable = false;
    sealring_status status = attributes_judge_flags(attempt, handle, ATTRIBUTES_PRIVATE, wrong, &narrowable);
    return status == SEALRING_OK && wrong[0] != '\0' ? attributes_alarm(attempt, wrong) : status;
}

sealring_status attributes_narrow(struct attempt *attempt, CK_OBJECT_HANDLE handle)
{
    CK_BBOOL no = CK_FALSE;
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; i < ATTRIBUTES_COUNT && status == SEALRING_OK; i++) {
        bool value, known;
        if (!(attributes[i].use & ATTRIBUTES_NARROWS))
            continue;
        status = object_read_bool(attempt, handle, attributes[i].type, &value, &known);
        if (status == SEALRING_OK && value)
            status = object_set(attempt, handle, attributes[i].type, &no, sizeof(no), "taking a usage away from a key");
    }
    return status;
}
