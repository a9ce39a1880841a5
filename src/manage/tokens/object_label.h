/* SPDX-License-Identifier: Apache-2.0 */
/* The labels of sealring's key objects in the token. */
#ifndef MANAGE_TOKENS_OBJECT_LABEL_H
#define MANAGE_TOKENS_OBJECT_LABEL_H

#include "registry/connection/registry.h"
#include "token/session/token.h"
#include "token/session/key_reference.h"

/* "sealring-intent/NONCE", "sealring/RING/VERSION", and "sealring-probe/VAULTID" for the key with which `init` tests the token. */
void recover_intention_label(const uint8_t nonce[REGISTRY_ID_SIZE], char label[TOKEN_LABEL_MAX + 1]);
void recover_version_label(const char *ring, uint32_t number, char label[TOKEN_LABEL_MAX + 1]);
void recover_probe_label(const uint8_t vault_id[REGISTRY_ID_SIZE], char label[TOKEN_LABEL_MAX + 1]);

#endif
