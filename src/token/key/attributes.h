/* SPDX-License-Identifier: Apache-2.0 */
/* What a version's key object must be: the template it is generated from, and what is read back. */
#ifndef TOKEN_KEY_ATTRIBUTES_H
#define TOKEN_KEY_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "token/session/attempt.h"

/* What a template leaves out for a token that does not know it. Never an attribute that keeps the secret inside. */
enum attributes_without {
    ATTRIBUTES_ALL = 0,
    ATTRIBUTES_WITHOUT_MECHANISMS = 1, /* CKA_ALLOWED_MECHANISMS */
    ATTRIBUTES_WITHOUT_COPYABLE = 2    /* CKA_COPYABLE */
};

#define ATTRIBUTES_TEMPLATE_MAX 24

struct attributes_template {
    CK_ATTRIBUTE items[ATTRIBUTES_TEMPLATE_MAX];
    CK_ULONG count;
    CK_BBOOL yes;
    CK_BBOOL no;
    CK_OBJECT_CLASS class;
    CK_KEY_TYPE key_type;
    CK_ULONG value_length;
    CK_MECHANISM_TYPE mechanism;
};

/* Fills the template; object_id and label must live as long as it does. `without`: a sum of attributes_without. */
void attributes_fill(struct attributes_template *template, CK_KEY_TYPE key_type, unsigned without,
                     const uint8_t *object_id, size_t object_id_length, const char *label);

/* Reads every attribute back that matters. SEALRING_REFUSED: the object is closed (token_code
 * CKR_KEY_FUNCTION_NOT_PERMITTED), or it is not what sealring makes, which is an alarm. `name` for messages. */
sealring_status attributes_check(struct attempt *attempt, CK_OBJECT_HANDLE handle, const char *name);

/* All that is wrong with a secret key object, whether or not it is closed: for those who look after keys. */
struct attributes_verdict {
    char wrong[256]; /* "CKA_DERIVE is true, CKA_LOCAL is false"; "" for nothing */
    bool narrowable; /* attributes_narrow puts all of it right */
};
sealring_status attributes_judge(struct attempt *attempt, CK_OBJECT_HANDLE handle, struct attributes_verdict *verdict);

/* Takes away the usages other than signing, and that it can be copied. Gives nothing. */
sealring_status attributes_narrow(struct attempt *attempt, CK_OBJECT_HANDLE handle);

#endif
