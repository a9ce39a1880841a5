/* SPDX-License-Identifier: Apache-2.0 */
/* The labels of sealring's key objects in the token. */
#include "manage/tokens/object_label.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/base62.h"

void recover_intention_label(const uint8_t nonce[REGISTRY_ID_SIZE], char label[TOKEN_LABEL_MAX + 1])
{
    char text[2 * REGISTRY_ID_SIZE + 1];
    hex_encode(nonce, REGISTRY_ID_SIZE, text);
    snprintf(label, TOKEN_LABEL_MAX + 1, "sealring-intent/%s", text);
}

void recover_version_label(const char *ring, uint32_t number, char label[TOKEN_LABEL_MAX + 1])
{
    snprintf(label, TOKEN_LABEL_MAX + 1, "sealring/%s/%" PRIu32, ring, number);
}

void recover_probe_label(const uint8_t vault_id[REGISTRY_ID_SIZE], char label[TOKEN_LABEL_MAX + 1])
{
    char digits[2 * REGISTRY_ID_SIZE + 1];
    hex_encode(vault_id, REGISTRY_ID_SIZE, digits);
    snprintf(label, TOKEN_LABEL_MAX + 1, "sealring-probe/%s", digits);
}
