/* SPDX-License-Identifier: Apache-2.0 */
/* Limbo: memory that no new reader can reach, kept until the last reader that could still see it has left. */
#ifndef VERIFIER_CACHE_DEFERRED_FREE_H
#define VERIFIER_CACHE_DEFERRED_FREE_H

#include <stddef.h>
#include <stdint.h>

#include "verifier/cache/reader_lanes.h"

/* Blocks from malloc. Blocks added since the last turn wait until those of that turn are free, so one stamp covers many. One thread at
 * a time. */
struct limbo_blocks {
    void **blocks;
    size_t count;
};
struct limbo {
    struct lanes *lanes;
    struct limbo_blocks fresh;
    struct limbo_blocks waiting; /* for `stamp`, if there are any */
    uint64_t stamp;
};

void limbo_open(struct limbo *limbo, struct lanes *lanes);
void limbo_close(struct limbo *limbo); /* frees all: there are no readers any more */

/* Before the call, a seq_cst store or exchange has made the block unreachable. NULL is ignored. False: there is no memory to record it;
 * the caller waits (lanes_wait) and frees it. */
bool limbo_put(struct limbo *limbo, void *block);

/* Moves the blocks that no reader can see any more into *ready, which must be empty. Never waits. limbo_free frees them, needs no lock,
 * and returns the number of bytes freed. */
void limbo_take(struct limbo *limbo, struct limbo_blocks *ready);
size_t limbo_free(struct limbo_blocks *ready);

#endif
