/* SPDX-License-Identifier: Apache-2.0 */
/* The registry that production code reads and writes: the world's file, behind the functions of src/registry (the linker's --wrap). */
#include <stdio.h>
#include <string.h>

#include "base/sha256.h"
#include "facts/facts.h"
#include "log/log_tree.h"
#include "manage/session/manager.h"
#include "verifier/state/verifier_state.h"

#define KEY_ID  "0123456789abcdef"
#define RING_ID "the only ring..."

struct world world;
const char *world_broken;
bool world_full;

/* ---- facts ---- */

void fact_fill(const struct fact *fact, uint64_t sequence, struct registry_closed *filled)
{
    memset(filled, 0, sizeof *filled);
    filled->sequence = sequence;
    memcpy(filled->hash, hash_bytes(fact->hash), sizeof filled->hash);
    filled->is_version = fact->subject == OF_VERSION;
    if (fact->subject == OF_VERSION) {
        memcpy(filled->ring_id, RING_ID, sizeof filled->ring_id);
        filled->version = 1;
        filled->state = fact->value;
        strcpy(filled->value, "object\ncheck\nrest");
        return;
    }
    strcpy(filled->key_id, KEY_ID);
    bool revoked = (fact->value & KEY_REVOKED) != 0, suspended = (fact->value & KEY_SUSPENDED) != 0;
    bool narrowed = (fact->value & KEY_NARROWED) != 0;
    filled->state = revoked ? SEALRING_KEY_REVOKED : suspended ? SEALRING_KEY_SUSPENDED : SEALRING_KEY_ACTIVE;
    if (!revoked)
        snprintf(filled->value, sizeof filled->value, "%s\n\n%s", narrowed ? "1\na" : "0\n", narrowed ? ENDS : "");
}

uint32_t file_head(const struct file *file)
{
    return file->fact_count == 0 ? 0 : file->facts[file->fact_count - 1].hash;
}

bool file_add(struct file *file, uint8_t subject, uint8_t value)
{
    struct fact fact = {.subject = subject, .value = value};
    if (file->fact_count == FACTS_MAX) {
        world_full = true;
        return false;
    }
    fact.hash = hash_after(file_head(file), &fact);
    file->facts[file->fact_count++] = fact;
    return true;
}

void file_values(const struct file *file, uint8_t *key, uint8_t *version)
{
    *key = *version = 0;
    for (unsigned i = 0; i < file->fact_count; i++)
        if (file->facts[i].subject == OF_VERSION)
            *version = file->facts[i].value;
        else if ((*key & KEY_REVOKED) == 0) /* which is final */
            *key = file->facts[i].value;
}

const uint8_t *era_bytes(uint8_t era)
{
    static uint8_t eras[256][REGISTRY_ID_SIZE];
    eras[era][0] = era;
    return eras[era];
}

uint8_t era_number(const uint8_t era[REGISTRY_ID_SIZE])
{
    return era[0];
}

/* ---- transactions ---- */

static struct world saved; /* by the writing transaction that is open */
static struct registry_vault row;

struct registry_transaction __wrap_registry_reading(struct registry *registry, sealring_error *error);
struct registry_transaction __wrap_registry_reading(struct registry *registry, sealring_error *error)
{
    return (struct registry_transaction){.registry = registry, .error = error};
}

struct registry_transaction __wrap_registry_writing(struct registry *registry, const struct registry_write *how,
                                                    sealring_error *error);
struct registry_transaction __wrap_registry_writing(struct registry *registry, const struct registry_write *how,
                                                    sealring_error *error)
{
    return (struct registry_transaction){.registry = registry, .writes = true, .how = *how, .error = error};
}

bool __wrap_registry_begin(struct registry_transaction *transaction, sealring_status *status);
bool __wrap_registry_begin(struct registry_transaction *transaction, sealring_status *status)
{
    *status = SEALRING_OK;
    transaction->open = true;
    if (transaction->writes)
        memcpy(&saved, &world, sizeof saved);
    if (transaction->writes && transaction->how.moves_epoch)
        world.registry.epoch++;
    return true;
}

bool __wrap_registry_again(struct registry_transaction *transaction, sealring_status *status);
bool __wrap_registry_again(struct registry_transaction *transaction, sealring_status *status)
{
    const bool undone = *status != SEALRING_OK || transaction->how.dry_run;
    if (transaction->open && transaction->writes && undone) {
        if (*status == SEALRING_OK)
            promise_tried(file_head(&saved.registry), file_head(&world.registry));
        memcpy(&world, &saved, sizeof world);
    }
    if (transaction->open && transaction->writes && !undone)
        promise_committed(saved.registry.fact_count);
    transaction->open = false;
    return false;
}

