/* SPDX-License-Identifier: Apache-2.0 */
/* The encoding from which the secret is derived that a client's webhooks are signed with. */
#ifndef KDF_WEBHOOK_INPUT_H
#define KDF_WEBHOOK_INPUT_H

#include "kdf/claims.h"

#define WEBHOOK_INPUT_MAX 144

/* Writes the whole KDF input (Label "sealring webhook v1"; Context vault ID, ring ID, version (32 bits), client after its length (16 bits), big-endian) and
 * returns its length; 0 if the version is 0, or the client's name is empty or longer than SEALRING_NAME_LENGTH_MAX. */
size_t webhook_input(const uint8_t vault_id[CLAIMS_VAULT_ID_SIZE], const uint8_t ring_id[CLAIMS_RING_ID_SIZE],
                     uint32_t version, const char *client, uint8_t input[WEBHOOK_INPUT_MAX]);

#endif
