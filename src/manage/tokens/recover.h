/* SPDX-License-Identifier: Apache-2.0 */
/* Finishing what an interrupted operation left half done in the token. */
#ifndef MANAGE_TOKENS_RECOVER_H
#define MANAGE_TOKENS_RECOVER_H

#include "manage/session/manager.h"

/* Under the vault's lock, with the token open: completes or undoes every intention (destroying only an object that still
 * bears its intention's label), and closes the objects of closed versions that the token could not be told to close. It
 * never gives CKA_SIGN back and never destroys another object: that takes an operator's act. */
sealring_status recover_unfinished(sealring_manager *manager, sealring_error *error);

/* "sealring-intent/NONCE", "sealring/RING/VERSION", and "sealring-probe/VAULTID" of the key by which `init` tries the token. */
void recover_intention_label(const uint8_t nonce[REGISTRY_ID_SIZE], char label[TOKEN_LABEL_MAX + 1]);
void recover_version_label(const char *ring, uint32_t number, char label[TOKEN_LABEL_MAX + 1]);
void recover_probe_label(const uint8_t vault_id[REGISTRY_ID_SIZE], char label[TOKEN_LABEL_MAX + 1]);

#endif
