/* SPDX-License-Identifier: Apache-2.0 */
/* The attributes of a version's key object: the template to generate it, and the checks when it is read back. */
#ifndef TOKEN_KEY_ATTRIBUTES_H
#define TOKEN_KEY_ATTRIBUTES_H

#include <stdbool.h>

#include "token/key/key_object.h"
#include "token/session/attempt.h"

/* The attributes that a template omits for a token that does not know them. Never one that protects the secret. */
enum attributes_without {
    ATTRIBUTES_ALL = 0,
    ATTRIBUTES_WITHOUT_MECHANISMS = 1, /* CKA_ALLOWED_MECHANISMS */
    ATTRIBUTES_WITHOUT_COPYABLE = 2,   /* CKA_COPYABLE */
    ATTRIBUTES_WITHOUT_BOTH = 3
};

#define ATTRIBUTES_TEMPLATE_MAX 24

/* Fills the template, and returns its length; what the arguments point to must live as long as the template. `without`: a sum of
 * attributes_without. */
CK_ULONG attributes_fill(CK_ATTRIBUTE template[ATTRIBUTES_TEMPLATE_MAX], const CK_KEY_TYPE *key_type, unsigned without,
                         CK_ATTRIBUTE object_id, const char *label);

/* Reads back every relevant attribute of a secret key. SEALRING_REFUSED: the object is closed (token_code
 * CKR_KEY_FUNCTION_NOT_PERMITTED), or it is not as sealring makes it, which is an alarm. */
sealring_status attributes_check(struct attempt *attempt, CK_OBJECT_HANDLE handle);

/* Reads back what protects a key pair's private key. SEALRING_REFUSED with an alarm. */
sealring_status attributes_check_private(struct attempt *attempt, CK_OBJECT_HANDLE handle);

/* Finds all that is wrong with a secret key object, whether or not it is closed: "CKA_DERIVE is true, CKA_LOCAL is false"; "" if nothing
 * is wrong. *narrowable: attributes_narrow corrects all of it. */
sealring_status attributes_judge(struct attempt *attempt, CK_OBJECT_HANDLE handle, char wrong[TOKEN_KEY_WRONG_SIZE],
                                 bool *narrowable);

/* Clears the usages other than signing, and forbids copies. Permits nothing. */
sealring_status attributes_narrow(struct attempt *attempt, CK_OBJECT_HANDLE handle);

#endif
