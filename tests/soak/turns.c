/* SPDX-License-Identifier: Apache-2.0 */
/* Which states of a switch a call may have gone by: from the newest turn that it can have seen, back to the newest in force. */
#include "soak/turns.h"

#include <stdlib.h>
#include <string.h>

bool turns_add(struct turns *turns, const struct turn *turn)
{
    if (turns->count == turns->capacity) {
        size_t capacity = turns->capacity == 0 ? 4 : 2 * turns->capacity;
        struct turn *list = realloc(turns->list, capacity * sizeof *list);
        if (list == NULL)
            return false;
        turns->list = list;
        turns->capacity = capacity;
    }
    size_t at = turns->count++;
    for (; at > 0 && turns->list[at - 1].epoch > turn->epoch; at--)
        turns->list[at] = turns->list[at - 1];
    turns->list[at] = *turn;
    return true;
}

void turns_release(struct turns *turns)
{
    free(turns->list);
    memset(turns, 0, sizeof *turns);
}

unsigned turns_possible(const struct turns *turns, unsigned initial, int64_t before, int64_t after)
{
    unsigned states = 0;
    for (size_t i = turns->count; i > 0; i--) {
        const struct turn *turn = &turns->list[i - 1];
        if (turn->begun <= after)
            states |= turn->state;
        if (turn->effective <= before)
            return states;
    }
    return states | initial;
}
