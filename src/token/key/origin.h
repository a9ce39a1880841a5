/* SPDX-License-Identifier: Apache-2.0 */
/* Where a key was made, on a token that does not say so by CKA_LOCAL. */
#ifndef TOKEN_KEY_ORIGIN_H
#define TOKEN_KEY_ORIGIN_H

#include <stdbool.h>

#include "token/session/attempt.h"

/* *other: this token calls no key local, not even one that it generated a moment ago, but tells imported ones by
 * CKA_ALWAYS_SENSITIVE and CKA_NEVER_EXTRACTABLE. Then CKA_LOCAL false says nothing, and those two do. Found out once by a key
 * of either kind, which are session objects and destroyed again; where the token refuses to make or take one, *other is false. Under
 * the lock around find + create + set + destroy. */
sealring_status origin_is_told_otherwise(struct attempt *attempt, bool *other);

#endif
