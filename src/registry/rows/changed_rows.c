/* SPDX-License-Identifier: Apache-2.0 */
/* The poll's queries: whether the registry changed, and what changed since. */
#include "registry/connection/vault_row.h"
#include "registry/rows/rows.h"

#include "registry/rows/columns.h"

/* Each uses its table's index of changed epochs, so the cost of a poll depends on what changed, and not on the size. Epochs are never
 * negative: -1 finds everything. */
#define CHANGE_SINCE(alias) " WHERE " alias ".changed_epoch > ?1 ORDER BY " alias ".changed_epoch"
#define CHANGE_ALL          (-1)

static const struct db_query change_rings = {"SELECT " RING_COLUMNS " FROM ring r" CHANGE_SINCE("r"), false};

static const struct db_query change_versions = {"SELECT " VERSION_COLUMNS " FROM version v" CHANGE_SINCE("v"), false};

static const struct db_query change_keys = {"SELECT " KEY_COLUMNS " FROM api_key k" CHANGE_SINCE("k"), false};

/* Every digest is greater than the empty one, so this finds the first entry of the index of imported ones. */
static const struct db_query change_imports = {
    "SELECT c.api_key FROM credential c WHERE c.imported = 1 AND c.digest > ?1 LIMIT 1", false};

/* ---- The vault's row ------------------------------------------------------------------------------------------------ */

static sealring_status look_body(struct registry *registry, void *context, sealring_error *error)
{
    (void)context;
    return vault_row_read(registry, error);
}

sealring_status registry_look_vault(struct registry *registry, struct registry_vault *vault, bool *replaced,
                                    sealring_error *error)
{
    enum db_problem problem = registry->db->driver->check(registry->db);
    *replaced = problem == DB_REPLACED;
    if (*replaced)
        return SEALRING_OK;
    if (problem != DB_FINE)
        return handle_fail(registry->path, problem, NULL, error);
    sealring_status status = transaction_read_at_once(registry, look_body, NULL, error);
    if (status == SEALRING_OK)
        *vault = registry->vault;
    return status;
}

/* ---- What changed --------------------------------------------------------------------------------------------------- */

struct change {
    int64_t since;
    bool all;
    const struct registry_change_callbacks *callbacks;
    void *context;
    struct registry_vault *as_of;
    bool *has_imports;
};

static sealring_status change_walk_rings(struct registry *registry, const struct change *change, sealring_error *error)
{
    struct query query;
    struct registry_ring ring;
    query_start(&query, registry, &change_rings, error);
    query_bind_int64(&query, 1, change->since);
    while (query_row(&query)) {
        columns_read_ring(&query, &ring);
        if (query_enter(&query))
            query_leave(&query, change->callbacks->ring(&ring, change->context, error));
    }
    return query_end(&query, error);
}

static sealring_status change_walk_versions(struct registry *registry, const struct change *change,
                                            sealring_error *error)
{
    struct query query;
    struct registry_version version;
    query_start(&query, registry, &change_versions, error);
    query_bind_int64(&query, 1, change->since);
    while (query_row(&query)) {
        columns_read_version(&query, &version);
        if (query_enter(&query))
            query_leave(&query, change->callbacks->version(&version, change->context, error));
    }
    return query_end(&query, error);
}

static sealring_status change_walk_keys(struct registry *registry, const struct change *change, sealring_error *error)
{
    struct query query;
    struct registry_key key;
    query_start(&query, registry, &change_keys, error);
    query_bind_int64(&query, 1, change->since);
    while (query_row(&query)) {
        columns_read_key(&query, &key);
        if (query_enter(&query))
            query_leave(&query, change->callbacks->key(&key, change->context, error));
    }
    return query_end(&query, error);
}

static sealring_status change_ask_imports(struct registry *registry, bool *has_imports, sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &change_imports, error);
    query_bind_bytes(&query, 1, "", 0);
    *has_imports = query_row(&query);
    return query_end(&query, error);
}

static sealring_status change_body(struct registry *registry, void *context, sealring_error *error)
{
    const struct change *change = context;
    *change->as_of = registry->vault;
    sealring_status status = change_walk_rings(registry, change, error);
    if (status == SEALRING_OK)
        status = change_walk_versions(registry, change, error);
    if (status == SEALRING_OK && !change->all)
        status = change_walk_keys(registry, change, error);
    return status != SEALRING_OK ? status : change_ask_imports(registry, change->has_imports, error);
}

sealring_status registry_changes(struct registry *registry, uint64_t since, bool all,
                                 const struct registry_change_callbacks *callbacks, void *context,
                                 struct registry_vault *as_of, bool *has_imports, sealring_error *error)
{
    /* A value that is not a possible epoch is above every row's. */
    int64_t after = since > INT64_MAX ? INT64_MAX : (int64_t)since;
    struct change change = {all ? CHANGE_ALL : after, all, callbacks, context, as_of, has_imports};
    return registry_read(registry, change_body, &change, error);
}
