/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes: what a thread holds while it reads the cache. Nobody waits for another, and who frees memory knows when all have left. */
#ifndef VERIFIER_CACHE_LANES_H
#define VERIFIER_CACHE_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/verify.h>

#define LANES_COUNT 64

/* One verifier's set. A lane is taken by one thread at a time, for as long as a lookup takes and never around a wait. */
struct lanes;

struct lane {
    unsigned index; /* below LANES_COUNT: names counters that only the holder writes */
};

sealring_status lanes_new(struct lanes **made, sealring_error *error);
void lanes_free(struct lanes *lanes); /* nobody is in any more */

/* Takes a lane: by habit that of the thread's processor (else told by pthread_self), another if that is busy. One atomic exchange where nobody else is,
 * no system call; yields the processor only if all are taken. From here on what is found in shared memory stays. */
struct lane *lanes_enter(struct lanes *lanes);
void lanes_leave(struct lanes *lanes, struct lane *lane);

/* Grace periods. After something was made unreachable: lanes_turn gives a stamp, and lanes_passed tells whether every thread that
 * was inside at that moment has left since. lanes_wait waits for it (microseconds, unless somebody was preempted inside). */
uint64_t lanes_turn(struct lanes *lanes);
bool lanes_passed(struct lanes *lanes, uint64_t stamp);
void lanes_wait(struct lanes *lanes);

#endif
