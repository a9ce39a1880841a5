/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC-SHA256 in the token, and the proof that a key is the one in the registry. */
#ifndef TOKEN_KEY_HMAC_H
#define TOKEN_KEY_HMAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "token/key/key_object.h"
#include "token/session/attempt.h"

/* Signs data with exactly this object. The caller wipes mac. */
sealring_status hmac_sign(struct attempt *attempt, CK_OBJECT_HANDLE handle, const char *name, const uint8_t *data,
                          size_t length, uint8_t mac[TOKEN_HMAC_SIZE]);

/* Signs twice: SEALRING_TOKEN if the token's answers differ. For results that are stored and compared later. */
sealring_status hmac_sign_twice(struct attempt *attempt, CK_OBJECT_HANDLE handle, const char *name, const uint8_t *data,
                                size_t length, uint8_t mac[TOKEN_HMAC_SIZE]);

/* Checks that the lengths in it are possible. SEALRING_INVALID. */
sealring_status hmac_check_reference(const struct token_key_reference *reference, sealring_error *error);

#endif
