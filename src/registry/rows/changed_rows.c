/* SPDX-License-Identifier: Apache-2.0 */
/* The poll's queries: whether the registry changed, and what changed since. */
#include "registry/connection/vault_row.h"
#include "registry/rows/closed_facts.h"
#include "registry/rows/rows.h"

#include "registry/rows/columns.h"

/* Each uses its table's index of changed epochs, so the cost of a poll depends on what changed, and not on the size. Epochs are never
 * negative: -1 finds everything. */
#define CHANGE_SINCE(alias) " WHERE " alias ".changed_epoch > ?1 ORDER BY " alias ".changed_epoch"
#define CHANGE_ALL          (-1)

/* As their rows are: verifiers follow the facts by themselves, as far as these decide a verdict (verifier/state/closed_chain.c). */
static const struct db_query change_rings = {"SELECT " RING_COLUMNS ", '' FROM ring r" CHANGE_SINCE("r"), false};

static const struct db_query change_versions = {
    "SELECT " VERSION_COLUMNS ", v.state, '' FROM version v" CHANGE_SINCE("v"), false};

static const struct db_query change_keys = {"SELECT " KEY_COLUMNS " FROM api_key k" CHANGE_SINCE("k"), false};

/* Every digest is greater than the empty one, so this finds the first entry of the index of imported ones. */
static const struct db_query change_imports = {
    "SELECT c.api_key FROM credential c WHERE c.imported = 1 AND c.digest > ?1 LIMIT 1", false};

/* ---- The vault's row ------------------------------------------------------------------------------------------------ */

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

/* ---- What changed --------------------------------------------------------------------------------------------------- */

static struct registry_cursor change_open(struct registry *registry, const struct db_query *text, uint64_t since,
                                          sealring_error *error)
{
    struct registry_cursor rows = query_open(registry, text, error);
    /* A value that is not a possible epoch is above every row's. */
    int64_t after = since > INT64_MAX ? INT64_MAX : (int64_t)since;
    query_bind_int64(&rows.query, 1, since == REGISTRY_SINCE_EVER ? CHANGE_ALL : after);
    return rows;
}

struct registry_cursor registry_rings_changed(struct registry *registry, uint64_t since, sealring_error *error)
{
    return change_open(registry, &change_rings, since, error);
}

struct registry_cursor registry_versions_changed(struct registry *registry, uint64_t since, sealring_error *error)
{
    return change_open(registry, &change_versions, since, error);
}

struct registry_cursor registry_keys_changed(struct registry *registry, uint64_t since, sealring_error *error)
{
    return change_open(registry, &change_keys, since, error);
}

sealring_status registry_has_imports(struct registry *registry, bool *has_imports, sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &change_imports, error);
    query_bind_bytes(&query, 1, "", 0);
    *has_imports = query_row(&query);
    return query_end(&query, error);
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
