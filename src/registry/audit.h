/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log's rows: entries, nodes of the tree over them, keys, checkpoints, closed facts. */
#ifndef REGISTRY_AUDIT_H
#define REGISTRY_AUDIT_H

#include "registry/rows.h"

#define REGISTRY_NODE_LEVEL 4 /* the smallest subtrees that are kept: 2^4 leaves */
#define REGISTRY_NOTE_SIZE  8193
#define REGISTRY_VKEY_SIZE  512

/* As in rows.h: all inside registry_read or registry_write. */

/* How many entries there are. */
sealring_status registry_audit_size(struct registry *registry, uint64_t *size, sealring_error *error);

/* Entries in order; texts are good until the callback returns. NULL and 0 filter nothing. `last`: only the newest so many of those that
 * the rest leaves. */
struct registry_audit_filter {
    const char *ring;
    const char *key_id;
    const char *client;
    const char *act; /* or the beginning of one up to a dot: "version" */
    int64_t since;   /* time */
    uint64_t first;  /* sequence */
    uint64_t last;
};
typedef sealring_status (*registry_audit_callback)(const struct registry_audit *entry, void *context,
                                                   sealring_error *error);
sealring_status registry_audit_each(struct registry *registry, const struct registry_audit_filter *filter,
                                    registry_audit_callback each, void *context, sealring_error *error);
/* All of them, by nothing but their number: at the price of a walk through the table. */
sealring_status registry_audit_walk(struct registry *registry, registry_audit_callback each, void *context,
                                    sealring_error *error);

/* Appends an entry of another time as it stands, its operation ID too: when a registry is restored. Its number must be the next. */
sealring_status registry_audit_replay(struct registry *registry, const struct registry_audit *entry,
                                      sealring_error *error);

/* The leaf hashes of `count` entries from number `first` on, SEALRING_NOT_FOUND if one is missing. */
sealring_status registry_leaf_hashes(struct registry *registry, uint64_t first, size_t count,
                                     uint8_t (*hashes)[REGISTRY_DIGEST_SIZE], sealring_error *error);

/* A complete subtree, of level REGISTRY_NODE_LEVEL and up. */
sealring_status registry_node_get(struct registry *registry, unsigned level, uint64_t position,
                                  uint8_t hash[REGISTRY_DIGEST_SIZE], sealring_error *error);
sealring_status registry_node_insert(struct registry *registry, unsigned level, uint64_t position,
                                     const uint8_t hash[REGISTRY_DIGEST_SIZE], sealring_error *error);
sealring_status registry_node_count(struct registry *registry, uint64_t *count, sealring_error *error);

/* The key that signs now. SEALRING_NOT_FOUND if none does. */
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
/* Also lets go of older ones: of those that are neither among the latest hundred nor their day's last. */
sealring_status registry_checkpoint_insert(struct registry *registry, const struct registry_checkpoint *checkpoint,
                                           sealring_error *error);
sealring_status registry_checkpoint_latest(struct registry *registry, struct registry_checkpoint *checkpoint,
                                           sealring_error *error);
/* Of the latest the signed note alone, whatever is in the other columns; "" for one that no sealring wrote. */
sealring_status registry_checkpoint_latest_note(struct registry *registry, char note[REGISTRY_NOTE_SIZE],
                                                sealring_error *error);
sealring_status registry_checkpoint_each(struct registry *registry, registry_checkpoint_callback each, void *context,
                                         sealring_error *error); /* by size */

/* Something that was closed, or a version that came back from a closed state. Written by the updates of keys and versions themselves. */
struct registry_closed {
    uint64_t sequence;
    bool is_version;
    char key_id[SEALRING_KEY_ID_LENGTH + 1]; /* "" for a version */
    uint8_t ring_id[REGISTRY_ID_SIZE];
    uint32_t version;
    int state;
    uint8_t hash[REGISTRY_DIGEST_SIZE]; /* SHA-256 of the hash before it (of the first: 32 zero bytes) and this fact */
};
typedef sealring_status (*registry_closed_callback)(const struct registry_closed *fact, void *context,
                                                    sealring_error *error);
sealring_status registry_closed_each(struct registry *registry, registry_closed_callback each, void *context,
                                     sealring_error *error);
/* The state that the version's last fact gives it; 0: it has none. Below retired: it was reinstated. */
sealring_status registry_closed_version(struct registry *registry, int64_t ring, uint32_t version, int *state,
                                        sealring_error *error);
/* The hash over the first `count` facts, SEALRING_NOT_FOUND if there are not so many; and over all there are. */
sealring_status registry_closed_at(struct registry *registry, uint64_t count, uint8_t hash[REGISTRY_DIGEST_SIZE],
                                   sealring_error *error);
sealring_status registry_closed_head(struct registry *registry, uint64_t *count, uint8_t hash[REGISTRY_DIGEST_SIZE],
                                     sealring_error *error);
/* The hash that a fact must have after the one before it. */
void registry_closed_hash(const uint8_t before[REGISTRY_DIGEST_SIZE], const struct registry_closed *fact,
                          uint8_t hash[REGISTRY_DIGEST_SIZE]);

/* Rows that say otherwise than the last fact about them: `is_version` with the ring's name, or the key ID. */
struct registry_contradiction {
    bool is_version;
    char name[SEALRING_NAME_LENGTH_MAX + 1]; /* key ID or ring */
    uint32_t version;
    int row_state;  /* 0: there is no such row */
    int fact_state; /* 0: there is no fact */
};
typedef sealring_status (*registry_contradiction_callback)(const struct registry_contradiction *contradiction,
                                                           void *context, sealring_error *error);
sealring_status registry_closed_contradictions(struct registry *registry, registry_contradiction_callback each,
                                               void *context, sealring_error *error);

/* For those who hold the rows against the log. Keys, not revoked, that are suspended or narrowed, by key ID. */
sealring_status registry_bounds_each(struct registry *registry, registry_key_callback each, void *context,
                                     sealring_error *error);
/* Keys with an imported credential that has a successor and no end: reissuing sets one. */
sealring_status registry_unended_imports_each(struct registry *registry, registry_key_callback each, void *context,
                                              sealring_error *error);
/* How many credentials there are, in all, that hang on an API key, its client and a version. */
sealring_status registry_credential_count(struct registry *registry, uint64_t *count, sealring_error *error);

/* For key.c and version.c, before they write the row: notes what it closes, or reopens. */
sealring_status closed_note_key(struct registry *registry, const struct registry_key *key, sealring_error *error);
sealring_status closed_note_version(struct registry *registry, const struct registry_version *version,
                                    sealring_error *error);

#endif
