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
    size_t capacity;
    if (count != 0 && (count < ARRAY_FIRST || (count & (count - 1)) != 0))
        return true;
    if (__builtin_mul_overflow(count == 0 ? ARRAY_FIRST : count, count == 0 ? 1u : 2u, &capacity))
        return false;
    memcpy(&old, items, sizeof old);
    void *grown = reallocarray(old, capacity, size);
    if (grown == NULL)
        return false;
    memcpy(items, &grown, sizeof grown);
    return true;
}
