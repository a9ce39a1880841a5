/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that prove the audit log: nodes of its tree, the signed checkpoints. */
#include "registry/log/log_rows.h"

#include "registry/connection/query.h"

static const struct db_query node_get = {"SELECT n.hash FROM audit_node n WHERE n.level = ?1 AND n.position = ?2",
                                         false};

static const struct db_query node_insert = {"INSERT INTO audit_node (level, position, hash) VALUES (?1, ?2, ?3)", true};

static const struct db_query node_count = {"SELECT count(*) FROM audit_node", false};

#define CHECKPOINT_SELECT "SELECT c.size, c.time, c.note FROM checkpoint c ORDER BY c.size"

static const struct db_query checkpoint_insert = {"INSERT INTO checkpoint (size, time, note) VALUES (?1, ?2, ?3)",
                                                  true};

/* A day has 86,400,000 ms. */
static const struct db_query checkpoint_thin = {
    "DELETE FROM checkpoint WHERE size NOT IN (SELECT c.size FROM checkpoint c ORDER BY c.size DESC LIMIT 100)"
    " AND size NOT IN (SELECT max(d.size) FROM checkpoint d GROUP BY d.time / 86400000)"
    " AND size NOT IN (" SIZES_OF_KEY_CHANGES ")",
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

static const struct db_query checkpoint_at = {
    "SELECT CASE WHEN length(CAST(c.note AS BLOB)) < ?1 THEN c.note ELSE '' END FROM checkpoint c WHERE c.size = ?2",
    false};

static const struct db_query checkpoint_clear = {"DELETE FROM checkpoint WHERE size = ?1", true};

static const struct db_query checkpoint_all = {CHECKPOINT_SELECT, false};

/* A hash or a note alone in its row. */
static void hash_read(struct query *query, void *row)
{
    query_bytes(query, row, REGISTRY_DIGEST_SIZE);
}

static void note_read(struct query *query, void *row)
{
    query_text(query, row, REGISTRY_NOTE_SIZE);
}

sealring_status registry_node_find(struct registry *registry, unsigned level, uint64_t position,
                                   uint8_t hash[REGISTRY_DIGEST_SIZE], bool *found, sealring_error *error)
{
    return query_find(registry, &node_get, PARAMETERS(INTEGER(level), UNSIGNED(position)), hash_read, hash, found,
                      error);
}

sealring_status registry_node_insert(struct registry *registry, unsigned level, uint64_t position,
                                     const uint8_t hash[REGISTRY_DIGEST_SIZE], sealring_error *error)
{
    return query_change(registry, &node_insert,
                        PARAMETERS(INTEGER(level), UNSIGNED(position), BYTES(hash, REGISTRY_DIGEST_SIZE)), error);
}

sealring_status registry_node_count(struct registry *registry, uint64_t *count, sealring_error *error)
{
    return query_count(registry, &node_count, NULL, count, error);
}

sealring_status registry_checkpoint_insert(struct registry *registry, const struct registry_checkpoint *checkpoint,
                                           sealring_error *error)
{
    sealring_status status =
        query_change_any(registry, &checkpoint_clear, PARAMETERS(UNSIGNED(checkpoint->size)), error);
    if (status == SEALRING_OK)
        status = query_change(registry, &checkpoint_insert,
                              PARAMETERS(UNSIGNED(checkpoint->size), INTEGER(checkpoint->time), TEXT(checkpoint->note)),
                              error);
    return status == SEALRING_OK ? query_change_any(registry, &checkpoint_thin, NULL, error) : status;
}

static void checkpoint_read(struct query *query, void *row)
{
    struct registry_checkpoint *checkpoint = row;
    checkpoint->size = query_uint64(query);
    checkpoint->time = query_time(query);
    query_text(query, checkpoint->note, sizeof checkpoint->note);
}

sealring_status registry_checkpoint_find_latest(struct registry *registry, struct registry_checkpoint *checkpoint,
                                                bool *found, sealring_error *error)
{
    return query_find(registry, &checkpoint_latest, NULL, checkpoint_read, checkpoint, found, error);
}

sealring_status registry_checkpoint_find_note(struct registry *registry, char note[REGISTRY_NOTE_SIZE], bool *found,
                                              sealring_error *error)
{
    return query_find(registry, &checkpoint_latest_note, PARAMETERS(INTEGER(REGISTRY_NOTE_SIZE)), note_read, note,
                      found, error);
}

sealring_status registry_checkpoint_find_at(struct registry *registry, uint64_t size, char note[REGISTRY_NOTE_SIZE],
                                            bool *found, sealring_error *error)
{
    return query_find(registry, &checkpoint_at, PARAMETERS(INTEGER(REGISTRY_NOTE_SIZE), UNSIGNED(size)), note_read,
                      note, found, error);
}

struct registry_cursor registry_checkpoint_notes(struct registry *registry, sealring_error *error)
{
    return query_list(registry, &checkpoint_notes, PARAMETERS(INTEGER(REGISTRY_NOTE_SIZE)), error);
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
    return query_list(registry, &checkpoint_all, NULL, error);
}

bool registry_checkpoint_next(struct registry_cursor *checkpoints, struct registry_checkpoint *checkpoint)
{
    return query_next(checkpoints, checkpoint_read, checkpoint);
}
