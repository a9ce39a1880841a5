/* SPDX-License-Identifier: Apache-2.0 */
/* The encoding from which the secret is derived that a client's webhooks are signed with. */
#include "kdf/webhook_input.h"

#include <string.h>

#include "base/writer.h"
#include "kdf/kdf.h"

/* Bound to the format, as those of claims.c. */
#define WEBHOOK_LABEL       "sealring webhook v1"
#define WEBHOOK_CONTEXT_MAX (CLAIMS_VAULT_ID_SIZE + CLAIMS_RING_ID_SIZE + 4 + 2 + SEALRING_NAME_LENGTH_MAX)

_Static_assert(4 + sizeof WEBHOOK_LABEL + WEBHOOK_CONTEXT_MAX + 4 <= WEBHOOK_INPUT_MAX, "it always fits");

size_t webhook_input(const uint8_t vault_id[CLAIMS_VAULT_ID_SIZE], const uint8_t ring_id[CLAIMS_RING_ID_SIZE],
                     uint32_t version, const char *client, uint8_t input[WEBHOOK_INPUT_MAX])
{
    uint8_t bytes[WEBHOOK_CONTEXT_MAX];
    struct writer context, writer;
    size_t length = strlen(client);
    if (version == 0 || length == 0 || length > SEALRING_NAME_LENGTH_MAX)
        return 0;
    writer_init(&context, bytes, sizeof bytes);
    writer_bytes(&context, vault_id, CLAIMS_VAULT_ID_SIZE);
    writer_bytes(&context, ring_id, CLAIMS_RING_ID_SIZE);
    writer_u32(&context, version);
    writer_field(&context, client, length);
    writer_init(&writer, input, WEBHOOK_INPUT_MAX);
    kdf_write_input(&writer, WEBHOOK_LABEL, context.data, context.length);
    return writer.length;
}
