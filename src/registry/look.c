/* SPDX-License-Identifier: Apache-2.0 */
/* The look of one request: a credential's rows and the vault's, of one snapshot, in one statement. */
#include "registry/rows.h"

#include "registry/columns.h"

static const struct db_query look_query = {
    "SELECT " VAULT_COLUMNS("w.") ", " HOLDER_COLUMNS
                                  " FROM vault w, api_key k, credential c, version v, ring r, client cl"
                                  " WHERE w.id = 1 AND k.key_id = ?1 AND c.digest = ?2 AND " HOLDER_JOINED,
    false};

/* A statement alone is a transaction: no BEGIN, no COMMIT. False: no row, or a problem; the long way will tell which. */
static bool look_at_once(struct registry *registry, const char *key_id, const uint8_t digest[REGISTRY_DIGEST_SIZE],
                         struct registry_look *look)
{
    struct query query;
    registry->problem = DB_FINE;
    registry->transaction = TRANSACTION_READ;
    query_start(&query, registry, &look_query, NULL);
    query_bind_text(&query, 1, key_id);
    query_bind_bytes(&query, 2, digest, REGISTRY_DIGEST_SIZE);
    bool found = query_row(&query);
    if (found) {
        columns_read_vault(&query, &registry->vault);
        columns_read_holder(&query, &look->holder);
    }
    sealring_status status = query_end_one(&query, found, NULL);
    registry->transaction = TRANSACTION_NONE;
    look->vault = registry->vault;
    return status == SEALRING_OK;
}

struct look_context {
    const char *key_id;
    const uint8_t *digest;
    struct registry_look *look;
};

static sealring_status look_body(struct registry *registry, void *context, sealring_error *error)
{
    struct look_context *asked = context;
    struct registry_look *look = asked->look;
    look->vault = *registry_vault_row(registry);
    sealring_status status =
        registry_holder_get(registry, asked->key_id, asked->digest, &look->holder, &look->key_exists, error);
    look->found = status == SEALRING_OK;
    return status == SEALRING_NOT_FOUND ? SEALRING_OK : status;
}

sealring_status registry_look(struct registry *registry, const char *key_id, const uint8_t digest[REGISTRY_DIGEST_SIZE],
                              struct registry_look *look, sealring_error *error)
{
    sealring_status status = transaction_allowed(registry, error);
    if (status != SEALRING_OK) {
        return status;
    }
    if (look_at_once(registry, key_id, digest, look)) {
        look->found = true;
        look->key_exists = true;
        return vault_row_check_reader(registry, error);
    }
    struct look_context context = {key_id, digest, look};
    return registry_read(registry, look_body, &context, error);
}
