/* SPDX-License-Identifier: Apache-2.0 */
/* Limbo: entries that no new reader can reach, kept until the last reader that could still see them has left. */
#ifndef VERIFIER_CACHE_DEFERRED_FREE_H
#define VERIFIER_CACHE_DEFERRED_FREE_H

#include <stddef.h>
#include <stdint.h>

#include "verifier/cache/cache.h"

/* Entries added since the last turn wait until those of that turn are free, so one stamp covers many. One thread at a time. Zero, with
 * the lanes, at first. */
struct limbo_entries {
    struct cache_entry **entries;
    size_t count;
};
struct limbo {
    struct lanes *lanes;
    struct limbo_entries fresh;
    struct limbo_entries waiting; /* for `stamp`, if there are any */
    uint64_t stamp;
};

void limbo_close(struct limbo *limbo); /* frees all: there are no readers any more */

/* Before the call, a seq_cst store has made the entry unreachable. If there is no memory to record it, waits for its last reader and frees
 * it. The wait is short, as no reader blocks inside a lane. Returns the number of bytes freed. */
size_t limbo_put(struct limbo *limbo, struct cache_entry *entry);

/* Moves the entries that no reader can see any more into *ready, which must be empty. Never waits. limbo_free frees them, needs no lock,
 * and returns the number of bytes freed. */
void limbo_take(struct limbo *limbo, struct limbo_entries *ready);
size_t limbo_free(struct limbo_entries *ready);

#endif
