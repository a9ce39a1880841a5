/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log's rows: entries, nodes of the tree over them, keys, checkpoints. */
#ifndef REGISTRY_LOG_LOG_ROWS_H
#define REGISTRY_LOG_LOG_ROWS_H

#include "registry/rows/rows.h"

#define REGISTRY_NODE_LEVEL 4 /* the smallest stored subtrees: 2^4 leaves */
#define REGISTRY_NOTE_SIZE  8193
#define REGISTRY_VKEY_SIZE  512

/* As in rows.h: call all of these inside registry_read or registry_write. */

/* The number of entries. */
sealring_status registry_audit_size(struct registry *registry, uint64_t *size, sealring_error *error);

/* Entries in order; texts are valid until the callback returns. NULL and 0 filter nothing. `last`: only this number of the newest
 * entries that pass the other filters. */
struct registry_audit_filter {
    const char *ring;
    const char *key_id;
    const char *client;
    const char *act; /* or its beginning up to a dot: "version" */
    int64_t since;   /* time */
    uint64_t first;  /* sequence */
    uint64_t last;
};
typedef sealring_status (*registry_audit_callback)(const struct registry_audit *entry, void *context,
                                                   sealring_error *error);
sealring_status registry_audit_each(struct registry *registry, const struct registry_audit_filter *filter,
                                    registry_audit_callback each, void *context, sealring_error *error);
/* All of them in order of their number, without filters: costs a walk through the table. */
sealring_status registry_audit_walk(struct registry *registry, registry_audit_callback each, void *context,
                                    sealring_error *error);

/* Appends an existing entry unchanged, including its operation ID, when a registry is restored. Its number must be the next. */
sealring_status registry_audit_replay(struct registry *registry, const struct registry_audit *entry,
                                      sealring_error *error);

/* The leaf hashes of `count` entries from number `first` on. SEALRING_NOT_FOUND if one is missing. */
sealring_status registry_leaf_hashes(struct registry *registry, uint64_t first, size_t count,
                                     uint8_t (*hashes)[REGISTRY_DIGEST_SIZE], sealring_error *error);

/* A complete subtree, of level REGISTRY_NODE_LEVEL or higher. */
sealring_status registry_node_get(struct registry *registry, unsigned level, uint64_t position,
                                  uint8_t hash[REGISTRY_DIGEST_SIZE], sealring_error *error);
sealring_status registry_node_insert(struct registry *registry, unsigned level, uint64_t position,
                                     const uint8_t hash[REGISTRY_DIGEST_SIZE], sealring_error *error);
sealring_status registry_node_count(struct registry *registry, uint64_t *count, sealring_error *error);

/* The key that signs now. SEALRING_NOT_FOUND if there is none. */
sealring_status registry_audit_key_insert(struct registry *registry, const char *vkey, int64_t created,
                                          sealring_error *error);
sealring_status registry_audit_key_get(struct registry *registry, char vkey[REGISTRY_VKEY_SIZE], sealring_error *error);

struct registry_checkpoint {
    uint64_t size;
    int64_t time;
    char note[REGISTRY_NOTE_SIZE];
};
typedef sealring_status (*registry_checkpoint_callback)(const struct registry_checkpoint *checkpoint, void *context,
                                                        sealring_error *error);
/* Also deletes older ones that are neither among the latest hundred nor the last of their day. */
sealring_status registry_checkpoint_insert(struct registry *registry, const struct registry_checkpoint *checkpoint,
                                           sealring_error *error);
sealring_status registry_checkpoint_latest(struct registry *registry, struct registry_checkpoint *checkpoint,
                                           sealring_error *error);
/* Reads only the signed note of the latest one, whatever the other columns contain; "" for a note that sealring cannot have written. */
sealring_status registry_checkpoint_latest_note(struct registry *registry, char note[REGISTRY_NOTE_SIZE],
                                                sealring_error *error);
sealring_status registry_checkpoint_each(struct registry *registry, registry_checkpoint_callback each, void *context,
                                         sealring_error *error); /* by size */

#endif
