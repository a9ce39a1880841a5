/* SPDX-License-Identifier: Apache-2.0 */
/* From registry rows to claims, from claims to the credential: the one place where a secret is derived. */
#ifndef VERIFIER_REQUEST_DERIVE_H
#define VERIFIER_REQUEST_DERIVE_H

#include "credential/credential_text.h"
#include "kdf/claims.h"
#include "registry/rows/rows.h"
#include "token/key/key_object.h"
#include "verifier/cache/snapshot.h"

/* The claims that a credential's row stands for: key, client and credential of the holder. */
void derive_claims(const uint8_t vault_id[REGISTRY_ID_SIZE], const uint8_t ring_id[REGISTRY_ID_SIZE],
                   const struct registry_holder *holder, struct claims *claims);

/* How the version's object is found and proved in the token. */
void derive_reference(const struct registry_vault *vault, const struct registry_ring *ring,
                      const struct registry_version *version, struct token_key_reference *reference);

/* The same from a verifier's snapshot. False if it is not well formed. */
bool derive_known_reference(const uint8_t vault_id[REGISTRY_ID_SIZE], const struct known_version *version,
                            struct token_key_reference *reference);

/* The secret for these claims: one HMAC in the token. Returns as token_hmac; the caller wipes it. */
sealring_status derive_secret(struct token *token, const struct token_key_reference *reference,
                              const struct claims *claims, uint8_t secret[TEXT_SECRET_SIZE], sealring_error *error);

/* The whole text under `prefix`, and its digest (NULL: not wanted). text has to be wiped by the caller. */
sealring_status derive_text(struct token *token, const struct token_key_reference *reference, const char *prefix,
                            const struct claims *claims, char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1],
                            uint8_t digest[TEXT_DIGEST_SIZE], sealring_error *error);

/* What binds an imported key's digest to its claims: one HMAC in the token. */
sealring_status derive_binding(struct token *token, const struct token_key_reference *reference,
                               const struct claims *claims, const uint8_t digest[TEXT_DIGEST_SIZE],
                               uint8_t binding[TEXT_DIGEST_SIZE], sealring_error *error);

#endif
