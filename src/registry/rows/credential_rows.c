/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of credentials. */
#include "registry/rows/rows.h"

#include "base/name.h"
#include "registry/rows/columns.h"

static const struct db_query credential_insert = {
    "INSERT INTO credential (api_key, serial, ring, version, digest, nonce, scopes, not_before, expires, state,"
    " replaced, retire_at, issued, imported, binding, changed_epoch, label)"
    " VALUES (?1, ?2, (SELECT k.ring FROM api_key k WHERE k.id = ?1), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"
    " ?15, ?16)",
    true};

static const struct db_query credential_update = {
    "UPDATE credential SET state = ?3, replaced = ?4, retire_at = ?5, changed_epoch = ?6"
    " WHERE api_key = ?1 AND serial = ?2",
    true};

/* For verifiers, which search only for changed API keys. One that this transaction has changed already is left alone. */
static const struct db_query credential_move_key = {
    "UPDATE api_key SET changed_epoch = ?2 WHERE id = ?1 AND changed_epoch <> ?2", true};

static const struct db_query credential_get = {
    "SELECT " CREDENTIAL_COLUMNS " FROM credential c WHERE c.api_key = ?1 AND c.serial = ?2", false};

static const struct db_query credential_of_digest = {
    "SELECT " CREDENTIAL_COLUMNS " FROM credential c WHERE c.imported = 1 AND c.digest = ?1", false};

static const struct db_query credential_of_key = {
    "SELECT " CREDENTIAL_COLUMNS " FROM credential c WHERE c.api_key = ?1 ORDER BY c.serial", false};

void columns_read_credential(struct query *query, struct registry_credential *credential)
{
    credential->key = query_int64(query);
    credential->serial = query_uint32(query);
    credential->version = query_uint32(query);
    query_bytes(query, credential->digest, sizeof credential->digest);
    query_bytes(query, credential->nonce, sizeof credential->nonce);
    query_ascii(query, credential->scopes, sizeof credential->scopes);
    credential->not_before = query_time(query);
    credential->expires = query_time(query);
    credential->state =
        (sealring_credential_state)query_small(query, SEALRING_CREDENTIAL_CURRENT, SEALRING_CREDENTIAL_SUPERSEDED);
    credential->replaced = query_bool(query);
    credential->retire_at = query_time(query);
    credential->issued = query_time(query);
    credential->imported = query_bool(query);
    size_t bound;
    query_bytes_upto(query, credential->binding, sizeof credential->binding, &bound);
    credential->changed_epoch = query_uint64(query);
    query_name_or_none(query, credential->label, sizeof credential->label, name_problem);
}

sealring_status registry_credential_insert(struct registry *registry, const struct registry_credential *credential,
                                           sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &credential_insert, error);
    query_bind_int64(&query, 1, credential->key);
    query_bind_int64(&query, 2, credential->serial);
    query_bind_int64(&query, 3, credential->version);
    query_bind_bytes(&query, 4, credential->digest, sizeof credential->digest);
    query_bind_bytes(&query, 5, credential->nonce, sizeof credential->nonce);
    query_bind_text(&query, 6, credential->scopes);
    query_bind_int64(&query, 7, credential->not_before);
    query_bind_int64(&query, 8, credential->expires);
    query_bind_int64(&query, 9, credential->state);
    query_bind_bool(&query, 10, credential->replaced);
    query_bind_int64(&query, 11, credential->retire_at);
    query_bind_int64(&query, 12, credential->issued);
    query_bind_bool(&query, 13, credential->imported);
    query_bind_bytes(&query, 14, credential->binding, credential->imported ? sizeof credential->binding : 0);
    query_bind_uint64(&query, 15, registry->vault.epoch);
    query_bind_text(&query, 16, credential->label);
    return handle_tell(registry, query_run(&query, error), REGISTRY_TABLE_CREDENTIAL, credential);
}

static sealring_status credential_touch_key(struct registry *registry, int64_t key, sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &credential_move_key, error);
    query_bind_int64(&query, 1, key);
    query_bind_uint64(&query, 2, registry->vault.epoch);
    return query_run_any(&query, error);
}

sealring_status registry_credential_update(struct registry *registry, const struct registry_credential *credential,
                                           sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &credential_update, error);
    query_bind_int64(&query, 1, credential->key);
    query_bind_int64(&query, 2, credential->serial);
    query_bind_int64(&query, 3, credential->state);
    query_bind_bool(&query, 4, credential->replaced);
    query_bind_int64(&query, 5, credential->retire_at);
    query_bind_uint64(&query, 6, registry->vault.epoch);
    sealring_status status = query_run(&query, error);
    if (status == SEALRING_OK)
        status = credential_touch_key(registry, credential->key, error);
    return handle_tell(registry, status, REGISTRY_TABLE_CREDENTIAL, credential);
}

sealring_status registry_credential_find(struct registry *registry, int64_t key, uint32_t serial,
                                         struct registry_credential *credential, bool *found, sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &credential_get, error);
    query_bind_int64(&query, 1, key);
    query_bind_int64(&query, 2, serial);
    *found = query_row(&query);
    if (*found)
        columns_read_credential(&query, credential);
    return query_end(&query, error);
}

sealring_status registry_credential_find_imported(struct registry *registry, const uint8_t digest[REGISTRY_DIGEST_SIZE],
                                                  struct registry_credential *credential, bool *found,
                                                  sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &credential_of_digest, error);
    query_bind_bytes(&query, 1, digest, REGISTRY_DIGEST_SIZE);
    *found = query_row(&query);
    if (*found)
        columns_read_credential(&query, credential);
    return query_end(&query, error);
}

struct registry_cursor registry_credentials(struct registry *registry, int64_t key, sealring_error *error)
{
    struct registry_cursor credentials = query_open(registry, &credential_of_key, error);
    query_bind_int64(&credentials.query, 1, key);
    return credentials;
}

bool registry_credential_next(struct registry_cursor *credentials, struct registry_credential *credential)
{
    if (!query_row(&credentials->query))
        return false;
    columns_read_credential(&credentials->query, credential);
    return query_good(&credentials->query);
}
