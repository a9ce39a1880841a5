/* SPDX-License-Identifier: Apache-2.0 */
/* The cache: credentials that the token confirmed. Readers take no lock; one writer at a time changes it. */
#ifndef VERIFIER_CACHE_CACHE_H
#define VERIFIER_CACHE_CACHE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "credential/credential_text.h"
#include "verifier/cache/reader_lanes.h"
#include "verifier/cache/snapshot.h"

/* One credential, as derived, and what the registry contains about it beyond its claims, which can only narrow: a changed row replaces the
 * whole entry. After insertion only the atomic members change. Read next in seq_cst order (as atomic_load does); reader_lanes.c gives the
 * reason. */
struct cache_entry {
    _Atomic(struct cache_entry *) next;
    uint8_t digest[TEXT_DIGEST_SIZE]; /* SHA-256 of the text */
    char key_id[SEALRING_KEY_ID_LENGTH];
    int64_t key; /* row of the API key */
    int64_t not_before;
    int64_t expires;
    int64_t retire_at; /* with replaced, else 0 */
    struct known_version *version;
    _Atomic(struct report_credential *) usage; /* of the hour of the last counted use; NULL: none yet */
    uint32_t serial;
    _Atomic(bool) recent; /* presented since the search for victims last passed it */
    bool imported;        /* found by its digest, as its text may have any form */
    bool suspended;
    bool replaced;
    uint8_t network_count;
    uint16_t scopes_at;   /* in strings: as derived */
    uint16_t left_at;     /* those that the narrowing of the API key leaves */
    uint16_t networks_at; /* the networks that the API key is bound to; 0: it is not */
    char strings[]; /* client NUL scopes NUL, the remaining scopes NUL if the API key is narrowed, and the networks */
};

static inline const char *entry_client(const struct cache_entry *entry)
{
    return entry->strings;
}
static inline const char *entry_scopes(const struct cache_entry *entry)
{
    return entry->strings + entry->scopes_at;
}

static inline const char *entry_left_scopes(const struct cache_entry *entry)
{
    return entry->strings + entry->left_at;
}

/* NULL: the API key is bound to none. */
static inline const struct network *entry_networks(const struct cache_entry *entry)
{
    return entry->networks_at == 0 ? NULL : (const struct network *)(const void *)(entry->strings + entry->networks_at);
}
_Static_assert(_Alignof(struct network) == 1, "it is placed among strings");

/* Compares all 32 bytes, wherever they differ. CRYPTO_memcmp compares byte by byte, which would cost a tenth of a cached verification.
 * The barrier keeps the compiler from stopping at the first difference. */
static inline bool entry_has_digest(const struct cache_entry *entry, const uint8_t digest[TEXT_DIGEST_SIZE])
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

struct cache;

/* capacity: the maximum number of entries (1 to 2^24). Memory is allocated as entries are inserted. */
sealring_status cache_new(struct lanes *lanes, uint32_t capacity, struct cache **made, sealring_error *error);
void cache_free(struct cache *cache);

/* ---- Readers, inside a lane. An entry remains valid until the lane is left. Digests are compared in constant time. ---- */

/* Optional prefetches before a find: each requests the memory that the next step reads, so that the caller can do other work meanwhile.
 * A read from main memory takes some 100 ns, as long as hashing. */
void cache_fetch_bucket(const struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH]);
void cache_fetch_entry(const struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH]);

/* The first entry with this key ID and version, whatever its digest: usually the presented credential. NULL: there is none. */
struct cache_entry *cache_likely(const struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH],
                                 uint32_t version);

struct cache_entry *cache_find(const struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH], uint32_t version,
                               const uint8_t digest[TEXT_DIGEST_SIZE]);
/* Returns whether an entry with this digest has the same claims as the row. */
bool cache_confirms(const struct cache *cache, const struct registry_holder *holder,
                    const uint8_t digest[TEXT_DIGEST_SIZE]);

struct cache_entry *cache_find_imported(const struct cache *cache, const uint8_t digest[TEXT_DIGEST_SIZE]);

/* ---- Writers: any thread, outside of lanes; the cache has its own lock. ---- */

/* Inserts an entry of claims that the token confirmed for the text with this digest, or renews the one that exists. Evicts an entry that
 * was not used lately if the cache is full. Returns false if the credential is not cached, because there is no memory or its API key is
 * revoked. */
bool cache_insert(struct cache *cache, const struct registry_holder *holder, struct known_version *version,
                  const uint8_t digest[TEXT_DIGEST_SIZE]);

/* For polls. Each drops the entries of an API key, or of a version (NULL: of all). Readers already in a lane may still see them; readers that
 * enter later do not. They are freed when all such readers have left. */
void cache_drop_key(struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH]);
void cache_drop_version(struct cache *cache, const struct known_version *version);

/* Returns whether the API key has entries. */
bool cache_has_key(struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH]);

/* Applies to each entry of an API key what facts say about it: its state, which is not revoked, its narrowing, and ends. An entry for which there is no
 * memory is dropped. */
void cache_bound_key(struct cache *cache, const struct registry_key *key);

/* Applies a changed row: renews the entry. Drops the entry if the row's claims differ from those derived, or
 * if the row is revoked. The holder's ring and version may be empty. Returns false if the row was altered (claims differ). */
bool cache_update(struct cache *cache, const struct registry_holder *holder);

/* Clears the entries' pointers to usage records of hours up to `hour`: their cells will hold other records, or the file was replaced. */
void cache_forget_hours(struct cache *cache, uint32_t hour);

/* Frees what no reader can reach any more. Never waits. */
void cache_reclaim(struct cache *cache);

uint64_t cache_count(const struct cache *cache);
uint64_t cache_bytes(const struct cache *cache); /* entries and their share of the tables, as malloc counts them */

#endif
