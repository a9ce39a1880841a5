/* SPDX-License-Identifier: Apache-2.0 */
/* The growable array: items in one block of memory, to which items are added at the end. */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

/* Makes room for one more item after the `count` items of *items, which is NULL at first; free() releases it. No capacity is stored: it
 * follows from the count, so every item must be added through this. The count may fall in between. False: no memory, and the array is
 * unchanged. `items` is the address of the pointer to the items; the compiler reports anything else. */
#define array_grow(items, count) array_grow_by_size((items), (count), sizeof **(items))
bool array_grow_by_size(void *items, size_t count, size_t size);

/* Makes room for one more item at `place`: the items from there on move up by one. Otherwise as array_grow. */
#define array_insert(items, count, place) array_insert_by_size((items), (count), (place), sizeof **(items))
bool array_insert_by_size(void *items, size_t count, size_t place, size_t size);

/* The place of `key` in items that are sorted: that of the first item that is not before it, or `count`. `order` compares as bsearch's
 * function does. */
size_t array_place(const void *items, size_t count, size_t size, const void *key,
                   int (*order)(const void *key, const void *item));

#endif
