/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC-SHA256 in the token, and the proof that a key is the one in the registry. */
#ifndef TOKEN_KEY_HMAC_H
#define TOKEN_KEY_HMAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "token/key/key_object.h"
#include "token/session/attempt.h"

/* An attempt at the reference's key. Prevented if the lengths in the reference are not possible. */
struct attempt hmac_attempt(struct token *token, enum attempt_kind kind, const struct token_key_reference *reference);

/* Signs data with exactly this object. The caller wipes mac. */
sealring_status hmac_sign(struct attempt *attempt, CK_OBJECT_HANDLE handle, const uint8_t *data, size_t length,
                          uint8_t mac[TOKEN_HMAC_SIZE]);

/* Signs twice: SEALRING_TOKEN if the token's answers differ. For results that are stored and compared later. */
sealring_status hmac_sign_twice(struct attempt *attempt, CK_OBJECT_HANDLE handle, const uint8_t *data, size_t length,
                                uint8_t mac[TOKEN_HMAC_SIZE]);

/* Determines by a test whether this object signs, whatever its attributes are: *signs if both C_SignInit and C_Sign succeeded; some tokens
 * refuse only the second. SEALRING_TOKEN if the token neither signs nor refuses. */
sealring_status hmac_test(struct attempt *attempt, CK_OBJECT_HANDLE handle, bool *signs);

/* Forgets the handle of the attempt's key. */
void hmac_forget(struct attempt *attempt);

#endif
