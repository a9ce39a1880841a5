/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as they are, to be compared with the audit log. */

#include "registry/rows/current_rows.h"

#include "registry/rows/columns.h"

static const struct db_query standing_bounds = {
    "SELECT " KEY_COLUMNS " FROM api_key k WHERE k.state = 2 OR (k.narrowed = 1 AND k.state <> 3) ORDER BY k.key_id",
    false};

/* A credential without its key, client or version counts as missing. */
static const struct db_query standing_credentials = {
    "SELECT count(*) FROM credential c JOIN api_key k ON k.id = c.api_key AND k.ring = c.ring"
    " JOIN client cl ON cl.id = k.client JOIN version v ON v.ring = c.ring AND v.number = c.version",
    false};

static const struct db_query standing_imports = {
    "SELECT " KEY_COLUMNS " FROM credential c JOIN api_key k ON k.id = c.api_key"
    " WHERE c.imported = 1 AND c.serial < k.last_serial AND c.replaced = 0 ORDER BY k.key_id",
    false};

struct registry_cursor registry_bounds(struct registry *registry, sealring_error *error)
{
    return query_open(registry, &standing_bounds, error);
}

struct registry_cursor registry_unended_imports(struct registry *registry, sealring_error *error)
{
    return query_open(registry, &standing_imports, error);
}

sealring_status registry_credential_count(struct registry *registry, uint64_t *count, sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &standing_credentials, error);
    return query_count(&query, count, error);
}
