/* SPDX-License-Identifier: Apache-2.0 */
/* The growable array: items in one block of memory, to which items are added at the end. */
#include "base/array.h"

#include <stdlib.h>
#include <string.h>

#define ARRAY_FIRST 8u /* items */

/* The memory has room for the first power of two from ARRAY_FIRST on that is not less than any count since it was last allocated. */
bool array_grow_by_size(void *items, size_t count, size_t size)
{
    void *old;
    size_t capacity, bytes;
    if (count != 0 && (count < ARRAY_FIRST || (count & (count - 1)) != 0))
        return true;
    if (__builtin_mul_overflow(count == 0 ? ARRAY_FIRST : count, count == 0 ? 1u : 2u, &capacity) ||
        __builtin_mul_overflow(capacity, size, &bytes))
        return false;
    memcpy(&old, items, sizeof old);
    void *grown = realloc(old, bytes);
    if (grown == NULL)
        return false;
    memcpy(items, &grown, sizeof grown);
    return true;
}

bool array_insert_by_size(void *items, size_t count, size_t place, size_t size)
{
    char *bytes;
    if (!array_grow_by_size(items, count, size))
        return false;
    memcpy(&bytes, items, sizeof bytes);
    memmove(bytes + (place + 1) * size, bytes + place * size, (count - place) * size);
    return true;
}

size_t array_place(const void *items, size_t count, size_t size, const void *key,
                   int (*order)(const void *key, const void *item))
{
    size_t first = 0, end = count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (order(key, (const char *)items + middle * size) > 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}
