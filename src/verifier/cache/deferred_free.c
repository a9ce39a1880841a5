/* SPDX-License-Identifier: Apache-2.0 */
/* Limbo: memory that no new reader can reach, kept until the last reader that could still see it has left. */
#include "verifier/cache/deferred_free.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "verifier/cache/cache_entry.h"

void limbo_open(struct limbo *limbo, struct lanes *lanes)
{
    *limbo = (struct limbo){.lanes = lanes};
}

void limbo_close(struct limbo *limbo)
{
    limbo_free(&limbo->waiting);
    limbo_free(&limbo->fresh);
}

bool limbo_put(struct limbo *limbo, void *block)
{
    struct limbo_blocks *fresh = &limbo->fresh;
    if (block == NULL)
        return true;
    if (!array_grow(&fresh->blocks, fresh->count))
        return false;
    fresh->blocks[fresh->count++] = block;
    return true;
}

void limbo_take(struct limbo *limbo, struct limbo_blocks *ready)
{
    if (limbo->waiting.count == 0) {
        if (limbo->fresh.count == 0)
            return;
        limbo->waiting = limbo->fresh;
        limbo->fresh = (struct limbo_blocks){NULL, 0};
        limbo->stamp = lanes_turn(limbo->lanes);
    }
    if (!lanes_passed(limbo->lanes, limbo->stamp))
        return;
    *ready = limbo->waiting;
    limbo->waiting = (struct limbo_blocks){NULL, 0};
}

size_t limbo_free(struct limbo_blocks *ready)
{
    size_t bytes = 0;
    for (size_t i = 0; i < ready->count; i++) {
        bytes += entry_memory(ready->blocks[i]);
        free(ready->blocks[i]);
    }
    free(ready->blocks);
    *ready = (struct limbo_blocks){NULL, 0};
    return bytes;
}
