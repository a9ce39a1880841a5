/* SPDX-License-Identifier: Apache-2.0 */
/* What befalls the verifying processes: killed, stopped past their lease, restarted, at random. */
#ifndef SOAK_PROCESSES_H
#define SOAK_PROCESSES_H

#include <sys/types.h>

#include "soak/history.h"

#define PROCESSES_SLOTS 4 /* the last one forks workers */

struct slot {
    pid_t process;
    uint32_t life;
    int64_t stopped_until; /* 0: it runs */
};

struct processes {
    struct history *history;
    uint64_t random;
    struct slot slots[PROCESSES_SLOTS];
};

void processes_start(struct processes *processes, struct history *history, uint64_t seed);

/* One moment: continues who has been stopped long enough, replaces who ended, and lets something befall somebody. */
void processes_turn(struct processes *processes);

/* Lets all leave in order, and waits for them. */
void processes_end(struct processes *processes);

#endif
