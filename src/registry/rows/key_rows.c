/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of API keys. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "base/name.h"
#include "registry/rows/closed_facts.h"
#include "registry/rows/columns.h"

static const struct db_query key_insert = {
    "INSERT INTO api_key (id, key_id, ring, client, label, state, narrowed, narrowed_scopes, last_serial, created)"
    " VALUES (" NEXT_ID("api_key") ", ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id",
    true};

static const struct db_query key_update = {
    "UPDATE api_key SET label = ?2, state = ?3, narrowed = ?4, narrowed_scopes = ?5, last_serial = ?6"
    " WHERE id = ?1",
    true};

/* One change each. The last parameter is named so that all have the same number of them. */
#define OF_KEY " WHERE id = ?1 AND ?6 >= 0"
static const struct db_query key_update_state = {"UPDATE api_key SET state = ?3" OF_KEY, true};
static const struct db_query key_update_label = {"UPDATE api_key SET label = ?2" OF_KEY, true};
static const struct db_query key_update_narrowing = {"UPDATE api_key SET narrowed = ?4, narrowed_scopes = ?5" OF_KEY,
                                                     true};
static const struct db_query key_update_serial = {"UPDATE api_key SET last_serial = ?6 WHERE id = ?1", true};

/* What changes is in the fact only. */
static const struct db_query key_update_fact = {"UPDATE api_key SET state = state" OF_KEY, true};

static const struct db_query key_update_rekeyed = {
    "UPDATE api_key SET narrowed = ?4, narrowed_scopes = ?5, last_serial = ?6 WHERE id = ?1", true};

static const struct db_query key_get_by_row = {"SELECT " KEY_COLUMNS " FROM api_key k WHERE k.id = ?1", false};

static const struct db_query key_get = {"SELECT " KEY_COLUMNS " FROM api_key k WHERE k.key_id = ?1", false};

static const struct db_query key_get_by_label = {
    "SELECT " KEY_COLUMNS " FROM api_key k WHERE k.client = ?1 AND k.ring = ?2 AND k.label = ?3 AND k.state <> 3",
    false};

/* The table's own order: a page reads neighbouring rows. */
static const struct db_query key_ids = {"SELECT k.id, k.key_id FROM api_key k WHERE k.id > ?1 ORDER BY k.id LIMIT ?2",
                                        false};

/* As the index closed_fact_contested has it. */
static const struct db_query key_ids_contested = {
    "SELECT DISTINCT k.id, k.key_id FROM closed_fact f JOIN api_key k ON k.key_id = f.key_id"
    " WHERE f.kind = 1 AND instr(f.value, char(10) || '1 ') > 0 ORDER BY k.id",
    false};

/* As the index closed_fact_claim has it. */
static const struct db_query key_ids_claimed = {
    "SELECT DISTINCT k.id, k.key_id FROM closed_fact f JOIN api_key k ON k.key_id = f.key_id"
    " WHERE f.kind = 1 AND instr(f.value, ' claim ') > 0 ORDER BY k.id",
    false};

static const struct db_query key_last = {"SELECT coalesce(max(k.id), 0) FROM api_key k", false};

static const struct db_query key_count = {"SELECT count(*) FROM api_key k WHERE k.ring = ?1 AND k.state <> 3", false};

void columns_read_key(struct query *query, void *row)
{
    struct registry_key *key = row;
    key->id = query_int64(query);
    query_ascii(query, key->key_id, sizeof key->key_id);
    key->ring = query_int64(query);
    key->client = query_int64(query);
    query_name(query, key->label, sizeof key->label, name_problem);
    key->state = (sealring_key_state)query_small(query, SEALRING_KEY_ACTIVE, SEALRING_KEY_REVOKED);
    key->narrowed = query_bool(query);
    query_ascii(query, key->narrowed_scopes, sizeof key->narrowed_scopes);
    key->last_serial = query_uint32(query);
    key->created = query_time(query);
    key->relabelled = false;
    key->ends = (struct key_ends){.count = 0};
    key->bound = false;
    key->networks.count = 0;
    key->holders = (struct holders){.one = false};
    key->claim = (struct key_claim){.offered = false};
    key->fact = 0;
}

static sealring_status note_values(struct registry *registry, const struct registry_key *key, sealring_error *error)
{
    struct registry_key plain = *key;
    plain.bound = false;
    plain.holders = (struct holders){.one = false};
    plain.claim = (struct key_claim){.offered = false};
    return closed_note_key(registry, &plain, key, error);
}

