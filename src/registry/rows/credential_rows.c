/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of credentials. */
#include "registry/rows/rows.h"

#include "base/name.h"
#include "registry/rows/closed_facts.h"
#include "registry/rows/columns.h"

static const struct db_query credential_insert = {
    "INSERT INTO credential (api_key, serial, ring, version, digest, nonce, scopes, not_before, expires, state,"
    " replaced, retire_at, issued, imported, binding, label, origin, predecessor)"
    " VALUES (?1, ?2, (SELECT k.ring FROM api_key k WHERE k.id = ?1), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"
    " ?15, ?16, ?17)",
    true};

static const struct db_query credential_update = {"UPDATE credential SET state = ?3, replaced = ?4, retire_at = ?5"
                                                  " WHERE api_key = ?1 AND serial = ?2",
                                                  true};

static const struct db_query credential_get = {
    "SELECT " CREDENTIAL_COLUMNS " FROM credential c WHERE c.api_key = ?1 AND c.serial = ?2", false};

static const struct db_query credential_of_digest = {
    "SELECT " CREDENTIAL_COLUMNS " FROM credential c WHERE c.imported = 1 AND c.digest = ?1", false};

static const struct db_query credential_of_key = {
    "SELECT " CREDENTIAL_COLUMNS " FROM credential c WHERE c.api_key = ?1 ORDER BY c.serial", false};

void columns_read_credential(struct query *query, void *row)
{
    struct registry_credential *credential = row;
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
    query_name_or_none(query, credential->label, sizeof credential->label, name_problem);
    credential->origin = query_time(query);
    credential->predecessor = query_uint32(query);
}

sealring_status registry_credential_insert(struct registry *registry, const struct registry_credential *credential,
                                           sealring_error *error)
{
    sealring_status status = query_change(
        registry, &credential_insert,
        PARAMETERS(INTEGER(credential->key), INTEGER(credential->serial), INTEGER(credential->version),
                   BYTES(credential->digest, sizeof credential->digest),
                   BYTES(credential->nonce, sizeof credential->nonce), TEXT(credential->scopes),
                   INTEGER(credential->not_before), INTEGER(credential->expires), INTEGER(credential->state),
                   INTEGER(credential->replaced), INTEGER(credential->retire_at), INTEGER(credential->issued),
                   INTEGER(credential->imported),
                   BYTES(credential->binding, credential->imported ? sizeof credential->binding : 0),
                   TEXT(credential->label), INTEGER(credential->origin), INTEGER(credential->predecessor)),
        error);
    if (status == SEALRING_OK && credential->imported)
        status = closed_note_import(registry, error);
    return handle_tell(registry, status, REGISTRY_TABLE_CREDENTIAL, credential);
}

sealring_status registry_credential_update(struct registry *registry, const struct registry_credential *credential,
                                           sealring_error *error)
{
    sealring_status status =
        query_change(registry, &credential_update,
                     PARAMETERS(INTEGER(credential->key), INTEGER(credential->serial), INTEGER(credential->state),
                                INTEGER(credential->replaced), INTEGER(credential->retire_at)),
                     error);
    return handle_tell(registry, status, REGISTRY_TABLE_CREDENTIAL, credential);
}

sealring_status registry_credential_find(struct registry *registry, int64_t key, uint32_t serial,
                                         struct registry_credential *credential, bool *found, sealring_error *error)
{
    return query_find(registry, &credential_get, PARAMETERS(INTEGER(key), INTEGER(serial)), columns_read_credential,
                      credential, found, error);
}

sealring_status registry_credential_find_imported(struct registry *registry, const uint8_t digest[REGISTRY_DIGEST_SIZE],
                                                  struct registry_credential *credential, bool *found,
                                                  sealring_error *error)
{
    return query_find(registry, &credential_of_digest, PARAMETERS(BYTES(digest, REGISTRY_DIGEST_SIZE)),
                      columns_read_credential, credential, found, error);
}

bool registry_credential_end(struct registry_credential *credential, const struct key_ends *ends)
{
    int64_t end = ends_of(ends, credential->serial);
    if (end == 0 || (credential->replaced && credential->retire_at <= end))
        return false;
    credential->replaced = true;
    credential->retire_at = end;
    return true;
}

struct registry_cursor registry_credentials(struct registry *registry, int64_t key, sealring_error *error)
{
    return query_list(registry, &credential_of_key, PARAMETERS(INTEGER(key)), error);
}

bool registry_credential_next(struct registry_cursor *credentials, struct registry_credential *credential)
{
    return query_next(credentials, columns_read_credential, credential);
}
