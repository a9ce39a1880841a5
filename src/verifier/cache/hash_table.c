/* SPDX-License-Identifier: Apache-2.0 */
/* The cache's hash table. Readers follow its chains without a lock; its number of buckets grows with the entries, one at a time. */
#include "verifier/cache/hash_table.h"

#include <sys/mman.h>

/* Buckets examined per eviction: bounds the time that the lock is held, even if all entries were presented lately. */
#define SWEEP_BUCKETS_MAX 2048

bool table_open(struct hash_table *table, uint32_t most)
{
    table->most = most < TABLE_BUCKETS_MIN ? TABLE_BUCKETS_MIN : most;
    void *memory = mmap(NULL, (size_t)table->most * sizeof table->buckets[0], PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    table->buckets = memory == MAP_FAILED ? NULL : memory;
    atomic_init(&table->shape, 2 * TABLE_BUCKETS_MIN);
    atomic_init(&table->moving, NULL);
    return table->buckets != NULL;
}

void table_close(struct hash_table *table)
{
    if (table->buckets != NULL)
        munmap(table->buckets, (size_t)table->most * sizeof table->buckets[0]);
    table->buckets = NULL;
}

static struct cache_entry *target(const _Atomic(struct cache_entry *) *link)
{
    return atomic_load_explicit(link, memory_order_relaxed);
}

/* Every change of a link is seq_cst (reader_lanes.c, step 1). It is also a release, so a reader that follows it finds the entry initialised. */
static void put_in_front(_Atomic(struct cache_entry *) *bucket, struct cache_entry *entry)
{
    atomic_store_explicit(&entry->next, target(bucket), memory_order_seq_cst);
    atomic_store_explicit(bucket, entry, memory_order_seq_cst);
}

void table_insert(struct hash_table *table, struct cache_entry *entry)
{
    put_in_front(table_bucket_now(table, entry_hash(entry)), entry);
}

void table_unlink(_Atomic(struct cache_entry *) *link, struct cache_entry *entry)
{
    atomic_store_explicit(link, target(&entry->next), memory_order_seq_cst);
}

void table_replace(_Atomic(struct cache_entry *) *link, struct cache_entry *former, struct cache_entry *entry)
{
    atomic_store_explicit(&entry->next, target(&former->next), memory_order_seq_cst);
    atomic_store_explicit(link, entry, memory_order_seq_cst);
}

_Atomic(struct cache_entry *) *table_link(struct hash_table *table, const struct cache_entry *entry)
{
    _Atomic(struct cache_entry *) *link = table_bucket_now(table, entry_hash(entry));
    while (target(link) != entry)
        link = &target(link)->next;
    return link;
}

/* Second chance: skips an entry once if it was presented since the hand last passed it. The hand leaves a bucket when it has examined
 * all its entries. */
static _Atomic(struct cache_entry *) *unused(_Atomic(struct cache_entry *) *bucket)
{
    _Atomic(struct cache_entry *) *link = bucket;
    for (; target(link) != NULL; link = &target(link)->next)
        if (!atomic_load_explicit(&target(link)->recent, memory_order_relaxed))
            return link;
    for (struct cache_entry *entry = target(bucket); entry != NULL; entry = target(&entry->next))
        atomic_store_explicit(&entry->recent, false, memory_order_relaxed);
    return NULL;
}

_Atomic(struct cache_entry *) *table_victim(struct hash_table *table)
{
    for (unsigned examined = 0; examined < SWEEP_BUCKETS_MAX; examined++) {
        _Atomic(struct cache_entry *) *link = unused(&table->buckets[table->hand]);
        if (link != NULL)
            return link;
        table->hand = (table->hand + 1) % table_buckets(table);
    }
    while (target(&table->buckets[table->hand]) == NULL)
        table->hand = (table->hand + 1) % table_buckets(table);
    return &table->buckets[table->hand];
}

/* Splits the next bucket and moves the entries that belong into the new one. A reader that follows a changed link has acquired the odd
 * shape first, and a reader that starts with the new shape finds the new chain complete. So a reader that finds nothing, and then reads
 * the same even shape as at its start, has missed nothing. Dropped entries are in no chain, but the link that a dropped entry keeps may
 * point to an entry that moves: its reader sees the changed shape, too. At each moment of the split every entry can be reached from the
 * old bucket, from `moving` or from the new bucket. */
void table_grow(struct hash_table *table, uint32_t entries)
{
    uint32_t shape = atomic_load_explicit(&table->shape, memory_order_relaxed);
    uint32_t buckets = shape / 2;
    if (buckets >= table->most || buckets >= entries)
        return;
    _Atomic(struct cache_entry *) *fresh = &table->buckets[buckets];
    _Atomic(struct cache_entry *) *link = table_bucket(table, shape, buckets);
    atomic_store_explicit(&table->shape, shape + 1, memory_order_seq_cst);
    for (struct cache_entry *entry = target(link); entry != NULL; entry = target(link)) {
        if (table_bucket(table, shape + 2, entry_hash(entry)) != fresh) {
            link = &entry->next;
            continue;
        }
        atomic_store_explicit(&table->moving, entry, memory_order_seq_cst);
        table_unlink(link, entry);
        put_in_front(fresh, entry);
    }
    atomic_store_explicit(&table->moving, NULL, memory_order_seq_cst);
    atomic_store_explicit(&table->shape, shape + 2, memory_order_seq_cst);
}
