/* SPDX-License-Identifier: Apache-2.0 */
/* Cryptoki by hand, for what sealring never makes: imported keys, copies, keys of other people. */
#ifndef TESTS_TOKEN_RAW_H
#define TESTS_TOKEN_RAW_H

#include <string.h>

#include "lib/runner.h"
#include "lib/token_kind.h"
#include "token/session/attempt.h"

struct raw {
    struct token *token;
    CK_FUNCTION_LIST *functions;
    CK_SESSION_HANDLE session;
    struct attempt attempt; /* for calling internal functions */
};

static inline void raw_open(struct raw *raw, struct token *token)
{
    memset(raw, 0, sizeof(*raw));
    raw->token = token;
    raw->functions = token->module->functions;
    ck_assert_uint_eq(
        raw->functions->C_OpenSession(token->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &raw->session),
        CKR_OK);
    raw->attempt = (struct attempt){.token = token,
                                    .functions = raw->functions,
                                    .session = raw->session,
                                    .generation = atomic_load(&token->generation),
                                    .object = {CKA_LABEL, "a test's key", 12}};
}

static inline void raw_close(struct raw *raw)
{
    ck_assert_uint_eq(raw->functions->C_CloseSession(raw->session), CKR_OK);
}

/* Imports a secret as a session object that may sign. */
static inline CK_OBJECT_HANDLE raw_import(struct raw *raw, const uint8_t *secret, size_t length)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_TOKEN, &no, sizeof(no)},
        {CKA_SIGN, &yes, sizeof(yes)},
        {CKA_VALUE, (void *)(uintptr_t)secret, length},
    };
    ck_assert_uint_eq(raw->functions->C_CreateObject(raw->session, template, 5, &handle), CKR_OK);
    return handle;
}

/* Imports a secret as a token object with this ID that says of itself what sealring's keys do, but for its origin. */
static inline CK_OBJECT_HANDLE raw_import_as_ours(struct raw *raw, const char *object_id)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_BYTE secret[32] = "everybody may know this one: yes";
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_TOKEN, &yes, sizeof(yes)},
        {CKA_PRIVATE, &yes, sizeof(yes)},
        {CKA_SENSITIVE, &yes, sizeof(yes)},
        {CKA_EXTRACTABLE, &no, sizeof(no)},
        {CKA_SIGN, &yes, sizeof(yes)},
        {CKA_VERIFY, &no, sizeof(no)},
        {CKA_ID, (void *)(uintptr_t)object_id, strlen(object_id)},
        {CKA_VALUE, secret, sizeof(secret)},
    };
    ck_assert_uint_eq(
        raw->functions->C_CreateObject(raw->session, template, sizeof(template) / sizeof(template[0]), &handle),
        CKR_OK);
    return handle;
}

/* How raw_generate departs from what sealring makes. */
struct raw_oddity {
    CK_ATTRIBUTE_TYPE type; /* set to `value` instead of what it should be */
    CK_BBOOL value;
    CK_ULONG length; /* of the secret, 0: 32 */
};

/* Generates a token object with this ID, right but for the oddity. */
static inline CK_OBJECT_HANDLE raw_generate(struct raw *raw, const char *object_id, const struct raw_oddity *oddity)
{
    CK_MECHANISM mechanism = {CKM_GENERIC_SECRET_KEY_GEN, NULL, 0};
    CK_ULONG length = oddity->length != 0 ? oddity->length : 32;
    CK_BBOOL values[] = {CK_TRUE,  CK_TRUE,  CK_FALSE, CK_TRUE,  CK_FALSE, CK_FALSE,
                         CK_FALSE, CK_FALSE, CK_FALSE, CK_FALSE, CK_FALSE};
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_PRIVATE, CKA_SENSITIVE, CKA_EXTRACTABLE, CKA_SIGN,
                                              CKA_VERIFY,  CKA_ENCRYPT,   CKA_DECRYPT,     CKA_WRAP,
                                              CKA_UNWRAP,  CKA_DERIVE,    CKA_COPYABLE};
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE template[3 + sizeof(types) / sizeof(types[0])] = {
        {CKA_TOKEN, &yes, sizeof(yes)},
        {CKA_ID, (void *)(uintptr_t)object_id, strlen(object_id)},
        {CKA_VALUE_LEN, &length, sizeof(length)},
    };
    CK_ULONG count = 3;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (types[i] == oddity->type)
            values[i] = oddity->value;
        if (types[i] == CKA_COPYABLE && !token_kind()->refuses_copies)
            continue; /* it does not know the attribute */
        template[count++] = (CK_ATTRIBUTE){types[i], &values[i], sizeof(values[i])};
    }
    CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
    ck_assert_uint_eq(raw->functions->C_GenerateKey(raw->session, &mechanism, template, count, &handle), CKR_OK);
    return handle;
}

#endif
