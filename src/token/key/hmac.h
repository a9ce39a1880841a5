/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC-SHA256 in the token, and what proves that a key is the one that the registry means. */
#ifndef TOKEN_KEY_HMAC_H
#define TOKEN_KEY_HMAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "token/key/key_object.h"
#include "token/session/attempt.h"

/* Signs data under this very object. mac has to be wiped by the caller. */
sealring_status hmac_sign(struct attempt *attempt, CK_OBJECT_HANDLE handle, const char *name, const uint8_t *data,
                          size_t length, uint8_t mac[TOKEN_HMAC_SIZE]);

/* The same twice: SEALRING_TOKEN if the token's answers differ. For what is kept and compared with later. */
sealring_status hmac_sign_twice(struct attempt *attempt, CK_OBJECT_HANDLE handle, const char *name, const uint8_t *data,
                                size_t length, uint8_t mac[TOKEN_HMAC_SIZE]);

/* Finds the key, reads its attributes back, compares its check value, and enters it into the index. Under the lock
 * around find + create + set + destroy. `afresh` false: what another thread proved meanwhile will do. */
sealring_status hmac_prove(struct attempt *attempt, const struct token_key_reference *reference, bool afresh);

/* Whether the lengths in it are possible. SEALRING_INVALID. */
sealring_status hmac_check_reference(const struct token_key_reference *reference, sealring_error *error);

#endif
