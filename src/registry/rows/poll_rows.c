/* SPDX-License-Identifier: Apache-2.0 */
/* The poll's queries: whether the registry changed. */
#include "registry/connection/vault_row.h"
#include "registry/rows/closed_facts.h"
#include "registry/rows/rows.h"

sealring_status registry_look_vault(struct registry *registry, struct registry_vault *vault, bool *replaced,
                                    sealring_error *error)
{
    enum db_problem problem = registry->db->driver->check(registry->db);
    *replaced = problem == DB_REPLACED;
    if (*replaced)
        return SEALRING_OK;
    if (problem != DB_FINE)
        return handle_fail(registry->path, problem, NULL, error);
    sealring_status status;
    struct registry_transaction reading = transaction_reading_at_once(registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = vault_row_read(registry, error);
    } while (registry_again(&reading, &status));
    if (status == SEALRING_OK)
        *vault = registry->vault;
    return status;
}

sealring_status registry_look_commits(struct registry *registry, int64_t *number, sealring_error *error)
{
    sealring_status status;
    *number = REGISTRY_COMMITS_UNKNOWN;
    if (registry->db->driver->check(registry->db) != DB_FINE)
        return SEALRING_OK;
    struct registry_transaction reading = transaction_reading_at_once(registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = transaction_data_version(registry, number, error);
    } while (registry_again(&reading, &status));
    return status;
}

sealring_status registry_look_closed(struct registry *registry, uint64_t *count, uint8_t hash[REGISTRY_DIGEST_SIZE],
                                     sealring_error *error)
{
    sealring_status status;
    struct registry_transaction reading = transaction_reading_at_once(registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = registry_closed_head(registry, count, hash, error);
    } while (registry_again(&reading, &status));
    return status;
}
