/* SPDX-License-Identifier: Apache-2.0 */
/* Limbo: memory that nobody new can reach, until the last reader who could still see it has left. */
#ifndef VERIFIER_CACHE_LIMBO_H
#define VERIFIER_CACHE_LIMBO_H

#include <stddef.h>
#include <stdint.h>

#include "verifier/cache/lanes.h"

/* Blocks of malloc's. What came since the last turn waits behind what waits for that turn, so one stamp serves many. One thread at a
 * time. */
struct limbo_blocks {
    void **blocks;
    size_t count;
    size_t room;
};
struct limbo {
    struct lanes *lanes;
    struct limbo_blocks fresh;
    struct limbo_blocks waiting; /* for `stamp`, if there are any */
    uint64_t stamp;
};

void limbo_open(struct limbo *limbo, struct lanes *lanes);
void limbo_close(struct limbo *limbo); /* frees all: nobody reads any more */

/* Block was made unreachable by a seq_cst store or exchange before. memory NULL is passed over. False: there is no memory to
 * remember it; the caller waits (lanes_wait) and frees it. */
bool limbo_put(struct limbo *limbo, void *block);

/* Moves what nobody sees any more into *ready, which is empty before; never waits. limbo_free frees it, needs no lock, and returns
 * how many bytes malloc got back. */
void limbo_take(struct limbo *limbo, struct limbo_blocks *ready);
size_t limbo_free(struct limbo_blocks *ready);

#endif
