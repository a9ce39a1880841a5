/* SPDX-License-Identifier: Apache-2.0 */
/* Limbo: entries that no new reader can reach, kept until the last reader that could still see them has left. */
#include "verifier/cache/deferred_free.h"

#include <stdlib.h>

#include "base/array.h"
#include "verifier/cache/cache_entry.h"

void limbo_close(struct limbo *limbo)
{
    limbo_free(&limbo->waiting);
    limbo_free(&limbo->fresh);
}

size_t limbo_put(struct limbo *limbo, struct cache_entry *entry)
{
    struct limbo_entries *fresh = &limbo->fresh;
    size_t bytes = 0;
    if (array_grow(&fresh->entries, fresh->count)) {
        fresh->entries[fresh->count++] = entry;
    } else {
        lanes_wait(limbo->lanes);
        bytes = entry_memory(entry);
        free(entry);
    }
    return bytes;
}

void limbo_take(struct limbo *limbo, struct limbo_entries *ready)
{
    if (limbo->waiting.count == 0) {
        if (limbo->fresh.count == 0)
            return;
        limbo->waiting = limbo->fresh;
        limbo->fresh = (struct limbo_entries){NULL, 0};
        limbo->stamp = lanes_turn(limbo->lanes);
    }
    if (!lanes_passed(limbo->lanes, limbo->stamp))
        return;
    *ready = limbo->waiting;
    limbo->waiting = (struct limbo_entries){NULL, 0};
}

size_t limbo_free(struct limbo_entries *ready)
{
    size_t bytes = 0;
    for (size_t i = 0; i < ready->count; i++) {
        bytes += entry_memory(ready->entries[i]);
        free(ready->entries[i]);
    }
    free(ready->entries);
    *ready = (struct limbo_entries){NULL, 0};
    return bytes;
}
