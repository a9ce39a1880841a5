/* SPDX-License-Identifier: Apache-2.0 */
/* Callers' structures that begin with `size_t size`: a program built against an older header has a smaller one. */
#include "base/struct_size.h"

#include <string.h>

void sized_take(void *whole, size_t whole_size, const void *callers)
{
    size_t size = 0;
    memset(whole, 0, whole_size);
    if (callers != NULL) {
        memcpy(&size, callers, sizeof size);
        memcpy(whole, callers, size < whole_size ? size : whole_size);
    }
    memcpy(whole, &whole_size, sizeof whole_size);
}

void sized_give(void *callers, const void *whole, size_t whole_size)
{
    size_t size;
    if (callers == NULL)
        return;
    memcpy(&size, callers, sizeof size);
    if (size > whole_size)
        size = whole_size;
    if (size > sizeof size)
        memcpy((char *)callers + sizeof size, (const char *)whole + sizeof size, size - sizeof size);
}
