/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation of the process, libraries included, counted exactly: malloc's own figures take its caches for use. */
#ifndef TESTS_ALLOCATIONS_H
#define TESTS_ALLOCATIONS_H

#include <stddef.h>
#include <stdint.h>

/* Programs that link allocations.c have malloc and its kin replaced by ones that count and hand on to glibc's. Where a sanitizer
 * has replaced them already, it is asked. */
uint64_t allocations_made(void); /* calls that returned memory, since the start */
size_t allocations_bytes(void);  /* in use now */

#endif
