/* SPDX-License-Identifier: Apache-2.0 */
/* A version's object in the token: changed and destroyed only if it belongs to that version. */
#include "manage/tokens/version_object.h"

#include <string.h>

#include "base/error.h"
#include "base/sha256.h"
#include "manage/tokens/object_label.h"
#include "verifier/request/derive.h"

#define MARK_TAG      "sealring object v1"
#define MARK_ID_LEAST 8 /* bytes of an ID that has room for a mark */

void owned_aim(const struct registry_vault *vault, const struct registry_ring *ring,
               const struct registry_version *version, struct owned *owned)
{
    memset(owned, 0, sizeof *owned);
    (void)derive_knows_prf(ring, version, &owned->unknown);
    derive_reference(vault, ring, version, &owned->reference);
    recover_version_label(ring->name, version->number, owned->label);
    owned->marked = owned_is_marked(vault->vault_id, version->object_id, version->object_id_length);
}

sealring_status owned_identify(struct token *token, struct owned *owned, sealring_error *error)
{
    owned->answer = TOKEN_REFUSES;
    if (owned->unknown.status == SEALRING_OK)
        return token_key_identify(token, &owned->reference, owned->label, owned->marked, &owned->answer, error);
    return error_set(error, SEALRING_TOKEN, "%s", owned->unknown.message);
}

sealring_status owned_allow_sign(struct token *token, struct owned *owned, bool allow, sealring_error *error)
{
    const struct token_key_reference *reference = &owned->reference;
    sealring_status status = owned_identify(token, owned, error);
    if (status == SEALRING_OK)
        status = token_key_allow_sign(token, reference->object_id, reference->object_id_length, NULL, allow,
                                      &owned->answer, error);
    if (status != SEALRING_OK || !allow)
        return status;
    status = token_key_identify(token, reference, owned->label, false, &owned->answer, error);
    if (owned->answer == TOKEN_REFUSES) /* another vault's key, closed by that vault */
        (void)token_key_allow_sign(token, reference->object_id, reference->object_id_length, NULL, false, NULL, NULL);
    return status;
}

sealring_status owned_narrow(struct token *token, struct owned *owned, sealring_error *error)
{
    const struct token_key_reference *reference = &owned->reference;
    sealring_status status = owned_identify(token, owned, error);
    return status == SEALRING_OK
               ? token_key_narrow(token, reference->object_id, reference->object_id_length, NULL, error)
               : status;
}

sealring_status owned_destroy(struct token *token, struct owned *owned, sealring_error *error)
{
    const struct token_key_reference *reference = &owned->reference;
    sealring_status status = owned_identify(token, owned, error);
    return status == SEALRING_OK ? token_key_destroy(token, reference->object_id, reference->object_id_length, NULL,
                                                     &owned->answer, error)
                                 : status;
}

void owned_mark(const uint8_t vault_id[REGISTRY_ID_SIZE], uint8_t *object_id, size_t length)
{
    struct sha256 hash;
    uint8_t mark[SHA256_SIZE];
    size_t random = length - length / 2;
    if (length < MARK_ID_LEAST)
        return;
    sha256_start(&hash);
    sha256_add(&hash, MARK_TAG, sizeof MARK_TAG);
    sha256_add(&hash, vault_id, REGISTRY_ID_SIZE);
    sha256_add(&hash, object_id, random);
    sha256_finish(&hash, mark);
    memcpy(object_id + random, mark, length / 2);
}

bool owned_is_marked(const uint8_t vault_id[REGISTRY_ID_SIZE], const uint8_t *object_id, size_t length)
{
    uint8_t marked[REGISTRY_OBJECT_ID_MAX];
    if (length < MARK_ID_LEAST || length > sizeof marked)
        return false;
    memcpy(marked, object_id, length);
    owned_mark(vault_id, marked, length);
    return memcmp(object_id, marked, length) == 0;
}
