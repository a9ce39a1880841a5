/* SPDX-License-Identifier: Apache-2.0 */
/* Offers a claim code in the place of a credential. */
#include "manage/keys/claim_offer.h"

#include <string.h>

#include <sealring/claim.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "registry/rows/closed_facts.h"

_Static_assert(SEALRING_CLAIM_CODE_LENGTH == CLAIM_CODE_LENGTH, "the public length is that of the code");
_Static_assert(SEAL_TEXT_SIZE >= CLAIM_CODE_SIZE, "a code fits in the place of a credential");
enum { LIFE_MIN = 60000 };

sealring_status sealring_claim_credentials(sealring_manager *manager, int64_t life, sealring_error *error)
{
    if (life < LIFE_MIN || life > SEALRING_CLAIM_LIFE_MAX)
        return error_set(error, SEALRING_INVALID, "a claim code is valid for 1m to 30d");
    if (manager->seals)
        return error_set(error, SEALRING_INVALID, "credentials are encrypted or claimed, not both");
    if (!witness_configured(manager->config))
        return error_set(error, SEALRING_REFUSED,
                         "vault %s has no audit token, whose key signs what a claim gets: credentials can be issued in "
                         "plain text only",
                         manager->config->directory);
    manager->claims = true;
    manager->claim_life = life;
    return SEALRING_OK;
}

/* The former claim would be reported no more, and whoever took it has the credential. */
static sealring_status refuse_contested(const struct registry_key *key, enum seal_doubt *doubt, sealring_error *error)
{
    *doubt = SEAL_UNCONFIRMED;
    return error_set(error, SEALRING_REFUSED,
                     "the claim of API key %s is contested, so another has its credential: sealring key rekey %s "
                     "--claim",
                     key->key_id, key->key_id);
}

sealring_status claim_offer(sealring_manager *manager, const struct registry_vault *vault,
                            struct registry_holder *holder, char text[SEAL_TEXT_SIZE], enum seal_doubt *doubt,
                            sealring_error *error)
{
    uint8_t random[CLAIM_CODE_RANDOM];
    struct registry_key *key = &holder->key;
    const uint32_t serial = holder->credential.serial;
    if (!manager->claims || holder->credential.imported)
        return SEALRING_OK;
    secret_wipe(text, SEAL_TEXT_SIZE);
    if (!vault->facts_begun)
        return error_set(error, SEALRING_REFUSED, "this vault offers no claims yet: finish `sealring upgrade`");
    if (registry_claim_is_contested(key) && key->claim.serial == serial)
        return refuse_contested(key, doubt, error);
    sealring_status status = token_random(manager->token, random, sizeof random, error);
    if (status == SEALRING_OK && !claim_code_format(key->key_id, random, text))
        status = error_set(error, SEALRING_TOKEN, "the token's random generator gives no random bytes");
    secret_wipe(random, sizeof random);
    if (status != SEALRING_OK)
        return status;
    key->claim =
        (struct key_claim){.offered = true, .serial = serial, .expires = clock_wall_ms() + manager->claim_life};
    claim_code_digest(vault->vault_id, text, key->claim.code);
    return SEALRING_OK;
}
