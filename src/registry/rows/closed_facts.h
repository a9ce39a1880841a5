/* SPDX-License-Identifier: Apache-2.0 */
/* Closed facts: what was revoked, retired, compromised or destroyed, in a hash chain. */
#ifndef REGISTRY_ROWS_CLOSED_FACTS_H
#define REGISTRY_ROWS_CLOSED_FACTS_H

#include "registry/rows/rows.h"

/* Something that was closed, or a version that was reinstated. The updates of keys and versions write these. */
struct registry_closed {
    uint64_t sequence;
    bool is_version;
    char key_id[SEALRING_KEY_ID_LENGTH + 1]; /* "" for a version */
    uint8_t ring_id[REGISTRY_ID_SIZE];
    uint32_t version;
    int state;
    uint8_t hash[REGISTRY_DIGEST_SIZE]; /* SHA-256 of the preceding hash (for the first: 32 zero bytes) and this fact */
};
/* In order, from number `after` + 1 on. */
struct registry_cursor registry_closed_facts(struct registry *registry, uint64_t after, sealring_error *error);
bool registry_closed_next(struct registry_cursor *facts, struct registry_closed *fact);
/* The version's state by its last fact; 0: it has none. Below retired: it was reinstated. */
sealring_status registry_closed_version(struct registry *registry, int64_t ring, uint32_t version, int *state,
                                        sealring_error *error);
/* The hash over the first `count` facts, not found if there are fewer; and over all of them. */
sealring_status registry_closed_find(struct registry *registry, uint64_t count, uint8_t hash[REGISTRY_DIGEST_SIZE],
                                     bool *found, sealring_error *error);
sealring_status registry_closed_head(struct registry *registry, uint64_t *count, uint8_t hash[REGISTRY_DIGEST_SIZE],
                                     sealring_error *error);
/* For a verifier's poll: registry_closed_head in one statement, which is a transaction of its own. */
sealring_status registry_look_closed(struct registry *registry, uint64_t *count, uint8_t hash[REGISTRY_DIGEST_SIZE],
                                     sealring_error *error);
/* The hash of a fact that follows the one with the hash `before`. */
void registry_closed_hash(const uint8_t before[REGISTRY_DIGEST_SIZE], const struct registry_closed *fact,
                          uint8_t hash[REGISTRY_DIGEST_SIZE]);

/* Rows that contradict the last fact about them: `is_version` with the ring's name, or the key ID. */
struct registry_contradiction {
    bool is_version;
    char name[SEALRING_NAME_LENGTH_MAX + 1]; /* key ID or ring */
    uint32_t version;
    int row_state;  /* 0: there is no such row */
    int fact_state; /* 0: there is no fact */
};
struct registry_cursor registry_contradictions(struct registry *registry, bool of_versions, sealring_error *error);
bool registry_contradiction_next(struct registry_cursor *contradictions, struct registry_contradiction *found);

/* For key_rows.c and version_rows.c, before they write the row: records a fact if it closes or reopens something. */
sealring_status closed_note_key(struct registry *registry, const struct registry_key *key, sealring_error *error);
sealring_status closed_note_version(struct registry *registry, const struct registry_version *version,
                                    sealring_error *error);

#endif
