/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a key signs, whatever its attributes are: found out by asking it. */
#ifndef TOKEN_KEY_SIGNS_H
#define TOKEN_KEY_SIGNS_H

#include <stdbool.h>

#include "token/key/key_object.h"
#include "token/session/attempt.h"

/* *signs: C_SignInit and C_Sign both did it. SEALRING_TOKEN if the token neither signs nor refuses. */
sealring_status signs_ask(struct attempt *attempt, CK_OBJECT_HANDLE handle, bool *signs);

#endif
