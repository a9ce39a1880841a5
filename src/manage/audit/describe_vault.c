/* SPDX-License-Identifier: Apache-2.0 */
/* The vault itself: its places, its registry, and how much of its audit log is signed. */
#include <stdio.h>

#include "base/base62.h"
#include "base/struct_size.h"
#include "log/signed_time.h"
#include "manage/session/manager.h"

sealring_status sealring_vault_describe(sealring_manager *manager, sealring_vault_info *info, sealring_error *error)
{
    struct registry_vault vault;
    struct registry_clock clock;
    struct checkpoint newest = {.size = 0};
    uint64_t entries = 0;
    bool forged;
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status)) {
            vault = *registry_vault_row(manager->registry);
            status = registry_clock_get(manager->registry, &clock, error);
            if (status == SEALRING_OK)
                status = registry_audit_size(manager->registry, &entries, error);
            if (status == SEALRING_OK)
                status = signed_newest(manager->registry, witness_counts, &newest, &forged, error);
        }
    } while (registry_again(&reading, &status));
    if (status != SEALRING_OK)
        return status;
    sealring_vault_info whole = {.epoch = vault.epoch,
                                 .schema = vault.schema,
                                 .created = vault.created,
                                 .last_run = clock.wall_ms,
                                 .signs = witness_configured(manager->config),
                                 .entries = entries,
                                 .signed_entries = newest.size};
    snprintf(whole.path, sizeof whole.path, "%s", manager->config->directory);
    snprintf(whole.module, sizeof whole.module, "%s", manager->config->module);
    snprintf(whole.token_uri, sizeof whole.token_uri, "%s", manager->config->token);
    hex_encode(vault.vault_id, sizeof vault.vault_id, whole.vault_id);
    hex_encode(vault.era, sizeof vault.era, whole.era);
    sized_give(info, &whole, sizeof whole);
    return SEALRING_OK;
}