sealring_status registry_key_insert(struct registry *registry, struct registry_key *key, sealring_error *error)
{
    const bool has_values = key->bound || key->holders.one || key->claim.offered;
    sealring_status status = has_values ? note_values(registry, key, error) : SEALRING_OK;
    if (status != SEALRING_OK)
        return status;
    status = query_insert(registry, &key_insert,
                          PARAMETERS(TEXT(key->key_id), INTEGER(key->ring), INTEGER(key->client), TEXT(key->label),
                                     INTEGER(key->state), INTEGER(key->narrowed), TEXT(key->narrowed_scopes),
                                     INTEGER(key->last_serial), INTEGER(key->created)),
                          &key->id, error);
    return handle_tell(registry, status, REGISTRY_TABLE_KEY, key);
}

static sealring_status key_put(struct registry *registry, const struct db_query *update, const struct registry_key *key,
                               sealring_error *error)
{
    sealring_status status =
        query_change(registry, update,
                     PARAMETERS(INTEGER(key->id), TEXT(key->label), INTEGER(key->state), INTEGER(key->narrowed),
                                TEXT(key->narrowed_scopes), INTEGER(key->last_serial)),
                     error);
    return handle_tell(registry, status, REGISTRY_TABLE_KEY, key);
}

static void set_state(struct registry_key *now, const struct registry_key *to)
{
    now->state = to->state;
}

static void set_label(struct registry_key *now, const struct registry_key *to)
{
    memcpy(now->label, to->label, sizeof now->label);
}

static void set_narrowing(struct registry_key *now, const struct registry_key *to)
{
    now->narrowed = to->narrowed;
    memcpy(now->narrowed_scopes, to->narrowed_scopes, sizeof now->narrowed_scopes);
}

static void set_serial(struct registry_key *now, const struct registry_key *to)
{
    now->last_serial = to->last_serial;
    (void)ends_restrict(&now->ends, &to->ends);
    if (to->claim.offered)
        now->claim = to->claim;
}

static void set_rekeyed(struct registry_key *now, const struct registry_key *to)
{
    set_serial(now, to);
    set_narrowing(now, to);
}

static void set_networks(struct registry_key *now, const struct registry_key *to)
{
    now->bound = to->bound;
    now->networks = to->networks;
}

static void set_holders(struct registry_key *now, const struct registry_key *to)
{
    now->holders = to->holders;
}

static void set_claim(struct registry_key *now, const struct registry_key *to)
{
    now->claim = to->claim;
}

static void set_all(struct registry_key *now, const struct registry_key *to)
{
    set_state(now, to);
    set_label(now, to);
    set_networks(now, to);
    set_holders(now, to);
    set_rekeyed(now, to);
    set_claim(now, to);
}

/* Whether the row is to be written, and *edited: because it is not what the ends before contain. */
static bool end_credential(struct registry_credential *row, const struct registry_key *before,
                           const struct registry_key *now, bool *edited)
{
    int64_t was = ends_of(&before->ends, row->serial), end = ends_of(&now->ends, row->serial);
    *edited = was != 0 && (!row->replaced || row->retire_at != was);
    if (end == 0 || (!*edited && row->replaced && row->retire_at <= end))
        return false;
    row->state = SEALRING_CREDENTIAL_SUPERSEDED;
    row->replaced = true;
    row->retire_at = end;
    return true;
}

/* Gives the rows of the key's credentials the ends that the key has now. */
static sealring_status end_credentials(struct registry *registry, const struct registry_key *before,
                                       const struct registry_key *now, sealring_error *error)
{
    struct registry_credential *rows = NULL, row;
    size_t count = 0;
    bool edited;
    sealring_status status = SEALRING_OK;
    if (now->ends.count == 0)
        return SEALRING_OK;
    struct registry_cursor credentials = registry_credentials(registry, now->id, error);
    while (status == SEALRING_OK && registry_credential_next(&credentials, &row)) {
        if (!end_credential(&row, before, now, &edited))
            continue;
        if (edited)
            (void)snprintf(registry->corrected, sizeof registry->corrected,
                           "the row of credential %u of API key %s, whose end was edited", row.serial, now->key_id);
        if (array_grow(&rows, count))
            rows[count++] = row;
        else
            status = error_no_memory(error);
    }
    status = registry_close_cursor(&credentials, status); /* nothing is written while a cursor is open */
    for (size_t i = 0; status == SEALRING_OK && i < count; i++)
        status = registry_credential_update(registry, &rows[i], error);
    free(rows);
    return status;
}

/* Until facts have values, the rows alone contain the ends. */
static sealring_status note_key(struct registry *registry, const struct registry_key *before, struct registry_key *now,
                                sealring_error *error)
{
    struct registry_vault vault = {.facts_begun = true};
    sealring_status status = now->ends.count > 0 ? registry_facts_begun(registry, &vault, error) : SEALRING_OK;
    if (status == SEALRING_OK && !vault.facts_begun)
        now->ends = (struct key_ends){.count = 0};
    return status == SEALRING_OK ? closed_note_key(registry, before, now, error) : status;
}