/* Acts are steps of their own here: nobody writes between the transactions of one (tests/tamper/between.sh does). */
sealring_status __wrap_registry_watch_changes(struct registry *registry, registry_check check, void *context,
                                              sealring_error *error);
sealring_status __wrap_registry_watch_changes(struct registry *registry, registry_check check, void *context,
                                              sealring_error *error)
{
    (void)registry, (void)check, (void)context, (void)error;
    return SEALRING_OK;
}

const struct registry_vault *__wrap_registry_vault_row(const struct registry *registry);
const struct registry_vault *__wrap_registry_vault_row(const struct registry *registry)
{
    (void)registry;
    row = (struct registry_vault){.epoch = world.registry.epoch,
                                  .schema = REGISTRY_SCHEMA,
                                  .lease_ms = LEASE,
                                  .facts_begun = true,
                                  .era_in_force = true};
    memcpy(row.era, era_bytes(world.registry.era), sizeof row.era);
    return &row;
}

sealring_status __wrap_registry_look_vault(struct registry *registry, struct registry_vault *vault, bool *replaced,
                                           sealring_error *error);
sealring_status __wrap_registry_look_vault(struct registry *registry, struct registry_vault *vault, bool *replaced,
                                           sealring_error *error)
{
    (void)error;
    *vault = *__wrap_registry_vault_row(registry);
    *replaced = false;
    return SEALRING_OK;
}

sealring_status __wrap_registry_vault_renew(struct registry *registry, const uint8_t *era, uint64_t epoch,
                                            sealring_error *error);
sealring_status __wrap_registry_vault_renew(struct registry *registry, const uint8_t *era, uint64_t epoch,
                                            sealring_error *error)
{
    (void)registry, (void)error;
    world.registry.era = era_number(era);
    world.registry.epoch = (uint8_t)epoch;
    return SEALRING_OK;
}

/* ---- rows ---- */

sealring_status __wrap_registry_closed_head(struct registry *registry, uint64_t *count, uint8_t *hash,
                                            sealring_error *error);
sealring_status __wrap_registry_closed_head(struct registry *registry, uint64_t *count, uint8_t *hash,
                                            sealring_error *error)
{
    (void)registry, (void)error;
    *count = world.registry.fact_count;
    memcpy(hash, hash_bytes(file_head(&world.registry)), REGISTRY_DIGEST_SIZE);
    return SEALRING_OK;
}

sealring_status __wrap_registry_look_closed(struct registry *registry, uint64_t *count, uint8_t *hash,
                                            sealring_error *error);
sealring_status __wrap_registry_look_closed(struct registry *registry, uint64_t *count, uint8_t *hash,
                                            sealring_error *error)
{
    return __wrap_registry_closed_head(registry, count, hash, error);
}

sealring_status __wrap_registry_closed_find(struct registry *registry, uint64_t count, uint8_t *hash, bool *found,
                                            sealring_error *error);
sealring_status __wrap_registry_closed_find(struct registry *registry, uint64_t count, uint8_t *hash, bool *found,
                                            sealring_error *error)
{
    (void)registry, (void)error;
    *found = count <= world.registry.fact_count;
    memcpy(hash, hash_bytes(*found && count > 0 ? world.registry.facts[count - 1].hash : 0), REGISTRY_DIGEST_SIZE);
    return SEALRING_OK;
}

struct registry_cursor __wrap_registry_closed_facts(struct registry *registry, uint64_t after, sealring_error *error);
struct registry_cursor __wrap_registry_closed_facts(struct registry *registry, uint64_t after, sealring_error *error)
{
    (void)registry;
    return (struct registry_cursor){.query.run = after, .error = error};
}

bool __wrap_registry_closed_next(struct registry_cursor *facts, struct registry_closed *fact);
bool __wrap_registry_closed_next(struct registry_cursor *facts, struct registry_closed *fact)
{
    if (facts->query.run >= world.registry.fact_count)
        return false;
    fact_fill(&world.registry.facts[facts->query.run], facts->query.run + 1, fact);
    facts->query.run++;
    return true;
}

sealring_status __wrap_registry_close_cursor(struct registry_cursor *cursor, sealring_status status);
sealring_status __wrap_registry_close_cursor(struct registry_cursor *cursor, sealring_status status)
{
    (void)cursor;
    return status;
}

sealring_status __wrap_registry_closed_before(struct registry *registry, const struct registry_closed *fact,
                                              struct registry_closed *before, bool *found, sealring_error *error);
