/* SPDX-License-Identifier: Apache-2.0 */
/* What the product asks of the C library, stood before by the linker (--wrap): changes of files are touches, and memory can run out. */
#ifndef TESTS_CRASH_WRAPS_H
#define TESTS_CRASH_WRAPS_H

#include "lib/touches.h"

/* From now on what it changes in files, and what memory it, SQLite and jansson take, are counted in `touches` (NULL: not). */
void wraps_count(struct touches *touches);

/* Where the allocations come from. */
#define STACKS_MAX 65536
struct stacks {
    uint64_t count;
    uint64_t hashes
        [STACKS_MAX]; /* of allocation number i + 1: of the return addresses between it and the caller of wraps_stacks */
};

/* From now on the stacks of all counted allocations are noted (NULL: not), and in `failed` that of the first that fails. `wanted`: what
 * fails is not the allocation of the number that is meant, but the one with this stack, the first from a little before that number on; 0: it
 * is the number. */
void wraps_stacks(struct stacks *stacks, uint64_t wanted, uint64_t *failed);

/* Before SQLite's first use in this process: its memory comes from here. */
void wraps_memory(void);

/* The module that a vault of one's own is made with, SoftHSM2, is opened as this one; NULL: as it is called. */
void wraps_module(const char *instead);

#endif
