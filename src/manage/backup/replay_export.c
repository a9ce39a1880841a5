/* SPDX-License-Identifier: Apache-2.0 */
/* Appends exported entries to a restored registry and repeats their acts, as far as the audit token or a checkpoint confirms them. */
#include "manage/backup/replay_export.h"

#include <inttypes.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "log/leaf.h"
#include "log/log_tree.h"
#include "manage/audit/read_export.h"
#include "registry/rows/closed_facts.h"

/* ---- What the exports contain ---- */

static sealring_status take_checkpoint(struct replay *replay, const struct exported *line, sealring_error *error)
{
    struct checkpoint checkpoint;
    if (!checkpoint_verify(line->checkpoint, replay->keys, registry_vault_row(replay->registry)->vault_id, &checkpoint))
        return error_set(error, SEALRING_REFUSED,
                         "line %" PRIu64
                         " of %s is no checkpoint that this vault's audit key signed: leave that export "
                         "out",
                         line->number, line->path);
    if (!array_grow(&replay->checkpoints, replay->count))
        return error_no_memory(error);
    replay->checkpoints[replay->count++] = checkpoint;
    return SEALRING_OK;
}

/* The leaf hash that an entry must have if its number is known already. */
static sealring_status known_hash(struct replay *replay, uint64_t sequence, struct merkle_hash *hash,
                                  sealring_error *error)
{
    if (sequence > replay->start) {
        *hash = replay->hashes[sequence - replay->start - 1];
        return SEALRING_OK;
    }
    bool found = false;
    sealring_status status = registry_leaf_hashes_find(replay->registry, sequence, 1, &hash->bytes, &found, error);
    if (status == SEALRING_OK && !found)
        status = error_set_registry(error, 0, "the registry's row of entry %" PRIu64 " is missing: run sealring doctor",
                                    sequence);
    return status;
}

static sealring_status take_entry(struct replay *replay, const struct exported *line, sealring_error *error)
{
    const struct registry_audit *entry = &line->entry;
    struct merkle_hash hash, known;
    leaf_hash(registry_vault_row(replay->registry)->vault_id, entry, &hash);
    if (memcmp(hash.bytes, entry->leaf_hash, sizeof hash.bytes) != 0)
        return error_set(error, SEALRING_REFUSED,
                         "entry %" PRIu64 ", line %" PRIu64 " of %s, was changed, or is another vault's: leave that "
                         "export out",
                         entry->sequence, line->number, line->path);
    if (entry->sequence > replay->end + 1)
        return error_set(error, SEALRING_REFUSED,
                         "the entries %" PRIu64 " to %" PRIu64 " are missing before line %" PRIu64 " of %s: give the "
                         "export or archive that has them before it, or leave this one out",
                         replay->end + 1, entry->sequence - 1, line->number, line->path);
    if (entry->sequence < replay->first) /* the backup's log was cut after this entry */
        return SEALRING_OK;
    if (entry->sequence <= replay->end) {
        sealring_status status = known_hash(replay, entry->sequence, &known, error);
        if (status == SEALRING_OK && !merkle_equal(&hash, &known))
            status =
                error_set(error, SEALRING_REFUSED,
                          "entry %" PRIu64 ", line %" PRIu64 " of %s, is not the one that %s has: it is of another "
                          "history; leave that export out",
                          entry->sequence, line->number, line->path,
                          entry->sequence <= replay->start ? "the backup" : "an export before it");
        return status;
    }
    if (!array_grow(&replay->hashes, (size_t)(replay->end - replay->start)))
        return error_no_memory(error);
    replay->hashes[replay->end++ - replay->start] = hash;
    return SEALRING_OK;
}

static sealring_status take_line(const struct exported *line, void *context, sealring_error *error)
{
    if (line->checkpoint != NULL)
        return take_checkpoint(context, line, error);
    /* the note at the end of an archive adds nothing: its entries are judged like those of any export */
    return line->is_entry ? take_entry(context, line, error) : SEALRING_OK;
}

/* A checkpoint of another era may belong to a history that was abandoned since; one of the anchor's era belongs to the anchor's history. Without an
 * anchor, only the signature can be checked. */
static bool may_vouch(const struct replay *replay, const struct checkpoint *checkpoint)
{
    const struct audit_witness *witness = replay->witness;
    return !witness->anchored || memcmp(checkpoint->era, witness->anchor.era, sizeof checkpoint->era) == 0;
}

/* Inside a transaction. */
static sealring_status plan(struct replay *replay, sealring_error *error)
{
    const struct audit_witness *witness = replay->witness;
    replay->count = 0;
    sealring_status status = registry_audit_size(replay->registry, &replay->start, error);
    if (status == SEALRING_OK)
        status = registry_audit_first(replay->registry, &replay->first, error);
    replay->end = replay->start;
    if (status == SEALRING_OK)
        status = exports_each(replay->paths, take_line, replay, error);
    replay->target = replay->start;
    if (witness->anchored && witness->anchor.size > replay->target && witness->anchor.size <= replay->end)
        replay->target = witness->anchor.size;
    for (size_t i = 0; i < replay->count; i++) {
        const struct checkpoint *checkpoint = &replay->checkpoints[i];
        if (checkpoint->size > replay->target && checkpoint->size <= replay->end && may_vouch(replay, checkpoint))
            replay->target = checkpoint->size;
    }
    replay->done = replay->start;
    return status;
}

sealring_status replay_plan(struct replay *replay, sealring_error *error)
{
    sealring_status status;
    struct registry_transaction reading = registry_reading(replay->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = plan(replay, error);
    } while (registry_again(&reading, &status));
    return status;
}