sealring_status __wrap_registry_closed_before(struct registry *registry, const struct registry_closed *fact,
                                              struct registry_closed *before, bool *found, sealring_error *error)
{
    (void)registry, (void)error;
    *found = false;
    for (uint64_t i = fact->sequence - 1; i > 0 && !*found; i--) {
        if ((world.registry.facts[i - 1].subject == OF_VERSION) != fact->is_version)
            continue;
        fact_fill(&world.registry.facts[i - 1], i, before);
        *found = true;
    }
    return SEALRING_OK;
}

sealring_status __wrap_registry_version_find(struct registry *registry, int64_t ring, uint32_t number,
                                             struct registry_version *version, bool *found, sealring_error *error);
sealring_status __wrap_registry_version_find(struct registry *registry, int64_t ring, uint32_t number,
                                             struct registry_version *version, bool *found, sealring_error *error)
{
    (void)registry, (void)ring, (void)error;
    *version = (struct registry_version){.number = number};
    *found = true;
    return SEALRING_OK;
}

sealring_status __wrap_registry_version_use_ahead(struct registry *registry, int64_t time, uint64_t *uses,
                                                  sealring_error *error);
sealring_status __wrap_registry_version_use_ahead(struct registry *registry, int64_t time, uint64_t *uses,
                                                  sealring_error *error)
{
    (void)registry, (void)time, (void)error;
    *uses = 0;
    return SEALRING_OK;
}

/* ---- the log: an entry is what act was recorded over which facts ---- */

static void add_entry(uint8_t kind)
{
    struct file *file = &world.registry;
    uint8_t bytes[REGISTRY_DIGEST_SIZE + 2 + sizeof(uint32_t)], hash[REGISTRY_DIGEST_SIZE];
    uint32_t head = file_head(file);
    if (file->log_size == LOG_MAX) {
        world_full = true;
        return;
    }
    memcpy(bytes, hash_bytes(file->log_size == 0 ? 0 : file->log[file->log_size - 1]), REGISTRY_DIGEST_SIZE);
    bytes[REGISTRY_DIGEST_SIZE] = kind;
    memcpy(bytes + REGISTRY_DIGEST_SIZE + 1, &head, sizeof head);
    bytes[sizeof bytes - 1] = file->era;
    sha256(bytes, sizeof bytes, hash);
    file->log[file->log_size++] = hash_number(hash);
}

sealring_status __wrap_audit_append(struct registry *registry, const uint8_t *operation_id, int64_t time,
                                    const char *actor, const struct audit_act *act, sealring_error *error);
sealring_status __wrap_audit_append(struct registry *registry, const uint8_t *operation_id, int64_t time,
                                    const char *actor, const struct audit_act *act, sealring_error *error)
{
    (void)registry, (void)operation_id, (void)time, (void)actor, (void)error;
    add_entry((uint8_t)(act->name[0] + act->name[6]));
    return SEALRING_OK;
}

sealring_status __wrap_registry_audit_size(struct registry *registry, uint64_t *size, sealring_error *error);
sealring_status __wrap_registry_audit_size(struct registry *registry, uint64_t *size, sealring_error *error)
{
    (void)registry, (void)error;
    *size = world.registry.log_size;
    return SEALRING_OK;
}

sealring_status __wrap_tree_root(struct registry *registry, uint64_t size, struct merkle_hash *root,
                                 sealring_error *error);
sealring_status __wrap_tree_root(struct registry *registry, uint64_t size, struct merkle_hash *root,
                                 sealring_error *error)
{
    (void)registry, (void)error;
    memcpy(root->bytes, hash_bytes(size == 0 ? 0 : world.registry.log[size - 1]), sizeof root->bytes);
    return SEALRING_OK;
}

sealring_status __wrap_tree_root_if_whole(struct registry *registry, uint64_t size, struct merkle_hash *root,
                                          bool *whole, sealring_error *error);
sealring_status __wrap_tree_root_if_whole(struct registry *registry, uint64_t size, struct merkle_hash *root,
                                          bool *whole, sealring_error *error)
{
    *whole = true;
    return __wrap_tree_root(registry, size, root, error);
}

sealring_status __wrap_registry_leaf_hashes_find(struct registry *registry, uint64_t first, size_t count,
                                                 uint8_t (*hashes)[REGISTRY_DIGEST_SIZE], bool *found,
                                                 sealring_error *error);
sealring_status __wrap_registry_leaf_hashes_find(struct registry *registry, uint64_t first, size_t count,
                                                 uint8_t (*hashes)[REGISTRY_DIGEST_SIZE], bool *found,
                                                 sealring_error *error)
{
    (void)registry, (void)count, (void)error;
    *found = true;
    memcpy(hashes[0], hash_bytes(world.registry.log[first - 1]), REGISTRY_DIGEST_SIZE);
    return SEALRING_OK;
}

