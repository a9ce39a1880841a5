/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes: a thread holds one while it reads the cache. No reader waits for another, and a thread that frees memory knows when all have
 * left. */
#ifndef VERIFIER_CACHE_READER_LANES_H
#define VERIFIER_CACHE_READER_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/verify.h>

#define LANES_COUNT 64

/* One verifier's set of lanes. One thread at a time holds a lane, for the length of a lookup; it never blocks while it holds one. */
struct lanes;

struct lane {
    unsigned index; /* below LANES_COUNT: selects counters that only the holder writes */
};

sealring_status lanes_new(struct lanes **made, sealring_error *error);
void lanes_free(struct lanes *lanes); /* no thread is in a lane any more */

/* Takes a lane: usually the lane of the thread's processor (or one chosen by pthread_self), or another if that is busy. It costs one
 * atomic exchange if the lane is free, and no system call; it yields the processor only if all are taken. What the thread then finds in
 * shared memory remains valid until it leaves. */
struct lane *lanes_enter(struct lanes *lanes);
void lanes_leave(struct lanes *lanes, struct lane *lane);

/* The same without waiting: NULL if all lanes are taken. */
struct lane *lanes_try_enter(struct lanes *lanes);

/* Grace periods. After memory was made unreachable, lanes_turn returns a stamp. lanes_passed returns whether every thread that was in a
 * lane then has left since. lanes_wait waits until they have (microseconds, unless a thread was preempted in a lane). */
uint64_t lanes_turn(struct lanes *lanes);
bool lanes_passed(struct lanes *lanes, uint64_t stamp);
void lanes_wait(struct lanes *lanes);

#endif
