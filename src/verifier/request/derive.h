/* SPDX-License-Identifier: Apache-2.0 */
/* Makes claims from registry rows, and credentials from claims. Secrets are derived only here. */
#ifndef VERIFIER_REQUEST_DERIVE_H
#define VERIFIER_REQUEST_DERIVE_H

#include "credential/credential_text.h"
#include "kdf/claims.h"
#include "registry/rows/rows.h"
#include "token/key/key_object.h"
#include "verifier/cache/snapshot.h"

/* The claims of the holder's row: key, client and credential. */
void derive_claims(const uint8_t vault_id[REGISTRY_ID_SIZE], const uint8_t ring_id[REGISTRY_ID_SIZE],
                   const struct registry_holder *holder, struct claims *claims);

/* SEALRING_TOKEN, naming the kind: this program cannot derive with the version's key, which has another kind of pseudorandom function. */
sealring_status derive_knows_prf(const struct registry_ring *ring, const struct registry_version *version,
                                 sealring_error *error);

/* Proves the version's key (token_key_prove). *answer is TOKEN_REFUSES also for an unknown kind. */
sealring_status derive_prove(struct token *token, const struct registry_vault *vault, const struct registry_ring *ring,
                             const struct registry_version *version, enum token_answer *answer, sealring_error *error);

/* How the version's key object is found in the token and proved. */
void derive_reference(const struct registry_vault *vault, const struct registry_ring *ring,
                      const struct registry_version *version, struct token_key_reference *reference);

/* The same from a verifier's snapshot, for a kind of pseudorandom function that this program knows. */
sealring_status derive_known_reference(const uint8_t vault_id[REGISTRY_ID_SIZE], const struct known_version *version,
                                       struct token_key_reference *reference, sealring_error *error);

/* Makes the whole text under `prefix`, and its digest (NULL: not needed). The caller wipes the text. */
sealring_status derive_text(struct token *token, const struct token_key_reference *reference, const char *prefix,
                            const struct claims *claims, char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1],
                            uint8_t digest[TEXT_DIGEST_SIZE], sealring_error *error);

/* Derives the binding of an imported key's digest to its claims with one HMAC in the token. */
sealring_status derive_binding(struct token *token, const struct token_key_reference *reference,
                               const struct claims *claims, const uint8_t digest[TEXT_DIGEST_SIZE],
                               uint8_t binding[TEXT_DIGEST_SIZE], sealring_error *error);

#endif
