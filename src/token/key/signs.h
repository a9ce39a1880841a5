/* SPDX-License-Identifier: Apache-2.0 */
/* Determines by a test whether a key signs, whatever its attributes are. */
#ifndef TOKEN_KEY_SIGNS_H
#define TOKEN_KEY_SIGNS_H

#include <stdbool.h>

#include "token/key/key_object.h"
#include "token/session/attempt.h"

/* *signs: both C_SignInit and C_Sign succeeded. SEALRING_TOKEN if the token neither signs nor refuses. */
sealring_status signs_ask(struct attempt *attempt, CK_OBJECT_HANDLE handle, bool *signs);

#endif
