/* SPDX-License-Identifier: Apache-2.0 */
/* The look of one request: a credential's rows and the vault's, of one snapshot, in one statement. */
#include "registry/rows.h"

#include "registry/columns.h"

#define LOOK_SELECT               \
    "SELECT " VAULT_COLUMNS(      \
        "w.") ", " HOLDER_COLUMNS \
              " FROM vault w, api_key k, credential c, version v, ring r, client cl WHERE w.id = 1 AND " HOLDER_JOINED

static const struct db_query look_query = {LOOK_SELECT " AND k.key_id = ?1 AND c.digest = ?2", false};

static const struct db_query look_imported_query = {LOOK_SELECT " AND c.imported = 1 AND c.digest = ?1", false};

/* A statement alone is a transaction: no BEGIN, no COMMIT. key_id NULL: an imported one. */
static sealring_status look_at_once(struct registry *registry, const char *key_id,
                                    const uint8_t digest[REGISTRY_DIGEST_SIZE], struct registry_look *look,
                                    sealring_error *error)
{
    struct query query;
    registry->problem = DB_FINE;
    registry->transaction = TRANSACTION_READ;
    query_start(&query, registry, key_id == NULL ? &look_imported_query : &look_query, error);
    if (key_id != NULL) {
        query_bind_text(&query, 1, key_id);
    }
    query_bind_bytes(&query, key_id == NULL ? 1 : 2, digest, REGISTRY_DIGEST_SIZE);
    bool found = query_row(&query);
    if (found) {
        columns_read_vault(&query, &registry->vault);
        columns_read_holder(&query, &look->holder);
    }
    sealring_status status = query_end_one(&query, found, error);
    registry->transaction = TRANSACTION_NONE;
    look->vault = registry->vault;
    return status;
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
    if (look_at_once(registry, key_id, digest, look, NULL) == SEALRING_OK) {
        look->found = true;
        look->key_exists = true;
        return vault_row_check_reader(registry, error);
    }
    /* no row, or a problem: the long way tells which, and tries again where that helps */
    struct look_context context = {key_id, digest, look};
    return registry_read(registry, look_body, &context, error);
}

sealring_status registry_look_imported(struct registry *registry, const uint8_t digest[REGISTRY_DIGEST_SIZE],
                                       struct registry_look *look, sealring_error *error)
{
    sealring_status status = transaction_allowed(registry, error);
    if (status == SEALRING_OK) {
        status = look_at_once(registry, NULL, digest, look, error);
    }
    look->found = status == SEALRING_OK;
    look->key_exists = look->found;
    if (status == SEALRING_NOT_FOUND) {
        return SEALRING_OK;
    }
    return status == SEALRING_OK ? vault_row_check_reader(registry, error) : status;
}
