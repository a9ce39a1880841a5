/* SPDX-License-Identifier: Apache-2.0 */
/* A switch that operators turn, and the states in which a call that took its time may have seen it. */
#ifndef SOAK_TURNS_H
#define SOAK_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One turn: nobody saw its state before `begun`, nobody goes by an earlier one in a call that begins at or after `effective`. */
struct turn {
    uint64_t epoch; /* the order in which they were committed */
    int64_t begun;
    int64_t effective;
    unsigned state; /* one bit */
};

struct turns {
    struct turn *list;
    size_t count;
    size_t capacity;
};

/* False: no memory. Kept in the order of their epochs. */
bool turns_add(struct turns *turns, const struct turn *turn);
void turns_release(struct turns *turns);

/* The states, as bits, that a call from `before` to `after` may have gone by; `initial` is the one ahead of all turns. */
unsigned turns_possible(const struct turns *turns, unsigned initial, int64_t before, int64_t after);

#endif
