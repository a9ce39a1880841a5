/* SPDX-License-Identifier: Apache-2.0 */
/* The attributes of a version's key object: the template to generate it, and the checks when it is read back. */
#ifndef TOKEN_KEY_ATTRIBUTES_H
#define TOKEN_KEY_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "token/session/attempt.h"

/* The attributes that a template omits for a token that does not know them. Never one that protects the secret. */
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

/* Fills the template; object_id and label must live as long as the template. `without`: a sum of attributes_without. */
void attributes_fill(struct attributes_template *template, CK_KEY_TYPE key_type, unsigned without,
                     const uint8_t *object_id, size_t object_id_length, const char *label);

/* Reads back every relevant attribute. SEALRING_REFUSED: the object is closed (token_code CKR_KEY_FUNCTION_NOT_PERMITTED), or it is not
 * as sealring makes it, which is an alarm. `name` is for messages. */
sealring_status attributes_check(struct attempt *attempt, CK_OBJECT_HANDLE handle, const char *name);

/* All that is wrong with a secret key object, whether or not it is closed. */
struct attributes_verdict {
    char wrong[256]; /* "CKA_DERIVE is true, CKA_LOCAL is false"; "" if nothing is wrong */
    bool narrowable; /* attributes_narrow corrects all of it */
};
sealring_status attributes_judge(struct attempt *attempt, CK_OBJECT_HANDLE handle, struct attributes_verdict *verdict);

/* Clears the usages other than signing, and forbids copies. Permits nothing. */
sealring_status attributes_narrow(struct attempt *attempt, CK_OBJECT_HANDLE handle);

#endif
