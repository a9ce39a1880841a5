/* SPDX-License-Identifier: Apache-2.0 */
/* The cache's hash table: growing bucket by bucket, and what a reader finds at every moment of a split. */
#include <stdlib.h>
#include <string.h>

#include "lib/runner.h"
#include "unit/cached.h"
#include "verifier/cache/hash_table.h"

#define ENTRIES 5000

/* Entries of no cache: key IDs are all that they have. */
static struct cache_entry *new_entry(uint32_t number)
{
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    struct cache_entry *entry = calloc(1, sizeof *entry);
    ck_assert_ptr_nonnull(entry);
    cached_key_id(number, key_id);
    memcpy(entry->key_id, key_id, sizeof entry->key_id);
    entry->serial = number;
    return entry;
}

static bool has_serial(const struct cache_entry *entry, const void *wanted)
{
    return entry->serial == *(const uint32_t *)wanted;
}

static struct cache_entry *find(const struct hash_table *table, uint32_t number)
{
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    cached_key_id(number, key_id);
    return table_find(table, entry_hash_key_id(key_id), has_serial, &number);
}

static void fill(struct hash_table *table, struct cache_entry **entries, uint32_t first, uint32_t count)
{
    for (uint32_t number = first; number < first + count; number++) {
        entries[number] = new_entry(number);
        table_insert(table, entries[number]);
    }
}

static void empty(struct hash_table *table, struct cache_entry **entries, uint32_t count)
{
    table_close(table);
    for (uint32_t number = 0; number < count; number++)
        free(entries[number]);
}

static struct cache_entry *entries[ENTRIES];

START_TEST(it_grows_with_its_entries)
{
    struct hash_table table;
    ck_assert(table_open(&table, ENTRIES - 100));
    for (uint32_t count = 1; count <= ENTRIES; count++) {
        fill(&table, entries, count - 1, 1);
        table_grow(&table, count);
        uint32_t expected = count < TABLE_BUCKETS_MIN ? TABLE_BUCKETS_MIN : count;
        ck_assert_uint_eq(table_buckets(&table), expected < ENTRIES - 100 ? expected : ENTRIES - 100);
        for (uint32_t number = count > 16 ? count - 16 : 0; number < count; number++)
            ck_assert_ptr_eq(find(&table, number), entries[number]);
        ck_assert_ptr_null(find(&table, count));
    }
    for (uint32_t number = 0; number < ENTRIES; number++)
        ck_assert_ptr_eq(find(&table, number), entries[number]);
    for (uint32_t number = 0; number < ENTRIES; number += 2)
        table_unlink(table_link(&table, entries[number]), entries[number]);
    for (uint32_t number = 0; number < ENTRIES; number++)
        ck_assert_ptr_eq(find(&table, number), number % 2 == 0 ? NULL : entries[number]);
    empty(&table, entries, ENTRIES);
}
END_TEST

START_TEST(chains_are_short)
{
    struct hash_table table;
    ck_assert(table_open(&table, ENTRIES));
    fill(&table, entries, 0, ENTRIES);
    for (uint32_t i = 0; i < ENTRIES; i++)
        table_grow(&table, ENTRIES);
    ck_assert_uint_eq(table_buckets(&table), ENTRIES);
    unsigned longest = 0;
    for (uint32_t i = 0; i < ENTRIES; i++) {
        unsigned length = 0;
        for (struct cache_entry *entry = atomic_load(&table.buckets[i]); entry != NULL;
             entry = atomic_load(&entry->next))
            length++;
        longest = length > longest ? length : longest;
    }
    ck_assert_uint_le(longest, 12);
    empty(&table, entries, ENTRIES);
}
END_TEST

/* A match function that changes the table while the reader stands on an entry. */
struct interloper {
    struct hash_table *table;
    uint32_t entries;
    uint32_t wanted;
    unsigned splits;
};

static bool split_then_compare(const struct cache_entry *entry, const void *wanted)
{
    struct interloper *interloper = (struct interloper *)(uintptr_t)wanted;
    if (interloper->splits > 0) {
        interloper->splits--;
        table_grow(interloper->table, interloper->entries);
    }
    return entry->serial == interloper->wanted;
}

/* Long chains, and as many splits under way of each walk as make it meet every kind of them. */
START_TEST(a_walk_that_is_overtaken_by_a_split_is_done_again)
{
    enum { CROWD = 300 };
    for (uint32_t number = 0; number < CROWD; number++) {
        struct hash_table table;
        ck_assert(table_open(&table, CROWD));
        fill(&table, entries, 0, CROWD);
        struct interloper interloper = {&table, CROWD, number, TABLE_BUCKETS_MIN + number % 100};
        struct cache_entry *found = table_find(&table, entry_hash(entries[number]), split_then_compare, &interloper);
        ck_assert_ptr_eq(found, entries[number]);
        empty(&table, entries, CROWD);
    }
}
END_TEST

/* A writer that was stopped after each of the split's steps. */
START_TEST(a_split_that_stands_still_hides_nothing)
{
    enum { CROWD = 500 };
    struct hash_table table;
    ck_assert(table_open(&table, CROWD));
    fill(&table, entries, 0, CROWD);
    uint32_t shape = atomic_load(&table.shape);
    atomic_store(&table.shape, shape + 1);
    _Atomic(struct cache_entry *) *fresh = &table.buckets[shape / 2];
    unsigned moved = 0;
    for (uint32_t number = 0; number < CROWD; number++) {
        struct cache_entry *entry = entries[number];
        if (table_bucket(&table, shape + 2, entry_hash(entry)) != fresh)
            continue;
        moved++;
        _Atomic(struct cache_entry *) *link = table_bucket(&table, shape, entry_hash(entry));
        while (atomic_load(link) != entry)
            link = &atomic_load(link)->next;
        atomic_store(&table.moving, entry);
        ck_assert_ptr_eq(find(&table, number), entry);
        table_unlink(link, entry);
        ck_assert_ptr_eq(find(&table, number), entry);
        atomic_store(&entry->next, atomic_load(fresh));
        ck_assert_ptr_eq(find(&table, number), entry);
        for (uint32_t other = 0; other < CROWD; other++)
            ck_assert_ptr_eq(find(&table, other), entries[other]);
        atomic_store(fresh, entry);
        ck_assert_ptr_eq(find(&table, number), entry);
    }
    ck_assert_uint_gt(moved, 1);
    atomic_store(&table.moving, NULL);
    for (uint32_t number = 0; number < CROWD; number++)
        ck_assert_ptr_eq(find(&table, number), entries[number]);
    ck_assert_ptr_null(find(&table, CROWD)); /* what is not there is looked for a few times, not for ever */
    atomic_store(&table.shape, shape + 2);
    for (uint32_t number = 0; number < CROWD; number++)
        ck_assert_ptr_eq(find(&table, number), entries[number]);
    empty(&table, entries, CROWD);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("table");
    TCase *cases = tcase_create("table");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, it_grows_with_its_entries);
    tcase_add_test(cases, chains_are_short);
    tcase_add_test(cases, a_walk_that_is_overtaken_by_a_split_is_done_again);
    tcase_add_test(cases, a_split_that_stands_still_hides_nothing);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
