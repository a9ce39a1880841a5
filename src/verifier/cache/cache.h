/* SPDX-License-Identifier: Apache-2.0 */
/* The cache: credentials that the token confirmed, found by readers without a lock, changed by one writer at a time. */
#ifndef VERIFIER_CACHE_CACHE_H
#define VERIFIER_CACHE_CACHE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "credential/credential_text.h"
#include "verifier/cache/lanes.h"
#include "verifier/cache/snapshot.h"

/* What the registry says of a credential beyond its claims; replaced whole by the look. It can only narrow. */
struct entry_bounds {
    bool suspended;
    bool replaced;
    int64_t retire_at; /* with replaced */
    bool narrowed;
    char scopes[]; /* with narrowed: what the credential has left of its own, ending in NUL */
};

/* One credential, as derived. Nothing but atomics changes after insertion. next and bounds are to be read in seq_cst order (as plain
 * access and atomic_load do): lanes.c says why. */
struct entry {
    _Atomic(struct entry *) next;
    uint8_t digest[TEXT_DIGEST_SIZE]; /* SHA-256 of the text */
    char key_id[SEALRING_KEY_ID_LENGTH];
    int64_t key; /* row of the API key */
    int64_t not_before;
    int64_t expires;
    struct known_version *version;
    _Atomic(const struct entry_bounds *) bounds; /* NULL: none */
    _Atomic(struct report_credential *) usage;   /* of the hour that was last counted in; NULL: none yet */
    uint32_t serial;
    _Atomic(bool) recent; /* presented since the sweep for victims last came by */
    bool imported;        /* found by its digest, as its text may look like anything */
    uint16_t client_length;
    uint16_t scopes_length;
    char strings[]; /* client NUL scopes NUL */
};

static inline const char *entry_client(const struct entry *entry)
{
    return entry->strings;
}
static inline const char *entry_scopes(const struct entry *entry)
{
    return entry->strings + entry->client_length + 1;
}

struct cache;

/* capacity: entries at most (from 1 to 2^24). Memory is taken as entries come. */
sealring_status cache_new(struct lanes *lanes, uint32_t capacity, struct cache **made, sealring_error *error);
void cache_free(struct cache *cache);

/* ---- Readers, inside a lane. The entry stays until the lane is left. Comparison of digests is in constant time. ---- */

/* Steps ahead of a find, each asking the memory for what the next one reads, so that the caller can do something else meanwhile (a
 * processor waits some 100 ns for what its caches do not hold, as long as hashing takes). None of them is needed. */
void cache_fetch_bucket(const struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH]);
void cache_fetch_entry(const struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH]);

/* The first entry with this key ID and version, whatever its digest: most often the one that is presented. NULL: there is none. */
struct entry *cache_likely(const struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH], uint32_t version);

/* Whether the entry has this digest. */
bool cache_is(const struct entry *entry, const uint8_t digest[TEXT_DIGEST_SIZE]);

struct entry *cache_find(const struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH], uint32_t version,
                         const uint8_t digest[TEXT_DIGEST_SIZE]);
/* Whether there is an entry with this digest that says of the credential what the row says. */
bool cache_confirms(const struct cache *cache, const struct registry_holder *holder,
                    const uint8_t digest[TEXT_DIGEST_SIZE]);

struct entry *cache_find_imported(const struct cache *cache, const uint8_t digest[TEXT_DIGEST_SIZE]);

/* ---- Writers: any thread, not inside a lane; a lock of the cache's own. ---- */

/* What to insert: claims that the token confirmed, with the row's bounds at `epoch`. */
struct cache_candidate {
    const struct registry_holder *holder;
    struct known_version *version;
    const uint8_t *digest;
    bool suspended;
};
/* Puts it in, unless it is there (then the bounds are renewed); makes room by dropping one not lately used. False: it is not in, for
 * want of memory, or because its API key is revoked. */
bool cache_insert(struct cache *cache, const struct cache_candidate *candidate);

/* The look's part. drop: all entries of the API key, of the version, or all. Readers inside may still see them; nobody who enters
 * later does. They are freed once all have left. */
void cache_drop_key(struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH]);
void cache_drop_version(struct cache *cache, const struct known_version *version);
void cache_drop_all(struct cache *cache);

/* Whether the API key has entries. */
bool cache_has_key(struct cache *cache, const char key_id[SEALRING_KEY_ID_LENGTH]);

/* Takes a changed row over: bounds of key and credential are replaced; if the row's claims are not those that were derived, or it is
 * revoked, the entry is dropped. The holder's ring and version need not be filled. Returns false if it was altered (claims differ). */
bool cache_update(struct cache *cache, const struct registry_holder *holder);

/* Forgets where uses are counted: the report is another one. */
void cache_forget_usage(struct cache *cache);

/* The same of records of hours up to `hour`: their cells will get other records. */
void cache_forget_hours(struct cache *cache, uint32_t hour);

/* Frees what nobody can see any more; never waits. */
void cache_reclaim(struct cache *cache);

uint64_t cache_count(const struct cache *cache);
uint64_t cache_bytes(
    const struct cache *cache); /* entries, bounds and their share of the table, as malloc counts them */

#endif
