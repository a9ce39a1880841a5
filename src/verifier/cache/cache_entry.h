/* SPDX-License-Identifier: Apache-2.0 */
/* One cached credential: made from the row that the token confirmed, compared with later rows, and bounded by them. */
#ifndef VERIFIER_CACHE_CACHE_ENTRY_H
#define VERIFIER_CACHE_CACHE_ENTRY_H

#include <string.h>

#include "verifier/cache/cache.h"

/* The table spreads entries by this: the key ID, or what an imported key has instead of one that is known before it is found. */
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
    memcpy(&hash, digest, sizeof hash); /* of SHA-256, so it is spread already */
    return hash;
}

static inline uint64_t entry_hash(const struct entry *entry)
{
    return entry->imported ? entry_hash_digest(entry->digest) : entry_hash_key_id(entry->key_id);
}

/* Key IDs are public. */
static inline bool entry_has_key_id(const struct entry *entry, const char key_id[SEALRING_KEY_ID_LENGTH])
{
    return memcmp(entry->key_id, key_id, SEALRING_KEY_ID_LENGTH) == 0;
}

/* All 32 bytes, wherever they differ. CRYPTO_memcmp does it byte by byte, which would be a tenth of a cached verification; the
 * barrier keeps the compiler from knowing that the first difference decides. */
static inline bool entry_has_digest(const struct entry *entry, const uint8_t digest[TEXT_DIGEST_SIZE])
{
    uint64_t own[4], other[4];
    memcpy(own, entry->digest, sizeof own);
    memcpy(other, digest, sizeof other);
    uint64_t difference = own[0] ^ other[0];
    for (int i = 1; i < 4; i++) {
        __asm__("" : "+r"(difference));
        difference |= own[i] ^ other[i];
    }
    __asm__("" : "+r"(difference));
    return difference == 0;
}
_Static_assert(TEXT_DIGEST_SIZE == 4 * sizeof(uint64_t), "four words are compared");

/* With its bounds, in no table yet. NULL: no memory. */
struct entry *entry_new(const struct cache_candidate *candidate, bool suspended);
void entry_free(struct entry *entry); /* nobody can see it */

/* Whether the row says of this credential (`digest`) what the token confirmed. */
bool entry_confirms(const struct entry *entry, const struct registry_holder *holder,
                    const uint8_t digest[TEXT_DIGEST_SIZE]);

/* What key and credential of the row add: *bounds, of malloc, NULL if nothing. False: no memory. */
bool entry_bounds_new(const struct entry *entry, const struct registry_holder *holder, bool suspended,
                      const struct entry_bounds **bounds);
bool entry_bounds_equal(const struct entry_bounds *a, const struct entry_bounds *b);

/* Bytes that malloc keeps for it. memory may be NULL. */
size_t entry_memory(const void *memory);

#endif
