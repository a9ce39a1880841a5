/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that prove the audit log: nodes of its tree, the signing keys, the signed checkpoints. */
#include "registry/log/log_rows.h"

#include "registry/connection/query.h"

static const struct db_query node_get = {"SELECT n.hash FROM audit_node n WHERE n.level = ?1 AND n.position = ?2",
                                         false};

static const struct db_query node_insert = {"INSERT INTO audit_node (level, position, hash) VALUES (?1, ?2, ?3)", true};

static const struct db_query node_count = {"SELECT count(*) FROM audit_node", false};

static const struct db_query key_insert = {
    "INSERT INTO audit_key (id, vkey, created) VALUES ((SELECT coalesce(max(k.id), 0) + 1 FROM audit_key k), ?1, ?2)",
    true};

static const struct db_query key_get = {"SELECT k.vkey FROM audit_key k ORDER BY k.id DESC LIMIT 1", false};

#define CHECKPOINT_SELECT "SELECT c.size, c.time, c.note FROM checkpoint c ORDER BY c.size"

static const struct db_query checkpoint_insert = {"INSERT INTO checkpoint (size, time, note) VALUES (?1, ?2, ?3)",
                                                  true};

/* A day has 86,400,000 ms. */
static const struct db_query checkpoint_thin = {
    "DELETE FROM checkpoint WHERE size NOT IN (SELECT c.size FROM checkpoint c ORDER BY c.size DESC LIMIT 100)"
    " AND size NOT IN (SELECT max(d.size) FROM checkpoint d GROUP BY d.time / 86400000)",
    true};

static const struct db_query checkpoint_latest = {CHECKPOINT_SELECT " DESC LIMIT 1", false};

static const struct db_query checkpoint_latest_note = {
    "SELECT CASE WHEN length(CAST(c.note AS BLOB)) < ?1 THEN c.note ELSE '' END FROM checkpoint c"
    " ORDER BY c.size DESC LIMIT 1",
    false};

/* Enough: whoever inserts that many rows gains that the log is signed again at each act. */
static const struct db_query checkpoint_notes = {
    "SELECT CASE WHEN c.size > 0 THEN c.size ELSE 0 END,"
    " CASE WHEN length(CAST(c.note AS BLOB)) < ?1 THEN c.note ELSE '' END FROM checkpoint c"
    " ORDER BY c.size DESC LIMIT 256",
    false};

static const struct db_query checkpoint_clear = {"DELETE FROM checkpoint WHERE size = ?1", true};

static const struct db_query checkpoint_all = {CHECKPOINT_SELECT, false};

sealring_status registry_node_find(struct registry *registry, unsigned level, uint64_t position,
                                   uint8_t hash[REGISTRY_DIGEST_SIZE], bool *found, sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &node_get, error);
    query_bind_int64(&query, 1, level);
    query_bind_uint64(&query, 2, position);
    *found = query_row(&query);
    if (*found)
        query_bytes(&query, hash, REGISTRY_DIGEST_SIZE);
    return query_end(&query, error);
}

sealring_status registry_node_insert(struct registry *registry, unsigned level, uint64_t position,
                                     const uint8_t hash[REGISTRY_DIGEST_SIZE], sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &node_insert, error);
    query_bind_int64(&query, 1, level);
    query_bind_uint64(&query, 2, position);
    query_bind_bytes(&query, 3, hash, REGISTRY_DIGEST_SIZE);
    return query_run(&query, error);
}

sealring_status registry_node_count(struct registry *registry, uint64_t *count, sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &node_count, error);
    return query_count(&query, count, error);
}

sealring_status registry_audit_key_insert(struct registry *registry, const char *vkey, int64_t created,
                                          sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &key_insert, error);
    query_bind_text(&query, 1, vkey);
    query_bind_int64(&query, 2, created);
    return query_run(&query, error);
}

sealring_status registry_audit_key_find(struct registry *registry, char vkey[REGISTRY_VKEY_SIZE], bool *found,
                                        sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &key_get, error);
    *found = query_row(&query);
    if (*found)
        query_text(&query, vkey, REGISTRY_VKEY_SIZE);
    return query_end(&query, error);
}

sealring_status registry_checkpoint_insert(struct registry *registry, const struct registry_checkpoint *checkpoint,
                                           sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &checkpoint_clear, error);
    query_bind_uint64(&query, 1, checkpoint->size);
    sealring_status status = query_run_any(&query, error);
    if (status != SEALRING_OK)
        return status;
    query_start(&query, registry, &checkpoint_insert, error);
    query_bind_uint64(&query, 1, checkpoint->size);
    query_bind_int64(&query, 2, checkpoint->time);
    query_bind_text(&query, 3, checkpoint->note);
    status = query_run(&query, error);
    if (status != SEALRING_OK)
        return status;
    query_start(&query, registry, &checkpoint_thin, error);
    return query_run_any(&query, error);
}

static void checkpoint_read(struct query *query, struct registry_checkpoint *checkpoint)
{
    checkpoint->size = query_uint64(query);
    checkpoint->time = query_time(query);
    query_text(query, checkpoint->note, sizeof checkpoint->note);
}

sealring_status registry_checkpoint_find_latest(struct registry *registry, struct registry_checkpoint *checkpoint,
                                                bool *found, sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &checkpoint_latest, error);
    *found = query_row(&query);
    if (*found)
        checkpoint_read(&query, checkpoint);
    return query_end(&query, error);
}

sealring_status registry_checkpoint_find_note(struct registry *registry, char note[REGISTRY_NOTE_SIZE], bool *found,
                                              sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &checkpoint_latest_note, error);
    query_bind_int64(&query, 1, REGISTRY_NOTE_SIZE);
    *found = query_row(&query);
    if (*found)
        query_text(&query, note, REGISTRY_NOTE_SIZE);
    return query_end(&query, error);
}

struct registry_cursor registry_checkpoint_notes(struct registry *registry, sealring_error *error)
{
    struct registry_cursor notes = query_open(registry, &checkpoint_notes, error);
    query_bind_int64(&notes.query, 1, REGISTRY_NOTE_SIZE);
    return notes;
}

bool registry_checkpoint_note_next(struct registry_cursor *notes, uint64_t *size, char note[REGISTRY_NOTE_SIZE])
{
    if (!query_row(&notes->query))
        return false;
    *size = query_uint64(&notes->query);
    query_text(&notes->query, note, REGISTRY_NOTE_SIZE);
    return query_good(&notes->query);
}

struct registry_cursor registry_checkpoints(struct registry *registry, sealring_error *error)
{
    return query_open(registry, &checkpoint_all, error);
}

bool registry_checkpoint_next(struct registry_cursor *checkpoints, struct registry_checkpoint *checkpoint)
{
    if (!query_row(&checkpoints->query))
        return false;
    checkpoint_read(&checkpoints->query, checkpoint);
    return query_good(&checkpoints->query);
}
