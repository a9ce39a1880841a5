/* SPDX-License-Identifier: Apache-2.0 */
/* base/array: room for one more item, whatever was added and removed before; unchanged when there is no memory. */
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/array.h"
#include "lib/runner.h"
#include "seeded.h"

START_TEST(items_survive_growth)
{
    unsigned *items = NULL;
    for (unsigned count = 0; count < 5000; count++) {
        ck_assert(array_grow(&items, count));
        items[count] = count;
    }
    for (unsigned i = 0; i < 5000; i++)
        ck_assert_uint_eq(items[i], i);
    free(items);
}
END_TEST

/* The count walks up and down across the sizes at which memory is allocated. */
START_TEST(count_may_fall)
{
    uint64_t seed = (uint64_t)_i + 1;
    uint64_t *items = NULL;
    size_t count = 0;
    for (unsigned step = 0; step < 4000; step++) {
        if (count > 0 && seeded_next(&seed) % 5 < 2) {
            count -= seeded_next(&seed) % (count + 1) / (1 + seeded_next(&seed) % 8);
            continue;
        }
        ck_assert(array_grow(&items, count));
        ck_assert_uint_ge(malloc_usable_size(items), (count + 1) * sizeof *items);
        items[count] = count;
        count++;
    }
    for (size_t i = 0; i < count; i++)
        ck_assert_uint_eq(items[i], i);
    free(items);
}
END_TEST

START_TEST(memory_doubles)
{
    unsigned moves = 0;
    char *items = NULL;
    for (size_t count = 0; count < 1u << 16; count++) {
        size_t before = items == NULL ? 0 : malloc_usable_size(items);
        ck_assert(array_grow(&items, count));
        moves += malloc_usable_size(items) != before;
    }
    ck_assert_uint_le(moves, 16);
    free(items);
}
END_TEST

START_TEST(nothing_changes_without_memory)
{
    struct large {
        char bytes[1 << 20];
    } *items = NULL;
    static const size_t counts[] = {SIZE_MAX / 2 + 1, SIZE_MAX / 4 + 1,
                                    (size_t)1 << 44}; /* bytes that no size_t holds */
    ck_assert(array_grow(&items, 0));
    struct large *before = items;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        ck_assert(!array_grow(&items, counts[i]));
        ck_assert_ptr_eq(items, before);
    }
    free(items);
}
END_TEST

static int order(const void *key, const void *item)
{
    const unsigned *wanted = key, *number = item;
    return *wanted < *number ? -1 : *wanted > *number;
}

/* Every place of a sorted array: before, between, behind, and on an item. */
START_TEST(items_are_inserted_in_their_order)
{
    uint64_t seed = (uint64_t)_i + 1;
    unsigned *items = NULL;
    size_t count = 0;
    bool there[512] = {false};
    for (unsigned step = 0; step < 400; step++) {
        unsigned key = (unsigned)(seeded_next(&seed) % 512);
        size_t place = array_place(items, count, sizeof *items, &key, order);
        size_t before = 0;
        for (unsigned i = 0; i < key; i++)
            before += there[i];
        ck_assert_uint_eq(place, before);
        ck_assert_int_eq(there[key], place < count && items[place] == key);
        if (there[key])
            continue;
        ck_assert(array_insert(&items, count, place));
        items[place] = key;
        there[key] = true;
        count++;
    }
    for (size_t i = 1; i < count; i++)
        ck_assert_uint_lt(items[i - 1], items[i]);
    free(items);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("array");
    TCase *array = tcase_create("array");
    tcase_add_test(array, items_survive_growth);
    tcase_add_loop_test(array, count_may_fall, 0, 20);
    tcase_add_test(array, memory_doubles);
    tcase_add_test(array, nothing_changes_without_memory);
    tcase_add_loop_test(array, items_are_inserted_in_their_order, 0, 20);
    suite_add_tcase(suite, array);
    return run_suite(suite);
}