/* Writes one change. An edited row is corrected by the facts at the same time, and never copied into an entry of the log. */
static sealring_status key_change(struct registry *registry, const struct registry_key *to,
                                  void (*set)(struct registry_key *, const struct registry_key *),
                                  const struct db_query *update, sealring_error *error)
{
    struct registry_key now, before;
    bool found = false, differs;
    sealring_status status =
        query_find(registry, &key_get_by_row, PARAMETERS(INTEGER(to->id)), columns_read_key, &now, &found, error);
    if (status == SEALRING_OK && !found)
        return key_put(registry, &key_update, to, error); /* which reports that there is no such row */
    if (status == SEALRING_OK)
        status = registry_key_follow(registry, &now, &differs, error);
    if (status != SEALRING_OK)
        return status;
    if (differs)
        (void)snprintf(registry->corrected, sizeof registry->corrected,
                       "the row of API key %s, whose state, narrowing or label was edited", now.key_id);
    before = now;
    set(&now, to);
    status = end_credentials(registry, &before, &now, error);
    if (status == SEALRING_OK)
        status = note_key(registry, &before, &now, error);
    return status == SEALRING_OK ? key_put(registry, differs ? &key_update : update, &now, error) : status;
}

sealring_status registry_key_update(struct registry *registry, const struct registry_key *key, sealring_error *error)
{
    return key_change(registry, key, set_all, &key_update, error);
}

sealring_status registry_key_set_state(struct registry *registry, const struct registry_key *key, sealring_error *error)
{
    return key_change(registry, key, set_state, &key_update_state, error);
}

sealring_status registry_key_set_label(struct registry *registry, const struct registry_key *key, sealring_error *error)
{
    return key_change(registry, key, set_label, &key_update_label, error);
}

sealring_status registry_key_set_narrowing(struct registry *registry, const struct registry_key *key,
                                           sealring_error *error)
{
    return key_change(registry, key, set_narrowing, &key_update_narrowing, error);
}

sealring_status registry_key_set_networks(struct registry *registry, const struct registry_key *key,
                                          sealring_error *error)
{
    return key_change(registry, key, set_networks, &key_update_fact, error);
}

sealring_status registry_key_set_holders(struct registry *registry, const struct registry_key *key,
                                         sealring_error *error)
{
    return key_change(registry, key, set_holders, &key_update_fact, error);
}

sealring_status registry_key_set_claim(struct registry *registry, const struct registry_key *key, sealring_error *error)
{
    return key_change(registry, key, set_claim, &key_update_fact, error);
}

sealring_status registry_key_set_serial(struct registry *registry, const struct registry_key *key,
                                        sealring_error *error)
{
    return key_change(registry, key, set_serial, &key_update_serial, error);
}

sealring_status registry_key_set_rekeyed(struct registry *registry, const struct registry_key *key,
                                         sealring_error *error)
{
    return key_change(registry, key, set_rekeyed, &key_update_rekeyed, error);
}

sealring_status registry_key_find(struct registry *registry, const char *key_id, struct registry_key *key, bool *found,
                                  sealring_error *error)
{
    return query_find(registry, &key_get, PARAMETERS(TEXT(key_id)), columns_read_key, key, found, error);
}

sealring_status registry_key_find_by_label(struct registry *registry, int64_t ring, int64_t client, const char *label,
                                           struct registry_key *key, bool *found, sealring_error *error)
{
    return query_find(registry, &key_get_by_label, PARAMETERS(INTEGER(client), INTEGER(ring), TEXT(label)),
                      columns_read_key, key, found, error);
}

bool registry_key_next(struct registry_cursor *keys, struct registry_key *key)
{
    return query_next(keys, columns_read_key, key);
}

sealring_status registry_key_count(struct registry *registry, int64_t ring, uint64_t *not_revoked,
                                   sealring_error *error)
{
    return query_count(registry, &key_count, PARAMETERS(INTEGER(ring)), not_revoked, error);
}

static void key_id_read(struct query *query, void *row)
{
    struct registry_key_id *key_id = row;
    key_id->row = query_int64(query);
    query_ascii(query, key_id->key_id, sizeof key_id->key_id);
}

struct registry_cursor registry_key_ids(struct registry *registry, int64_t after, int64_t limit, sealring_error *error)
{
    return query_list(registry, &key_ids, PARAMETERS(INTEGER(after), INTEGER(limit)), error);
}

struct registry_cursor registry_key_ids_contested(struct registry *registry, sealring_error *error)
{
    return query_list(registry, &key_ids_contested, NULL, error);
}

struct registry_cursor registry_key_ids_claimed(struct registry *registry, sealring_error *error)
{
    return query_list(registry, &key_ids_claimed, NULL, error);
}

bool registry_key_id_next(struct registry_cursor *key_ids_read, struct registry_key_id *key_id)
{
    return query_next(key_ids_read, key_id_read, key_id);
}

sealring_status registry_key_last(struct registry *registry, uint64_t *last, sealring_error *error)
{
    return query_count(registry, &key_last, NULL, last, error);
}
