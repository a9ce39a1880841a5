/* SPDX-License-Identifier: Apache-2.0 */
/* The cache's hash table. Readers follow its chains without a lock; its number of buckets grows with the entries, one at a time. */
#ifndef VERIFIER_CACHE_HASH_TABLE_H
#define VERIFIER_CACHE_HASH_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verifier/cache/cache_entry.h"

/* Linear hashing: the number of buckets grows with the entries, in one array, so that a cache of a thousand entries uses a few pages
 * instead of a thousand. Addresses are reserved for `most` buckets; memory is allocated as buckets come into use, and is not released before
 * table_close. */
struct hash_table {
    _Atomic(struct cache_entry *) *buckets;
    uint32_t most;
    uint32_t hand;                        /* the writer's: bucket where the search for victims continues */
    _Atomic(uint32_t) shape;              /* twice the number of buckets in use, plus 1 while one is split */
    _Atomic(struct cache_entry *) moving; /* the entry that a split has just removed from the old chain, or NULL */
};

#define TABLE_BUCKETS_MIN 64

/* most: 1 to 2^25. False: no memory. */
bool table_open(struct hash_table *table, uint32_t most);
void table_close(struct hash_table *table); /* the caller owns the entries */

static inline uint32_t table_buckets(const struct hash_table *table)
{
    return atomic_load_explicit(&table->shape, memory_order_relaxed) / 2;
}

/* ---- Readers, inside a lane ---- */

static inline _Atomic(struct cache_entry *) *table_bucket(const struct hash_table *table, uint32_t shape, uint64_t hash)
{
    uint32_t buckets = shape / 2;
    uint32_t mask = UINT32_MAX >> __builtin_clz(buckets - 1);
    uint32_t index = (uint32_t)hash & mask;
    return &table->buckets[index < buckets ? index : index & mask >> 1];
}

static inline _Atomic(struct cache_entry *) *table_bucket_now(const struct hash_table *table, uint64_t hash)
{
    return table_bucket(table, atomic_load_explicit(&table->shape, memory_order_relaxed), hash);
}

typedef bool (*table_match)(const struct cache_entry *entry, const void *wanted);

/* All links are read seq_cst, as reader_lanes.c requires. */
static inline __attribute__((always_inline)) struct cache_entry *table_find_from(
    const _Atomic(struct cache_entry *) *link, table_match match, const void *wanted)
{
    struct cache_entry *entry = atomic_load_explicit(link, memory_order_seq_cst);
    while (entry != NULL && !match(entry, wanted))
        entry = atomic_load_explicit(&entry->next, memory_order_seq_cst);
    return entry;
}

/* Finds the first entry of this hash that matches. A split moves entries to another chain, so a walk may miss one. A walk that found
 * nothing is conclusive if the shape is even and unchanged: then there was no split meanwhile (hash_table.c). Otherwise it is repeated.
 * During a split it searches all places where an entry can be, so it makes no difference whether the writer is preempted in the middle.
 * It never waits. After too many splits it gives up, and the caller treats the credential as a cache miss. */
#define TABLE_WALKS_MAX 64
static inline __attribute__((always_inline)) struct cache_entry *table_find(const struct hash_table *table,
                                                                            uint64_t hash, table_match match,
                                                                            const void *wanted)
{
    struct cache_entry *entry = NULL;
    for (unsigned walks = 0; walks < TABLE_WALKS_MAX; walks++) {
        uint32_t shape = atomic_load_explicit(&table->shape, memory_order_seq_cst);
        entry = table_find_from(table_bucket(table, shape, hash), match, wanted);
        if (__builtin_expect(shape % 2 == 1, 0)) {
            if (entry == NULL)
                entry = table_find_from(&table->moving, match, wanted);
            if (entry == NULL)
                entry = table_find_from(&table->buckets[shape / 2], match, wanted);
        } else if (entry == NULL && atomic_load_explicit(&table->shape, memory_order_seq_cst) == shape) {
            return NULL;
        }
        if (entry != NULL)
            return entry;
    }
    return NULL;
}

/* ---- The writer: one at a time ---- */

void table_insert(struct hash_table *table, struct cache_entry *entry);

/* Removes an entry from its chain. Its own link stays, for readers that are at it. `link` is the link that points to it. */
void table_unlink(_Atomic(struct cache_entry *) *link, struct cache_entry *entry);
/* The same, and `entry`, which has the same hash, is in its place. */
void table_replace(_Atomic(struct cache_entry *) *link, struct cache_entry *former, struct cache_entry *entry);
_Atomic(struct cache_entry *) *table_link(struct hash_table *table, const struct cache_entry *entry);

/* The link to an entry that was not presented lately, or, after a search of some buckets, to any. There must be an entry. */
_Atomic(struct cache_entry *) *table_victim(struct hash_table *table);

/* Adds one bucket, if there are fewer than `entries` and fewer than `most`. */
void table_grow(struct hash_table *table, uint32_t entries);

#endif
