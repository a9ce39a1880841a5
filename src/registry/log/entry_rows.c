/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the audit table: only ever added, numbered without a gap. */
#include "registry/log/log_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "registry/connection/query.h"
#include "registry/log/packed_detail.h"

#define AUDIT_COLUMNS \
    "a.sequence, a.operation_id, a.time, a.actor, a.act, a.ring, a.version, a.key_id, a.client, a.detail, a.leaf_hash, a.packed"

/* The vault row's lock makes this the only writer, so max + 1 is unique; a sequence would leave gaps at rollbacks. */
static const struct db_query audit_append = {
    "INSERT INTO audit (sequence, operation_id, time, actor, act, ring, version, key_id, client, detail, leaf_hash, packed)"
    " VALUES ((SELECT coalesce(max(a.sequence), 0) + 1 FROM audit a), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    true};

static const struct db_query audit_find_operation = {"SELECT a.sequence FROM audit a WHERE a.operation_id = ?1 LIMIT 1",
                                                     false};

static const struct db_query audit_size = {"SELECT coalesce(max(a.sequence), 0) FROM audit a", false};

static const struct db_query audit_walk = {"SELECT " AUDIT_COLUMNS " FROM audit a ORDER BY a.sequence", false};

/* Text parameters are '' for no filter. The newest N entries are found from the end, then returned in order. */
static const struct db_query audit_each = {
    "SELECT " AUDIT_COLUMNS " FROM audit a WHERE a.sequence IN ("
    "    SELECT b.sequence FROM audit b WHERE b.sequence >= ?1 AND b.time >= ?2"
    "    AND (?3 = '' OR b.ring = ?3) AND (?4 = '' OR b.key_id = ?4) AND (?5 = '' OR b.client = ?5)"
    "    AND (?6 = '' OR b.act = ?6 OR substr(b.act, 1, length(?6) + 1) = ?6 || '.')"
    "    ORDER BY b.sequence DESC LIMIT ?7)"
    " ORDER BY a.sequence",
    false};

static const struct db_query audit_each_from = {
    "SELECT " AUDIT_COLUMNS " FROM audit a WHERE a.sequence >= ?1 AND a.time >= ?2"
    " AND (?3 = '' OR a.ring = ?3) AND (?4 = '' OR a.key_id = ?4) AND (?5 = '' OR a.client = ?5)"
    " AND (?6 = '' OR a.act = ?6 OR substr(a.act, 1, length(?6) + 1) = ?6 || '.')"
    " ORDER BY a.sequence",
    false};

/* As the index audit_leak has it. */
#define IS_LEAK "a.act = 'key.leak'"
static const struct db_query audit_leaks_of_key = {
    "SELECT " AUDIT_COLUMNS " FROM audit a WHERE " IS_LEAK " AND a.key_id = ?1 ORDER BY a.sequence", false};

static const struct db_query audit_leaks_open = {
    "SELECT " AUDIT_COLUMNS " FROM audit a WHERE " IS_LEAK
    " AND NOT EXISTS (SELECT 1 FROM audit b WHERE b.sequence > a.sequence"
    " AND b.key_id = a.key_id AND b.act IN ('key.acknowledge', 'key.suspend', 'key.resume', 'key.revoke', 'key.rekey'))"
    " ORDER BY a.sequence",
    false};

static const struct db_query audit_leaves = {
    "SELECT a.leaf_hash FROM audit a WHERE a.sequence >= ?1 AND a.sequence < ?2 ORDER BY a.sequence", false};

static sealring_status audit_insert(struct registry *registry, const struct registry_audit *entry,
                                    sealring_error *error)
{
    size_t length = 0;
    uint8_t *packed = entry->detail != NULL ? packed_write(entry->detail, &length) : NULL;
    sealring_status status =
        query_change(registry, &audit_append,
                     PARAMETERS(BYTES(entry->operation_id, sizeof entry->operation_id), INTEGER(entry->time),
                                TEXT(entry->actor), TEXT(entry->act), TEXT(entry->ring), INTEGER(entry->version),
                                TEXT(entry->key_id), TEXT(entry->client), TEXT(packed == NULL ? entry->detail : NULL),
                                BYTES(entry->leaf_hash, sizeof entry->leaf_hash),
                                packed != NULL ? BYTES(packed, length) : TEXT(NULL)),
                     error);
    free(packed);
    return status;
}

sealring_status registry_audit_append(struct registry *registry, const struct registry_audit *entry,
                                      sealring_error *error)
{
    if (memcmp(entry->operation_id, registry->operation_id, REGISTRY_ID_SIZE) != 0) {
        /* After an uncertain commit, a repeated call would not find it, and do everything twice. */
        return error_set(error, SEALRING_INVALID, "an audit entry must have its transaction's operation ID");
    }
    return audit_insert(registry, entry, error);
}

sealring_status registry_audit_replay(struct registry *registry, const struct registry_audit *entry,
                                      sealring_error *error)
{
    uint64_t size = 0;
    sealring_status status = registry_audit_size(registry, &size, error);
    if (status == SEALRING_OK && entry->sequence != size + 1)
        status = error_set(error, SEALRING_INVALID, "audit entries are replayed in their order");
    return status == SEALRING_OK ? audit_insert(registry, entry, error) : status;
}

sealring_status registry_audit_has(struct registry *registry, const uint8_t operation_id[REGISTRY_ID_SIZE], bool *there,
                                   sealring_error *error)
{
    return query_find(registry, &audit_find_operation, PARAMETERS(BYTES(operation_id, REGISTRY_ID_SIZE)), NULL, NULL,
                      there, error);
}

sealring_status registry_audit_size(struct registry *registry, uint64_t *size, sealring_error *error)
{
    return query_count(registry, &audit_size, NULL, size, error);
}

/* Valid until the next entry is read; freed with the registry. */
static const char *unpack(struct query *query, bool also_text)
{
    size_t length = 0;
    bool damaged = false;
    const uint8_t *bytes = query_borrow_bytes(query, &length);
    free(query->registry->unpacked);
    query->registry->unpacked = bytes != NULL ? packed_read(bytes, length, &damaged) : NULL;
    if (query->problem == DB_FINE && (damaged || also_text))
        query->problem = DB_CORRUPT;
    else if (query->problem == DB_FINE && query->registry->unpacked == NULL)
        query->problem = DB_NO_MEMORY;
    return query->registry->unpacked;
}

static void audit_read(struct query *query, void *row)
{
    struct registry_audit *entry = row;
    entry->sequence = query_uint64(query);
    query_bytes(query, entry->operation_id, sizeof entry->operation_id);
    entry->time = query_time(query);
    entry->actor = query_borrow(query);
    entry->act = query_borrow_some(query);
    entry->ring = query_borrow(query);
    entry->version = query_uint32(query);
    entry->key_id = query_borrow(query);
    entry->client = query_borrow(query);
    entry->detail = query_borrow(query);
    query_bytes(query, entry->leaf_hash, sizeof entry->leaf_hash);
    if (!query_null(query))
        entry->detail = unpack(query, entry->detail != NULL);
}

bool registry_audit_next(struct registry_cursor *entries, struct registry_audit *entry)
{
    return query_next(entries, audit_read, entry);
}

struct registry_cursor registry_audit_entries(struct registry *registry, const sealring_audit_filter *filter,
                                              sealring_error *error)
{
    return query_list(registry, filter->last > 0 ? &audit_each : &audit_each_from,
                      PARAMETERS(UNSIGNED(filter->first), INTEGER(filter->since), FILTER(filter->ring),
                                 FILTER(filter->key_id), FILTER(filter->client), FILTER(filter->act),
                                 filter->last > 0 ? UNSIGNED(filter->last) : NO_PARAMETER),
                      error);
}

struct registry_cursor registry_audit_all(struct registry *registry, sealring_error *error)
{
    return query_list(registry, &audit_walk, NULL, error);
}

struct registry_cursor registry_leaks_of_key(struct registry *registry, const char *key_id, sealring_error *error)
{
    return query_list(registry, &audit_leaks_of_key, PARAMETERS(TEXT(key_id)), error);
}

struct registry_cursor registry_leaks_open(struct registry *registry, sealring_error *error)
{
    return query_list(registry, &audit_leaks_open, NULL, error);
}

sealring_status registry_leaf_hashes_find(struct registry *registry, uint64_t first, size_t count,
                                          uint8_t (*hashes)[REGISTRY_DIGEST_SIZE], bool *found, sealring_error *error)
{
    struct query query;
    size_t read = 0;
    query_start(&query, registry, &audit_leaves, error);
    query_bind(&query, PARAMETERS(UNSIGNED(first), UNSIGNED(first + count)));
    while (query_row(&query))
        query_bytes(&query, hashes[read++], REGISTRY_DIGEST_SIZE);
    *found = read == count;
    return query_end(&query, error);
}
