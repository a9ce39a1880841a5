/* SPDX-License-Identifier: Apache-2.0 */
/* Facts: what was revoked, suspended, narrowed, relabelled, retired, compromised or destroyed, and the policies of rings, in a hash chain. */
#ifndef REGISTRY_ROWS_CLOSED_FACTS_H
#define REGISTRY_ROWS_CLOSED_FACTS_H

#include "registry/rows/rows.h"

/* The longest value: a flag, a set of scopes, a label, ends, networks, holders, a claim, and their separators. */
#define REGISTRY_FACT_VALUE_SIZE                                                                                       \
    (2 + SEALRING_SCOPES_LENGTH_MAX + 1 + SEALRING_NAME_LENGTH_MAX + 1 + KEY_ENDS_TEXT_SIZE + NETWORKS_TEXT_SIZE + 1 + \
     HOLDERS_TEXT_SIZE + 1 + KEY_CLAIM_TEXT_SIZE)

/* Something that was closed, a version that was reinstated, or the new values of an API key or a ring. The updates of keys, versions and rings write these. */
struct registry_closed {
    uint64_t sequence;
    bool is_version;
    char key_id[SEALRING_KEY_ID_LENGTH + 1]; /* "" for a version */
    uint8_t ring_id[REGISTRY_ID_SIZE];
    uint32_t version;
    int state;
    /* Of a key that was not revoked: 1 if it is narrowed, else 0; the scopes that it is narrowed to; its label if it is not the one that it was
     * issued with; the ends of its credentials (credential/key_ends.h); if it is bound to networks, these (credential/networks.h); and if it has one
     * holder, that (credential/holders.h), with an empty line before it instead of networks; and likewise its claim (credential/key_claim.h); on a line each. Of a ring (is_version with version 0, state 1): in ring_facts.c.
     * Of the vault (the same, with a ring_id of zeros): in facts_begin.c. */
    char value[REGISTRY_FACT_VALUE_SIZE];
    uint8_t hash[REGISTRY_DIGEST_SIZE]; /* SHA-256 of the preceding hash (for the first: 32 zero bytes) and this fact */
};
/* Whether facts contain values, as in every vault but one that is being upgraded: vault->facts_begun. */
sealring_status registry_facts_begun(struct registry *registry, struct registry_vault *vault, sealring_error *error);
/* Sets state, narrowing, label, ends, networks, holders and claim of the key to what the fact contains. False: that is no fact about a key's values. */
bool registry_fact_apply(const struct registry_closed *fact, struct registry_key *key);
/* Sets the networks alone, by a fact's value. False: they are not written as they must be. */
bool registry_fact_networks(const char *value, struct registry_key *key);
/* Likewise the holders. */
bool registry_fact_holders(const char *value, struct registry_key *key);
bool registry_fact_claim(const char *value, struct registry_key *key);
/* The same with the last fact about the key in the registry; *differs: the row was not as that contains it. A key without such facts stays as it is:
 * it is active, not narrowed and has its first label, or its facts are older than schema 3. */
sealring_status registry_key_follow(struct registry *registry, struct registry_key *key, bool *differs,
                                    sealring_error *error);
/* The same for a revoked key, too, which stays revoked: what the last fact before that contains. */
sealring_status registry_key_follow_closed(struct registry *registry, struct registry_key *key, sealring_error *error);
/* Whether the fact is about the vault, with which facts with values begin; *imports: the vault has imported API keys. */
bool registry_fact_of_vault(const struct registry_closed *fact, bool *imports);
/* In order, from number `after` + 1 on. */
struct registry_cursor registry_closed_facts(struct registry *registry, uint64_t after, sealring_error *error);
bool registry_closed_next(struct registry_cursor *facts, struct registry_closed *fact);
/* Whether both are bound to the same networks, or both to none. */
bool registry_key_has_networks_of(const struct registry_key *one, const struct registry_key *other);
/* The claim, which no column contains. One that registry_key_set_serial finds in the key is written by that, too. */
sealring_status registry_key_set_claim(struct registry *registry, const struct registry_key *key,
                                       sealring_error *error);
/* Two peers renewed the same credential of a key for one holder, and that credential was not ended since. Of a key that follows its facts. */
static inline bool registry_key_is_contested(const struct registry_key *key)
{
    return key->holders.serial != 0 && key->state != SEALRING_KEY_REVOKED &&
           ends_of(&key->ends, key->holders.serial) == 0;
}
/* The keys that had a claim at any time, by row: for registry_key_id_next. */
struct registry_cursor registry_key_ids_claimed(struct registry *registry, sealring_error *error);
/* Another public key came with the code of a claim that was taken, and the credential was not ended since. Likewise. */
static inline bool registry_claim_is_contested(const struct registry_key *key)
{
    return key->claim.contested != 0 && key->state != SEALRING_KEY_REVOKED &&
           ends_of(&key->ends, key->claim.serial) == 0;
}
/* The fact before this one about the same key, version or ring. */
sealring_status registry_closed_before(struct registry *registry, const struct registry_closed *fact,
                                       struct registry_closed *before, bool *found, sealring_error *error);
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

/* For key_rows.c, before it writes the row: records a fact if it closes or reopens something, or changes what facts contain. */
sealring_status closed_note_key(struct registry *registry, const struct registry_key *before,
                                const struct registry_key *after, sealring_error *error);
/* For credential_rows.c: the first import of a vault is a fact about the vault. */
sealring_status closed_note_import(struct registry *registry, sealring_error *error);
/* The end of a value: that number of decimal numbers from 0 on, on a line each, and nothing else. */
bool closed_read_numbers(const char *text, int64_t *numbers, int count);
/* Adds the fact as the next one. For those who write rows. */
sealring_status closed_add(struct registry *registry, struct registry_closed *fact, sealring_error *error);

#endif
