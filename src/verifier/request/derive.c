/* SPDX-License-Identifier: Apache-2.0 */
/* Makes claims from registry rows, and credentials from claims. Secrets are derived only here. */
#include "verifier/request/derive.h"

#include <string.h>

#include "base/error.h"
#include "base/secret.h"

_Static_assert(CLAIMS_OBJECT_ID_MAX == TOKEN_OBJECT_ID_MAX && TOKEN_OBJECT_ID_MAX == REGISTRY_OBJECT_ID_MAX,
               "one length of CKA_ID everywhere");
_Static_assert(CLAIMS_CHECK_INPUT_MAX == TOKEN_CHECK_INPUT_MAX, "the check input fits into a key reference");
_Static_assert(TOKEN_HMAC_SIZE == TEXT_SECRET_SIZE, "one KDF block is the secret");

void derive_claims(const uint8_t vault_id[REGISTRY_ID_SIZE], const uint8_t ring_id[REGISTRY_ID_SIZE],
                   const struct registry_holder *holder, struct claims *claims)
{
    memcpy(claims->vault_id, vault_id, sizeof claims->vault_id);
    memcpy(claims->ring_id, ring_id, sizeof claims->ring_id);
    claims->version = holder->credential.version;
    memcpy(claims->key_id, holder->key.key_id, sizeof claims->key_id);
    claims->serial = holder->credential.serial;
    memcpy(claims->nonce, holder->credential.nonce, sizeof claims->nonce);
    memcpy(claims->client, holder->client.name, sizeof claims->client);
    memcpy(claims->label, holder->credential.label, sizeof claims->label);
    memcpy(claims->scopes, holder->credential.scopes, strlen(holder->credential.scopes) + 1);
    claims->not_before = holder->credential.not_before;
    claims->expires = holder->credential.expires;
    const bool labelled = holder->credential.label[0] != '\0'; /* else nothing vouches for the cells */
    claims->origin = labelled ? holder->credential.origin : 0;
    claims->predecessor = labelled ? holder->credential.predecessor : 0;
}

static void make_reference(const uint8_t vault_id[REGISTRY_ID_SIZE], const uint8_t ring_id[REGISTRY_ID_SIZE],
                           const char *ring_name, uint32_t number, const uint8_t *object_id, size_t object_id_length,
                           const uint8_t check_value[REGISTRY_CHECK_VALUE_SIZE], struct token_key_reference *reference)
{
    memcpy(reference->object_id, object_id, object_id_length);
    reference->object_id_length = object_id_length;
    memcpy(reference->check_value, check_value, sizeof reference->check_value);
    reference->check_input_length =
        claims_check_input(vault_id, ring_id, number, object_id, object_id_length, ring_name, reference->check_input);
}

void derive_reference(const struct registry_vault *vault, const struct registry_ring *ring,
                      const struct registry_version *version, struct token_key_reference *reference)
{
    make_reference(vault->vault_id, ring->ring_id, ring->name, version->number, version->object_id,
                   version->object_id_length, version->check_value, reference);
}

static sealring_status check_prf(const char *ring, uint32_t number, const char *prf, sealring_error *error)
{
    if (strcmp(prf, REGISTRY_HMAC_SHA256) == 0)
        return SEALRING_OK;
    return error_set(
        error, SEALRING_TOKEN,
        "version %u of ring %s derives with %s, which this program does not know: install a newer sealring", number,
        ring, prf);
}

sealring_status derive_knows_prf(const struct registry_ring *ring, const struct registry_version *version,
                                 sealring_error *error)
{
    return check_prf(ring->name, version->number, version->prf, error);
}

sealring_status derive_prove(struct token *token, const struct registry_vault *vault, const struct registry_ring *ring,
                             const struct registry_version *version, enum token_answer *answer, sealring_error *error)
{
    struct token_key_reference reference;
    sealring_status status = derive_knows_prf(ring, version, error);
    *answer = TOKEN_REFUSES;
    if (status != SEALRING_OK)
        return status;
    derive_reference(vault, ring, version, &reference);
    return token_key_prove(token, &reference, answer, error);
}

sealring_status derive_known_reference(const uint8_t vault_id[REGISTRY_ID_SIZE], const struct known_version *version,
                                       struct token_key_reference *reference, sealring_error *error)
{
    sealring_status status = check_prf(version->ring->name, version->number, version->prf, error);
    if (status != SEALRING_OK)
        return status;
    make_reference(vault_id, version->ring->ring_id, version->ring->name, version->number, version->object_id,
                   version->object_id_length, version->check_value, reference);
    if (reference->check_input_length != 0)
        return SEALRING_OK;
    return error_set(error, SEALRING_REGISTRY, "the registry's row of version %u of ring %s is not well formed",
                     version->number, version->ring->name);
}

static sealring_status derive_input(struct token *token, const struct token_key_reference *reference,
                                    const struct claims *claims, const uint8_t *input, size_t length,
                                    uint8_t mac[TOKEN_HMAC_SIZE], sealring_error *error)
{
    if (length == 0 || reference->check_input_length == 0)
        return error_set(error, SEALRING_REGISTRY, "the registry's row of API key %.16s is not well formed",
                         claims->key_id);
    return token_hmac(token, reference, input, length, mac, NULL, error);
}

sealring_status derive_binding(struct token *token, const struct token_key_reference *reference,
                               const struct claims *claims, const uint8_t digest[TEXT_DIGEST_SIZE],
                               uint8_t binding[TEXT_DIGEST_SIZE], sealring_error *error)
{
    uint8_t input[CLAIMS_INPUT_MAX];
    size_t length = claims_input(claims, digest, input);
    return derive_input(token, reference, claims, input, length, binding, error);
}

sealring_status derive_text(struct token *token, const struct token_key_reference *reference, const char *prefix,
                            const struct claims *claims, char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1],
                            uint8_t digest[TEXT_DIGEST_SIZE], sealring_error *error)
{
    uint8_t input[CLAIMS_INPUT_MAX], secret[TEXT_SECRET_SIZE];
    sealring_status status =
        derive_input(token, reference, claims, input, claims_input(claims, NULL, input), secret, error);
    if (status == SEALRING_OK) {
        size_t length = text_format(prefix, claims->key_id, claims->version, secret, text);
        if (length == 0)
            status = error_set(error, SEALRING_REGISTRY, "the registry's row of API key %.16s is not well formed",
                               claims->key_id);
        else if (digest != NULL && !text_digest(text, length, digest))
            status = error_set(error, SEALRING_SYSTEM, "OpenSSL cannot compute SHA-256");
    }
    secret_wipe(secret, sizeof secret);
    return status;
}
