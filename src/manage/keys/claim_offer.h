/* SPDX-License-Identifier: Apache-2.0 */
/* Offers a claim code in the place of a credential. */
#ifndef MANAGE_KEYS_CLAIM_OFFER_H
#define MANAGE_KEYS_CLAIM_OFFER_H

#include "manage/keys/seal.h"

/* If the manager's caller asked for codes (sealring_claim_credentials): replaces the credential in `text` by a code, and sets the key's claim,
 * in memory. Nothing for an imported key. SEALRING_REFUSED with SEAL_UNCONFIRMED if the claim of the same credential is contested. */
sealring_status claim_offer(sealring_manager *manager, const struct registry_vault *vault,
                            struct registry_holder *holder, char text[SEAL_TEXT_SIZE], enum seal_doubt *doubt,
                            sealring_error *error);

#endif
