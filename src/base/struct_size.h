/* SPDX-License-Identifier: Apache-2.0 */
/* Callers' structures that begin with `size_t size`: a program built against an older header has a smaller one. */
#ifndef BASE_STRUCT_SIZE_H
#define BASE_STRUCT_SIZE_H

#include <stddef.h>

/* Copies the caller's structure into the complete one at `whole`, of whole_size bytes, and zeroes the rest. callers NULL: all zero.
 * whole's own size member becomes whole_size. */
void sized_take(void *whole, size_t whole_size, const void *callers);

/* Copies as much of `whole` as fits into the caller's structure; its size member is unchanged. callers may be NULL. */
void sized_give(void *callers, const void *whole, size_t whole_size);

#endif
