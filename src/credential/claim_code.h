/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a claim code, claim_KEYID_SECRETCHECK: it is traded once for a credential of the API key. Pure. */
#ifndef CREDENTIAL_CLAIM_CODE_H
#define CREDENTIAL_CLAIM_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/verify.h>

#define CLAIM_CODE_DIGITS 22 /* of the secret in base62: 131 bits */
#define CLAIM_CODE_LENGTH (6 + SEALRING_KEY_ID_LENGTH + 1 + CLAIM_CODE_DIGITS + 6)
#define CLAIM_CODE_SIZE   (CLAIM_CODE_LENGTH + 1)
#define CLAIM_DIGEST_SIZE 32

/* Random bytes that give the secret's digits, with room for those that are skipped. */
#define CLAIM_CODE_RANDOM 64

/* Writes the text and its NUL. False: the random bytes are none. */
bool claim_code_format(const char *key_id, const uint8_t random[CLAIM_CODE_RANDOM], char text[CLAIM_CODE_SIZE]);

/* False: that is no claim code, or has a typo. */
bool claim_code_parse(const char *text, size_t length, char key_id[SEALRING_KEY_ID_LENGTH + 1]);

/* SHA-256 over `sealring claim v1`, 00, the vault's ID, and the text. */
void claim_code_digest(const uint8_t vault_id[16], const char text[CLAIM_CODE_LENGTH],
                       uint8_t digest[CLAIM_DIGEST_SIZE]);

#endif
