/* SPDX-License-Identifier: Apache-2.0 */
/* Finds one presented credential: its rows and the vault's era, in one snapshot and one statement. */
#include "registry/connection/vault_row.h"
#include "registry/rows/rows.h"

#include <limits.h>
#include <string.h>

#include "base/name.h"
#include "registry/rows/closed_facts.h"
#include "registry/rows/columns.h"

/* What a verdict and the claims need of a credential of API key k of client cl: FROM credential c, api_key k, client cl. Each text or
 * byte string costs SQLite an allocation. So values that are usually empty are NULL then, and the search keys of a credential are not
 * included: c.digest, k.key_id. The reader leaves the other fields of the holder as they are. */
#define PRESENTED_COLUMNS                                                                                                 \
    "c.api_key, c.serial, c.version, c.nonce, c.scopes, c.not_before, c.expires, c.state, c.replaced, c.retire_at, "      \
    "c.imported, CASE WHEN c.imported THEN c.binding END, c.label, c.origin, c.predecessor, k.ring, k.client, " KEY_STATE \
    ", k.narrowed, "                                                                                                      \
    "CASE WHEN k.narrowed THEN k.narrowed_scopes END, cl.name, " KEY_FACT

/* The vault's row leads and the others are joined to it, so that the era is returned in any case. An unknown key ID costs one
 * lookup in the index of key IDs (i), a wrong secret one more in the credentials; the rest is fetched only if the credential exists.
 * The column after the vault's is the API key's number, NULL if there is none. */
#define PRESENT_VAULT "w.era, w.min_reader, "
#define PRESENT_REST  " LEFT JOIN api_key k ON k.id = c.api_key LEFT JOIN client cl ON cl.id = k.client WHERE w.id = 1"

static const struct db_query present_query = {
    "SELECT " PRESENT_VAULT "i.id, " PRESENTED_COLUMNS " FROM vault w LEFT JOIN api_key i ON i.key_id = ?1"
    " LEFT JOIN credential c ON c.api_key = i.id AND c.digest = ?2" PRESENT_REST,
    false};

static const struct db_query present_imported_query = {
    "SELECT " PRESENT_VAULT "c.api_key, " PRESENTED_COLUMNS ", k.key_id"
    " FROM vault w LEFT JOIN credential c ON c.imported = 1 AND c.digest = ?1" PRESENT_REST,
    false};

static const struct db_query present_of_key = {
    "SELECT " PRESENTED_COLUMNS ", c.digest, k.key_id FROM api_key k, credential c, client cl"
    " WHERE k.id = ?1 AND c.api_key = k.id AND cl.id = k.client ORDER BY c.serial",
    false};

static void present_read_columns(struct query *query, struct registry_holder *holder)
{
    struct registry_credential *credential = &holder->credential;
    struct registry_key *key = &holder->key;
    credential->key = query_int64(query);
    credential->serial = query_uint32(query);
    credential->version = query_uint32(query);
    query_bytes(query, credential->nonce, sizeof credential->nonce);
    query_ascii(query, credential->scopes, sizeof credential->scopes);
    credential->not_before = query_time(query);
    credential->expires = query_time(query);
    credential->state =
        (sealring_credential_state)query_small(query, SEALRING_CREDENTIAL_CURRENT, SEALRING_CREDENTIAL_SUPERSEDED);
    credential->replaced = query_bool(query);
    credential->retire_at = query_time(query);
    credential->imported = query_bool(query);
    memset(credential->binding, 0, sizeof credential->binding);
    if (!query_null(query))
        query_bytes(query, credential->binding, sizeof credential->binding);
    query_name_or_none(query, credential->label, sizeof credential->label, name_problem);
    credential->origin = query_time(query);
    credential->predecessor = query_uint32(query);
    key->id = credential->key;
    key->ring = query_int64(query);
    key->client = query_int64(query);
    key->state = (sealring_key_state)query_small(query, SEALRING_KEY_ACTIVE, SEALRING_KEY_REVOKED);
    key->narrowed = query_bool(query);
    key->narrowed_scopes[0] = '\0';
    if (!query_null(query))
        query_ascii(query, key->narrowed_scopes, sizeof key->narrowed_scopes);
    query_name(query, holder->client.name, sizeof holder->client.name, name_client_problem);
    /* The networks of a key that was just issued: the fact about them may be newer than the verifier's last poll. */
    const char *value = query_borrow(query);
    query_demand(query, value == NULL || registry_fact_networks(value, key));
    holder->ring.id = key->ring;
    holder->version.ring = key->ring;
    holder->version.number = credential->version;
}

/* key_id NULL: an imported one. */
static void present_take(struct query *query, const char *key_id, const uint8_t *digest,
                         struct registry_presented *presented)
{
    struct registry_holder *holder = &presented->holder;
    query_bytes(query, presented->era, sizeof presented->era);
    query->registry->vault.min_reader = query_small(query, 1, INT_MAX);
    presented->key_exists = !query_null(query);
    if (!presented->key_exists)
        return;
    (void)query_int64(query);
    presented->found = !query_null(query);
    if (!presented->found)
        return;
    present_read_columns(query, holder);
    memcpy(holder->credential.digest, digest, REGISTRY_DIGEST_SIZE);
    if (key_id == NULL)
        query_ascii(query, holder->key.key_id, sizeof holder->key.key_id);
    else
        memcpy(holder->key.key_id, key_id, strnlen(key_id, SEALRING_KEY_ID_LENGTH));
}

static sealring_status present_read(struct registry *registry, const char *key_id, const uint8_t *digest,
                                    struct registry_presented *presented, sealring_error *error)
{
    struct query query;
    memset(presented, 0, sizeof *presented);
    query_start(&query, registry, key_id == NULL ? &present_imported_query : &present_query, error);
    if (key_id != NULL)
        query_bind_text(&query, 1, key_id);
    query_bind_bytes(&query, key_id == NULL ? 1 : 2, digest, REGISTRY_DIGEST_SIZE);
    bool row = query_row(&query);
    if (row)
        present_take(&query, key_id, digest, presented);
    sealring_status status = query_end(&query, error);
    if (status == SEALRING_OK && !row)
        return handle_problem(registry, DB_CORRUPT, error); /* the vault's row is missing */
    return status != SEALRING_OK ? status : vault_row_check_reader(registry, error);
}

sealring_status registry_present(struct registry *registry, const char *key_id,
                                 const uint8_t digest[REGISTRY_DIGEST_SIZE], struct registry_presented *presented,
                                 sealring_error *error)
{
    sealring_status status;
    struct registry_transaction reading = transaction_reading_at_once(registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = present_read(registry, key_id, digest, presented, error);
    } while (registry_again(&reading, &status));
    return status;
}

sealring_status registry_present_imported(struct registry *registry, const uint8_t digest[REGISTRY_DIGEST_SIZE],
                                          struct registry_presented *presented, sealring_error *error)
{
    return registry_present(registry, NULL, digest, presented, error);
}

struct registry_cursor registry_presented_of_key(struct registry *registry, int64_t key, sealring_error *error)
{
    return query_list(registry, &present_of_key, PARAMETERS(INTEGER(key)), error);
}

static void present_read_of_key(struct query *query, void *row)
{
    struct registry_holder *holder = row;
    memset(holder, 0, sizeof *holder);
    present_read_columns(query, holder);
    query_bytes(query, holder->credential.digest, sizeof holder->credential.digest);
    query_ascii(query, holder->key.key_id, sizeof holder->key.key_id);
}

bool registry_presented_next(struct registry_cursor *credentials, struct registry_holder *holder)
{
    return query_next(credentials, present_read_of_key, holder);
}