/* Nobody appends entries here: tests/tamper/tail.sh does. */
sealring_status __wrap_entry_tail_follow(struct registry *registry, struct entry_tail *tail,
                                         const struct checkpoint *covered, const struct own_notes *own,
                                         sealring_error *error);
sealring_status __wrap_entry_tail_follow(struct registry *registry, struct entry_tail *tail,
                                         const struct checkpoint *covered, const struct own_notes *own,
                                         sealring_error *error)
{
    (void)covered, (void)own;
    *tail = (struct entry_tail){.begun = true, .size = world.registry.log_size};
    return __wrap_tree_root(registry, tail->size, &tail->root, error);
}

/* ---- checkpoints: the note is the row's content, and whether the key signed it ---- */

/* The key is always the same one. */
sealring_status __wrap_audit_keys_find(struct registry *registry, struct audit_keys *keys, bool *found,
                                       sealring_error *error);
sealring_status __wrap_audit_keys_find(struct registry *registry, struct audit_keys *keys, bool *found,
                                       sealring_error *error)
{
    (void)registry, (void)error;
    keys->count = 1;
    *found = true;
    return SEALRING_OK;
}

sealring_status __wrap_audit_keys_follow(struct registry *registry, struct audit_keys *keys, sealring_error *error);
sealring_status __wrap_audit_keys_follow(struct registry *registry, struct audit_keys *keys, sealring_error *error)
{
    (void)registry, (void)keys, (void)error;
    return SEALRING_OK;
}

struct registry_cursor __wrap_registry_checkpoint_notes(struct registry *registry, sealring_error *error);
struct registry_cursor __wrap_registry_checkpoint_notes(struct registry *registry, sealring_error *error)
{
    (void)registry;
    return (struct registry_cursor){.query.run = 0, .error = error};
}

bool __wrap_registry_checkpoint_note_next(struct registry_cursor *notes, uint64_t *size, char *note);
bool __wrap_registry_checkpoint_note_next(struct registry_cursor *notes, uint64_t *size, char *note)
{
    if (notes->query.run == CHECKPOINTS_MAX || world.registry.checkpoints[notes->query.run].column == 0)
        return false;
    const struct checkpoint_row *found = &world.registry.checkpoints[notes->query.run++];
    *size = found->column;
    memcpy(note, found, sizeof *found);
    return true;
}

bool __wrap_checkpoint_verify(const char *note, const struct audit_keys *keys, const uint8_t *vault_id,
                              struct checkpoint *checkpoint);
bool __wrap_checkpoint_verify(const char *note, const struct audit_keys *keys, const uint8_t *vault_id,
                              struct checkpoint *checkpoint)
{
    struct checkpoint_row noted;
    (void)keys, (void)vault_id;
    memcpy(&noted, note, sizeof noted);
    memset(checkpoint, 0, sizeof *checkpoint);
    checkpoint->size = noted.size;
    checkpoint->time = noted.time;
    checkpoint->closed_count = noted.count;
    memcpy(checkpoint->era, era_bytes(noted.era), sizeof checkpoint->era);
    memcpy(checkpoint->closed.bytes, hash_bytes(noted.head), sizeof checkpoint->closed.bytes);
    memcpy(checkpoint->root.bytes, hash_bytes(noted.root), sizeof checkpoint->root.bytes);
    checkpoint->newest = noted.verifies != 0;
    return noted.verifies != 0;
}

sealring_status __wrap_registry_checkpoint_insert(struct registry *registry, const struct registry_checkpoint *inserted,
                                                  sealring_error *error);
sealring_status __wrap_registry_checkpoint_insert(struct registry *registry, const struct registry_checkpoint *inserted,
                                                  sealring_error *error)
{
    struct checkpoint_row *rows = world.registry.checkpoints;
    unsigned place = 0;
    (void)registry, (void)error;
    while (place < CHECKPOINTS_MAX && rows[place].column > inserted->size)
        place++;
    bool replaces = place < CHECKPOINTS_MAX && rows[place].column == inserted->size;
    if (place == CHECKPOINTS_MAX || (!replaces && rows[CHECKPOINTS_MAX - 1].column != 0)) {
        world_full = true;
        return SEALRING_OK;
    }
    if (!replaces)
        memmove(rows + place + 1, rows + place, (CHECKPOINTS_MAX - 1 - place) * sizeof *rows);
    memcpy(&rows[place], inserted->note, sizeof *rows);
    return SEALRING_OK;
}
