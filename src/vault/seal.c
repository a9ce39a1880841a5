/* SPDX-License-Identifier: Apache-2.0 */
/* One credential on its way out: sealed in the token, confirmed by it, handed over. */
#include "vault/seal.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "lifecycle/table.h"
#include "verifier/derive.h"

static sealring_status derive(sealring_manager *manager, const struct registry_vault *vault,
                              const struct registry_holder *holder, char text[SEAL_TEXT_SIZE],
                              uint8_t digest[TEXT_DIGEST_SIZE], sealring_error *error)
{
    struct claims claims;
    struct token_key_reference reference;
    derive_claims(vault->vault_id, holder->ring.ring_id, holder, &claims);
    derive_reference(vault, &holder->ring, &holder->version, &reference);
    return derive_text(manager->token, &reference, holder->ring.prefix, &claims, text, digest, error);
}

sealring_status seal_new(sealring_manager *manager, const struct registry_vault *vault, struct registry_holder *holder,
                         char text[SEAL_TEXT_SIZE], sealring_error *error)
{
    return derive(manager, vault, holder, text, holder->credential.digest, error);
}

static sealring_status bind_digest(sealring_manager *manager, const struct registry_vault *vault,
                                   const struct registry_holder *holder, uint8_t binding[REGISTRY_DIGEST_SIZE],
                                   sealring_error *error)
{
    struct claims claims;
    struct token_key_reference reference;
    derive_claims(vault->vault_id, holder->ring.ring_id, holder, &claims);
    derive_reference(vault, &holder->ring, &holder->version, &reference);
    return derive_binding(manager->token, &reference, &claims, holder->credential.digest, binding, error);
}

sealring_status seal_import(sealring_manager *manager, const struct registry_vault *vault,
                            struct registry_holder *holder, sealring_error *error)
{
    holder->credential.imported = true;
    return bind_digest(manager, vault, holder, holder->credential.binding, error);
}

/* Whether the token stands behind the row: *confirmed. */
static sealring_status confirm(sealring_manager *manager, const struct registry_vault *vault,
                               const struct registry_holder *holder, char text[SEAL_TEXT_SIZE], bool *confirmed,
                               sealring_error *error)
{
    uint8_t derived[TEXT_DIGEST_SIZE];
    const struct registry_credential *credential = &holder->credential;
    sealring_status status;
    text[0] = '\0';
    if (credential->imported)
        status = bind_digest(manager, vault, holder, derived, error);
    else
        status = derive(manager, vault, holder, text, derived, error);
    *confirmed = status == SEALRING_OK &&
                 secret_equal(derived, credential->imported ? credential->binding : credential->digest, sizeof derived);
    secret_wipe(derived, sizeof derived);
    return status;
}

sealring_status seal_again(sealring_manager *manager, const struct registry_vault *vault,
                           const struct registry_holder *holder, char text[SEAL_TEXT_SIZE], sealring_error *error)
{
    bool confirmed;
    text[0] = '\0';
    if (holder->key.state == SEALRING_KEY_REVOKED)
        return error_set(
            error, SEALRING_REFUSED,
            "API key %s is revoked, and that is final; if a list says otherwise, the registry was altered: "
            "see `sealring audit verify`",
            holder->key.key_id);
    if (!lifecycle_accepts(holder->version.state))
        return error_set(
            error, SEALRING_REFUSED,
            "API key %s cannot be confirmed: its newest credential is under version %u of ring %s, which is %s; "
            "%s",
            holder->key.key_id, holder->version.number, holder->ring.name,
            sealring_version_state_name(holder->version.state),
            holder->version.state == SEALRING_VERSION_RETIRED
                ? "`sealring reinstate` that version and repeat"
                : "issue it from your own list, with the column key_id (sealring issue RING --from CSV)");
    sealring_status status = confirm(manager, vault, holder, text, &confirmed, error);
    if (status == SEALRING_OK && !confirmed) {
        secret_wipe(text, SEAL_TEXT_SIZE);
        atomic_store(&manager->altered, true);
        status = error_set(
            error, SEALRING_REFUSED,
            "the token does not confirm the registry's row of API key %s: the registry was altered; nothing was "
            "derived from it",
            holder->key.key_id);
    }
    return status;
}

sealring_status seal_successor(sealring_manager *manager, const struct registry_holder *holder,
                               const struct registry_version *active, struct registry_holder *successor,
                               sealring_error *error)
{
    *successor = *holder;
    successor->version = *active;
    successor->key.last_serial = holder->key.last_serial + 1;
    struct registry_credential *credential = &successor->credential;
    credential->serial = successor->key.last_serial;
    credential->version = active->number;
    credential->state = SEALRING_CREDENTIAL_CURRENT;
    credential->replaced = false;
    credential->retire_at = 0;
    credential->issued = clock_wall_ms();
    /* the successor of an imported key is one of ours */
    credential->imported = false;
    memset(credential->binding, 0, sizeof credential->binding);
    return token_random(manager->token, credential->nonce, sizeof credential->nonce, error);
}

sealring_status seal_insert_successor(struct registry *registry, const struct registry_holder *older,
                                      const struct registry_holder *successor, sealring_error *error)
{
    struct registry_credential superseded = older->credential;
    superseded.state = SEALRING_CREDENTIAL_SUPERSEDED;
    if (superseded.imported && !superseded.replaced) {
        /* nobody's version retires an imported key: it ends by itself, its holder has the overlap to move */
        int64_t end = clock_wall_ms() + older->ring.policy.overlap;
        superseded.replaced = true;
        superseded.retire_at = end < superseded.expires ? end : superseded.expires;
    }
    sealring_status status = registry_credential_update(registry, &superseded, error);
    if (status == SEALRING_OK)
        status = registry_credential_insert(registry, &successor->credential, error);
    if (status == SEALRING_OK)
        status = registry_key_update(registry, &successor->key, error);
    return status;
}

sealring_status seal_hand_over(const struct registry_holder *holder, const char *text, size_t index, bool existed,
                               sealring_issued_callback each, void *context, sealring_error *error)
{
    sealring_issued issued = {
        .index = index,
        .client = holder->client.name,
        .label = holder->key.label,
        .key_id = holder->key.key_id,
        .scopes = holder->credential.scopes,
        .version = holder->credential.version,
        .serial = holder->credential.serial,
        .expires = holder->credential.expires,
        .existed = existed,
        .credential = holder->credential.imported ? NULL : text,
    };
    if (each(&issued, context) == 0)
        return SEALRING_OK;
    return error_set(error, SEALRING_REFUSED,
                     "handing over was stopped at API key %s; what was issued stays issued and can be reissued",
                     holder->key.key_id);
}

struct find_active {
    struct registry_version *version;
    bool found;
};

static sealring_status keep_active(const struct registry_version *version, void *context, sealring_error *error)
{
    (void)error;
    struct find_active *find = context;
    if (version->state == SEALRING_VERSION_ACTIVE) {
        *find->version = *version;
        find->found = true;
    }
    return SEALRING_OK;
}

sealring_status seal_active_version(sealring_manager *manager, struct registry *registry,
                                    const struct registry_ring *ring, struct registry_version *active,
                                    sealring_error *error)
{
    struct find_active find = {.version = active};
    sealring_status status = manager_check_era(registry, manager, error);
    if (status == SEALRING_OK)
        status = registry_version_each(registry, ring->id, keep_active, &find, error);
    if (status == SEALRING_OK && !find.found)
        status =
            error_set(error, SEALRING_REFUSED, "ring %s has no active version, so it cannot issue: sealring rotate %s",
                      ring->name, ring->name);
    return status;
}
