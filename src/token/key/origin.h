/* SPDX-License-Identifier: Apache-2.0 */
/* Determines where a key was made, on a token that does not report it by CKA_LOCAL. */
#ifndef TOKEN_KEY_ORIGIN_H
#define TOKEN_KEY_ORIGIN_H

#include <stdbool.h>

#include "token/session/attempt.h"

/* *other: this token calls no key local, not even one that it has just generated, but marks imported keys by CKA_ALWAYS_SENSITIVE or
 * CKA_NEVER_EXTRACTABLE false. Then those two decide, and not CKA_LOCAL. Tested once with a generated and an imported key, both session
 * objects that are destroyed again. If the token refuses to make either, *other is false. Call it under the lock around find + create +
 * set + destroy. */
sealring_status origin_is_told_otherwise(struct attempt *attempt, bool *other);

#endif
