/* SPDX-License-Identifier: Apache-2.0 */
/* One cached credential: made from a row that the token confirmed, compared with later rows. */
#ifndef VERIFIER_CACHE_CACHE_ENTRY_H
#define VERIFIER_CACHE_CACHE_ENTRY_H

#include <string.h>

#include "verifier/cache/cache.h"

/* The hash by which the table distributes entries: of the key ID, or of the digest of an imported key, whose key ID is not known before
 * it is found. */
static inline uint64_t entry_hash_key_id(const char key_id[SEALRING_KEY_ID_LENGTH])
{
    uint64_t halves[2];
    memcpy(halves, key_id, sizeof halves);
    uint64_t hash = halves[0] * UINT64_C(0x9e3779b97f4a7c15) ^ (halves[1] << 32 | halves[1] >> 32);
    hash = (hash ^ hash >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
    return hash ^ hash >> 32;
}

static inline uint64_t entry_hash_digest(const uint8_t digest[TEXT_DIGEST_SIZE])
{
    uint64_t hash;
    memcpy(&hash, digest, sizeof hash); /* from SHA-256, so already uniform */
    return hash;
}

static inline uint64_t entry_hash(const struct cache_entry *entry)
{
    return entry->imported ? entry_hash_digest(entry->digest) : entry_hash_key_id(entry->key_id);
}

/* Key IDs are public, so this comparison need not be in constant time. */
static inline bool entry_has_key_id(const struct cache_entry *entry, const char key_id[SEALRING_KEY_ID_LENGTH])
{
    return memcmp(entry->key_id, key_id, SEALRING_KEY_ID_LENGTH) == 0;
}

/* Makes an entry that is in no table yet. NULL: no memory. */
struct cache_entry *entry_new(const struct registry_holder *holder, struct known_version *version,
                              const uint8_t digest[TEXT_DIGEST_SIZE]);

/* The row that the entry was made of, without what no entry contains, with the key's state and narrowing, and ended as the key's bounds do. */
void entry_read_holder(const struct cache_entry *entry, const struct registry_key *key, struct registry_holder *holder);

/* Returns whether the row has the same claims for this credential (`digest`) as those that the token confirmed. */
bool entry_confirms(const struct cache_entry *entry, const struct registry_holder *holder,
                    const uint8_t digest[TEXT_DIGEST_SIZE]);

/* Returns whether two entries with the same claims have the same bounds. */
bool entry_bounds_equal(const struct cache_entry *a, const struct cache_entry *b);

/* The bytes that malloc uses for it. */
size_t entry_memory(const struct cache_entry *entry);

#endif
