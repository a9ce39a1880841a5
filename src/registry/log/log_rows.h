/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log's rows: entries, nodes of the tree over them, keys, checkpoints. */
#ifndef REGISTRY_LOG_LOG_ROWS_H
#define REGISTRY_LOG_LOG_ROWS_H

#include "registry/rows/rows.h"

#define REGISTRY_NODE_LEVEL 4 /* the smallest stored subtrees: 2^4 leaves */
#define REGISTRY_NOTE_SIZE  8193
#define REGISTRY_VKEY_SIZE  512

/* As in rows.h: call all of these inside a transaction. */

/* The number of entries, of which the first ones may be archived. */
sealring_status registry_audit_size(struct registry *registry, uint64_t *size, sealring_error *error);

/* The number of the first entry that the registry has; 1 if it has none. */
sealring_status registry_audit_first(struct registry *registry, uint64_t *first, sealring_error *error);
/* In a writing transaction: deletes the first `size` entries, which are archived, their checkpoints and what only they need of the tree. size:
 * a multiple of the smallest stored subtree, and below the number of entries. */
sealring_status registry_audit_cut(struct registry *registry, uint64_t size, sealring_error *error);

/* Entries in order; texts are valid until the next one is read. The filter's `proofs` is not read. */
struct registry_cursor registry_audit_entries(struct registry *registry, const sealring_audit_filter *filter,
                                              sealring_error *error);
bool registry_audit_next(struct registry_cursor *entries, struct registry_audit *entry);
/* All of them in order of their number, without filters: costs a walk through the table. */
struct registry_cursor registry_audit_all(struct registry *registry, sealring_error *error);

/* Entries about leaked credentials, as registry_audit_entries: those of an API key; and the open ones, after which nobody has acted on the key. */
struct registry_cursor registry_leaks_of_key(struct registry *registry, const char *key_id, sealring_error *error);
struct registry_cursor registry_leaks_open(struct registry *registry, sealring_error *error);

/* Appends an existing entry unchanged, including its operation ID, when a registry is restored. Its number must be the next. */
sealring_status registry_audit_replay(struct registry *registry, const struct registry_audit *entry,
                                      sealring_error *error);

/* The leaf hashes of `count` entries from number `first` on; found: none of them is missing. */
sealring_status registry_leaf_hashes_find(struct registry *registry, uint64_t first, size_t count,
                                          uint8_t (*hashes)[REGISTRY_DIGEST_SIZE], bool *found, sealring_error *error);

/* A complete subtree, of level REGISTRY_NODE_LEVEL or higher. */
sealring_status registry_node_find(struct registry *registry, unsigned level, uint64_t position,
                                   uint8_t hash[REGISTRY_DIGEST_SIZE], bool *found, sealring_error *error);
sealring_status registry_node_insert(struct registry *registry, unsigned level, uint64_t position,
                                     const uint8_t hash[REGISTRY_DIGEST_SIZE], sealring_error *error);
sealring_status registry_node_count(struct registry *registry, uint64_t *count, sealring_error *error);

/* The key that the newest row names: it verifies checkpoints only where none is trusted (audit_keys_find). */
sealring_status registry_audit_key_find(struct registry *registry, char vkey[REGISTRY_VKEY_SIZE], bool *found,
                                        sealring_error *error);
/* Whether it names this key. Reads the row whatever it contains. */
sealring_status registry_audit_key_is(struct registry *registry, const char *vkey, bool *is, sealring_error *error);
/* The key that signs from now on: it becomes the newest row. */
sealring_status registry_audit_key_insert(struct registry *registry, const char *vkey, int64_t created,
                                          sealring_error *error);

/* A fact about the change to another key, which signs from the checkpoint of that size on. The changes are found by their facts' numbers. */
struct registry_key_change {
    uint64_t size;
    char old_key[REGISTRY_VKEY_SIZE], new_key[REGISTRY_VKEY_SIZE];
};
struct registry_closed;
sealring_status registry_key_change_add(struct registry *registry, const struct registry_key_change *change,
                                        sealring_error *error);
bool registry_key_change_read(const struct registry_closed *fact, const uint8_t vault_id[REGISTRY_ID_SIZE],
                              struct registry_key_change *change);
sealring_status registry_key_change_after(struct registry *registry, uint64_t after, uint64_t *sequence, bool *found,
                                          sealring_error *error);
/* Their sizes, in SQL: these checkpoints are kept, as they lead from one key to the next. */
#define SIZES_OF_KEY_CHANGES                                                                                  \
    "SELECT CAST(substr(f.value, 1, 20) AS BIGINT) FROM closed_fact f JOIN vault v ON v.vault_id = f.ring_id" \
    " WHERE f.kind = 2 AND f.version = 0"

struct registry_checkpoint {
    uint64_t size;
    int64_t time;
    char note[REGISTRY_NOTE_SIZE];
};
/* Replaces a row of that size, which somebody made up. Also deletes older ones that are neither among the latest hundred nor the last of their day, nor that of a change of keys. */
sealring_status registry_checkpoint_insert(struct registry *registry, const struct registry_checkpoint *checkpoint,
                                           sealring_error *error);
sealring_status registry_checkpoint_find_latest(struct registry *registry, struct registry_checkpoint *checkpoint,
                                                bool *found, sealring_error *error);
/* Reads only the signed note of the latest one, whatever the other columns contain; "" for a note that sealring cannot have written. */
sealring_status registry_checkpoint_find_note(struct registry *registry, char note[REGISTRY_NOTE_SIZE], bool *found,
                                              sealring_error *error);
/* The same of the one of that size. */
sealring_status registry_checkpoint_find_at(struct registry *registry, uint64_t size, char note[REGISTRY_NOTE_SIZE],
                                            bool *found, sealring_error *error);
/* The signed notes, from the largest size on, whatever the other columns contain; "" for a note that sealring cannot have written. */
struct registry_cursor registry_checkpoint_notes(struct registry *registry, sealring_error *error);
bool registry_checkpoint_note_next(struct registry_cursor *notes, uint64_t *size, char note[REGISTRY_NOTE_SIZE]);
struct registry_cursor registry_checkpoints(struct registry *registry, sealring_error *error); /* by size */
bool registry_checkpoint_next(struct registry_cursor *checkpoints, struct registry_checkpoint *checkpoint);

#endif
