/* SPDX-License-Identifier: Apache-2.0 */
/* The only encoding of the claims from which a credential's secret, and a version's check value, are derived. */
#include "kdf/claims.h"

#include <string.h>

#include "base/writer.h"
#include "kdf/kdf.h"

/* Bound to the formats: another encoding must have another label, never the same label with a changed context. */
#define CREDENTIAL_LABEL "sealring credential v2"
#define IMPORT_LABEL     "sealring import v2"
#define CHECK_LABEL      "sealring check v1"

/* Of claims that lack the label of the API key, the origin and the predecessor. */
#define CREDENTIAL_LABEL_1 "sealring credential v1"
#define IMPORT_LABEL_1     "sealring import v1"

/* Counter, the separator 0x00 and L. */
#define INPUT_OVERHEAD (4 + 1 + 4)

#define CONTEXT_MAX                                                                                             \
    (CLAIMS_VAULT_ID_SIZE + CLAIMS_RING_ID_SIZE + 4 + SEALRING_KEY_ID_LENGTH + 4 + CLAIMS_NONCE_SIZE + 2 +      \
     SEALRING_NAME_LENGTH_MAX + 2 + SEALRING_SCOPES_LENGTH_MAX + 8 + 8 + 2 + SEALRING_NAME_LENGTH_MAX + 8 + 4 + \
     CLAIMS_DIGEST_SIZE)

#define CHECK_CONTEXT_MAX \
    (CLAIMS_VAULT_ID_SIZE + CLAIMS_RING_ID_SIZE + 4 + 2 + CLAIMS_OBJECT_ID_MAX + 2 + SEALRING_NAME_LENGTH_MAX)

_Static_assert(sizeof CREDENTIAL_LABEL - 1 + INPUT_OVERHEAD + CONTEXT_MAX <= CLAIMS_INPUT_MAX, "claims always fit");
_Static_assert(sizeof CHECK_LABEL - 1 + INPUT_OVERHEAD + CHECK_CONTEXT_MAX <= CLAIMS_CHECK_INPUT_MAX,
               "a check value's context always fits");

/* The assertions above ensure that everything fits. If it did not, there would be no input; without a branch, because no test could
 * take it. */
static size_t write_input(const char *label, const struct writer *context, uint8_t *input, size_t size)
{
    struct writer writer;
    writer_init(&writer, input, size);
    kdf_write_input(&writer, label, context->data, context->length);
    return writer.length * (size_t) !(context->overflow | writer.overflow);
}

/* Texts from the registry may lack the NUL within their size. */
static bool well_formed(const struct claims *claims)
{
    return claims->version != 0 && claims->serial != 0 && claims->not_before >= 0 && claims->expires >= 0 &&
           claims->origin >= 0 && strnlen(claims->key_id, sizeof claims->key_id) == SEALRING_KEY_ID_LENGTH &&
           strnlen(claims->client, sizeof claims->client) < sizeof claims->client &&
           strnlen(claims->label, sizeof claims->label) < sizeof claims->label &&
           strnlen(claims->scopes, sizeof claims->scopes) < sizeof claims->scopes;
}

size_t claims_input(const struct claims *claims, const uint8_t *digest, uint8_t input[CLAIMS_INPUT_MAX])
{
    if (!well_formed(claims))
        return 0;
    uint8_t bytes[CONTEXT_MAX];
    struct writer context;
    writer_init(&context, bytes, sizeof bytes);
    writer_bytes(&context, claims->vault_id, sizeof claims->vault_id);
    writer_bytes(&context, claims->ring_id, sizeof claims->ring_id);
    writer_u32(&context, claims->version);
    writer_bytes(&context, claims->key_id, SEALRING_KEY_ID_LENGTH);
    writer_u32(&context, claims->serial);
    writer_bytes(&context, claims->nonce, sizeof claims->nonce);
    writer_field(&context, claims->client, strlen(claims->client));
    writer_field(&context, claims->scopes, strlen(claims->scopes));
    writer_u64(&context, (uint64_t)claims->not_before);
    writer_u64(&context, (uint64_t)claims->expires);
    bool labelled = claims->label[0] != '\0';
    if (labelled) {
        writer_field(&context, claims->label, strlen(claims->label));
        writer_u64(&context, (uint64_t)claims->origin);
        writer_u32(&context, claims->predecessor);
    }
    if (digest != NULL)
        writer_bytes(&context, digest, CLAIMS_DIGEST_SIZE);

    const char *label = digest == NULL ? (labelled ? CREDENTIAL_LABEL : CREDENTIAL_LABEL_1)
                                       : (labelled ? IMPORT_LABEL : IMPORT_LABEL_1);
    return write_input(label, &context, input, CLAIMS_INPUT_MAX);
}

size_t claims_check_input(const uint8_t vault_id[CLAIMS_VAULT_ID_SIZE], const uint8_t ring_id[CLAIMS_RING_ID_SIZE],
                          uint32_t version, const uint8_t *object_id, size_t object_id_length, const char *ring_name,
                          uint8_t input[CLAIMS_CHECK_INPUT_MAX])
{
    if (object_id_length == 0 || object_id_length > CLAIMS_OBJECT_ID_MAX ||
        strlen(ring_name) > SEALRING_NAME_LENGTH_MAX)
        return 0;
    uint8_t bytes[CHECK_CONTEXT_MAX];
    struct writer context;
    writer_init(&context, bytes, sizeof bytes);
    writer_bytes(&context, vault_id, CLAIMS_VAULT_ID_SIZE);
    writer_bytes(&context, ring_id, CLAIMS_RING_ID_SIZE);
    writer_u32(&context, version);
    writer_field(&context, object_id, object_id_length);
    writer_field(&context, ring_name, strlen(ring_name));
    return write_input(CHECK_LABEL, &context, input, CLAIMS_CHECK_INPUT_MAX);
}
