/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as they are, to be compared with the audit log. */

#include "registry/rows/current_rows.h"

#include "registry/rows/columns.h"

static const struct db_query standing_rings = {"SELECT " RING_COLUMNS ", '' FROM ring r ORDER BY r.id", false};

static const struct db_query standing_versions = {
    "SELECT " VERSION_COLUMNS ", v.state, '' FROM version v ORDER BY v.ring, v.number", false};

static const struct db_query standing_keys = {"SELECT " KEY_COLUMNS " FROM api_key k ORDER BY k.id", false};

static const struct db_query standing_ends = {
    "SELECT " CREDENTIAL_COLUMNS " FROM credential c WHERE c.replaced = 1 ORDER BY c.api_key, c.serial", false};

static const struct db_query standing_forgotten = {
    "SELECT " CLIENT_COLUMNS " FROM client cl WHERE cl.forgotten <> 0 ORDER BY cl.name", false};

/* A credential without its key, client or version counts as missing. */
static const struct db_query standing_credentials = {
    "SELECT count(*) FROM credential c JOIN api_key k ON k.id = c.api_key AND k.ring = c.ring"
    " JOIN client cl ON cl.id = k.client JOIN version v ON v.ring = c.ring AND v.number = c.version",
    false};

static const struct db_query standing_imports = {
    "SELECT " KEY_COLUMNS " FROM credential c JOIN api_key k ON k.id = c.api_key"
    " WHERE c.imported = 1 AND c.serial < k.last_serial AND c.replaced = 0 ORDER BY k.key_id",
    false};

struct registry_cursor registry_current_rings(struct registry *registry, sealring_error *error)
{
    return query_list(registry, &standing_rings, NULL, error);
}

struct registry_cursor registry_current_versions(struct registry *registry, sealring_error *error)
{
    return query_list(registry, &standing_versions, NULL, error);
}

struct registry_cursor registry_keys(struct registry *registry, sealring_error *error)
{
    return query_list(registry, &standing_keys, NULL, error);
}

struct registry_cursor registry_ended_credentials(struct registry *registry, sealring_error *error)
{
    return query_list(registry, &standing_ends, NULL, error);
}

struct registry_cursor registry_forgotten_clients(struct registry *registry, sealring_error *error)
{
    return query_list(registry, &standing_forgotten, NULL, error);
}

bool registry_forgotten_next(struct registry_cursor *clients, struct registry_client *client)
{
    return query_next(clients, columns_read_client, client);
}

struct registry_cursor registry_unended_imports(struct registry *registry, sealring_error *error)
{
    return query_list(registry, &standing_imports, NULL, error);
}

sealring_status registry_credential_count(struct registry *registry, uint64_t *count, sealring_error *error)
{
    return query_count(registry, &standing_credentials, NULL, count, error);
}