/* ---- Repeating the acts ---- */

/* In a writing transaction. */
static sealring_status redo_batch(struct replay *replay, sealring_error *error)
{
    struct registry *registry = replay->registry;
    struct redo redo = replay->redo; /* a transaction that is run again counts once */
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < replay->batch.count; i++) {
        const struct registry_audit *entry = &replay->batch.entries[i];
        status = redo_entry(registry, entry, &redo, error);
        if (status == SEALRING_OK)
            status = registry_audit_replay(registry, entry, error);
        if (status == SEALRING_OK)
            status = tree_grow(registry, entry->sequence, error);
    }
    replay->batch.redo = redo;
    return status;
}

static void empty_batch(struct replay *replay)
{
    for (size_t i = 0; i < replay->batch.count; i++)
        json_decref(replay->batch.lines[i]);
    replay->batch.count = 0;
}

static sealring_status flush(struct replay *replay, sealring_error *error)
{
    struct registry_write how = {.moves_epoch = false};
    size_t count = replay->batch.count;
    if (count == 0)
        return SEALRING_OK;
    if (RAND_bytes(how.operation_id, sizeof how.operation_id) != 1)
        return error_set(error, SEALRING_SYSTEM, "OpenSSL's random generator failed");
    sealring_status status;
    struct registry_transaction writing = registry_writing(replay->registry, &how, error);
    do {
        if (registry_begin(&writing, &status))
            status = redo_batch(replay, error);
    } while (registry_again(&writing, &status));
    empty_batch(replay);
    if (status != SEALRING_OK)
        return status;
    replay->redo = replay->batch.redo;
    replay->done += count;
    return backup_progress(replay->progress, "replaying", replay->done - replay->start, replay->target - replay->start,
                           error);
}

static sealring_status do_line(const struct exported *line, void *context, sealring_error *error)
{
    struct replay *replay = context;
    struct replay_batch *batch = &replay->batch;
    uint64_t next = replay->done + batch->count + 1;
    struct merkle_hash hash;
    if (!line->is_entry || line->entry.sequence != next || next > replay->target)
        return SEALRING_OK;
    leaf_hash(registry_vault_row(replay->registry)->vault_id, &line->entry, &hash);
    if (!merkle_equal(&hash, &replay->hashes[next - replay->start - 1]))
        return error_set(error, SEALRING_REFUSED, "the export %s was changed while it was being read", line->path);
    batch->lines[batch->count] = json_incref(line->line);
    batch->entries[batch->count] = line->entry;
    memcpy(batch->entries[batch->count].leaf_hash, hash.bytes, sizeof hash.bytes);
    batch->count++;
    return batch->count == REPLAY_BATCH ? flush(replay, error) : SEALRING_OK;
}

/* found: the log has the checkpoint's root and its closed facts. */
static sealring_status find_checkpoint(struct registry *registry, const struct checkpoint *checkpoint, bool *found,
                                       sealring_error *error)
{
    struct merkle_hash root;
    uint8_t closed[REGISTRY_DIGEST_SIZE];
    bool closes = false;
    *found = false;
    sealring_status status = tree_root(registry, checkpoint->size, &root, error);
    if (status == SEALRING_OK)
        status = registry_closed_find(registry, checkpoint->closed_count, closed, &closes, error);
    if (status == SEALRING_OK && closes)
        *found = merkle_equal(&root, &checkpoint->root) && memcmp(closed, checkpoint->closed.bytes, sizeof closed) == 0;
    return status;
}

/* Checks each checkpoint up to the target, of any era: if one does not agree, the checkpoint or the entries are of another history. */
static sealring_status verify(const struct replay *replay, sealring_error *error)
{
    struct registry *registry = replay->registry;
    bool contradicts = false;
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < replay->count; i++) {
        const struct checkpoint *checkpoint = &replay->checkpoints[i];
        bool found = false;
        if (checkpoint->size > replay->target || checkpoint->size + 1 < replay->first)
            continue;
        status = find_checkpoint(registry, checkpoint, &found, error);
        if (status == SEALRING_OK && !found)
            status =
                error_set(error, SEALRING_REFUSED,
                          "the exports have a checkpoint after entry %" PRIu64 " that vouches for another history: "
                          "they are not this log's, or an entry was exchanged",
                          checkpoint->size);
    }
    /* the checkpoint at the anchor's position, if all entries up to it are there */
    if (status == SEALRING_OK && replay->target > replay->start && replay->witness->anchored &&
        replay->witness->anchor.size <= replay->target)
        status = witness_compare(replay->witness, registry, &contradicts, error);
    if (contradicts)
        status = error_set(error, SEALRING_REFUSED,
                           "the exports are not the log that the audit token knows up to entry %" PRIu64
                           ": an entry was exchanged, or they are of another history; leave them out",
                           replay->witness->anchor.size);
    return status;
}

sealring_status replay_run(struct replay *replay, sealring_error *error)
{
    sealring_status status =
        replay->target > replay->start ? exports_each(replay->paths, do_line, replay, error) : SEALRING_OK;
    if (status == SEALRING_OK)
        status = flush(replay, error);
    empty_batch(replay);
    if (status == SEALRING_OK && replay->done != replay->target)
        status = error_set(error, SEALRING_REFUSED, "the exports were changed while they were being read");
    if (status != SEALRING_OK)
        return status;
    struct registry_transaction reading = registry_reading(replay->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = verify(replay, error);
    } while (registry_again(&reading, &status));
    return status;
}

void replay_release(struct replay *replay)
{
    free(replay->hashes);
    free(replay->checkpoints);
}
