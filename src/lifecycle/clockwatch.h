/* SPDX-License-Identifier: Apache-2.0 */
/* The clock rule: whether the wall clock can be trusted with what cannot be undone, by how it stood to the time since boot. Pure. */
#ifndef LIFECYCLE_CLOCKWATCH_H
#define LIFECYCLE_CLOCKWATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define CLOCKWATCH_STEP_MS INT64_C(30000) /* by so much the two clocks may drift apart between two readings */
#define CLOCKWATCH_STEADY_MS \
    INT64_C(3600000) /* for so long at least they have to agree again before a hold ends by itself */
#define CLOCKWATCH_TEXT_SIZE 256

/* Both clocks at one moment. boot_id: "" if it could not be read; then it is taken for another boot than any. */
struct clock_reading {
    char boot_id[CLOCK_BOOT_ID_SIZE];
    int64_t boot_ms;
    int64_t wall_ms;
};

/* What is known, while the clocks are held to disagree, of what the wall clock would show without the step. */
enum clock_expectation {
    CLOCK_EXPECTED_NOTHING = 0, /* nothing: it had been set forward, and then the host was booted */
    CLOCK_EXPECTED_EXACTLY = 1,
    CLOCK_EXPECTED_AT_LEAST = 2 /* the host was booted meanwhile, and nobody knows how long it was off */
};

struct clock_memory {
    struct clock_reading last; /* boot_ms 0 and boot_id "": there was no reading before */
    bool held;                 /* the clocks disagree. What follows means something only then */
    int64_t steady_boot_ms;    /* time since boot from which on they have agreed again */
    enum clock_expectation expectation;
    int64_t expected_ms; /* wall time, as of `last` */
};

struct clock_judgement {
    struct clock_memory memory;      /* what to remember */
    bool stepped;                    /* the wall clock stepped since the last reading: an alarm */
    bool released;                   /* the hold ended now */
    bool worth_writing;              /* something changed, or the last reading is a minute old */
    int64_t held_for;                /* ms: while held, when it ends by itself at the latest, if nothing steps again */
    char text[CLOCKWATCH_TEXT_SIZE]; /* one line while held, stepped or released, else "" */
};

/* Judges the reading `now` by what was remembered.
 * - On the same boot the wall clock may have moved against the time since boot by at most CLOCKWATCH_STEP_MS; on another one it may not be
 *   before the last reading by more than that. Else it stepped, and what is irreversible is held.
 * - A hold ends when the clocks have agreed for max(quiet_ms, CLOCKWATCH_STEADY_MS) within one boot, or when the wall clock is within
 *   CLOCKWATCH_STEP_MS of what it would show without the step.
 * quiet_ms: the longest quiet period of the vault's rings. */
void clockwatch_judge(const struct clock_memory *before, const struct clock_reading *now, int64_t quiet_ms,
                      struct clock_judgement *judgement);

#endif
