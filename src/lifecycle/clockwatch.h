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

/* Both clocks at one moment. boot_id: of which boot and time namespace the time since boot is (clock_reference); "": in doubt, and then it is
 * taken for another boot than any. */
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

/* ---- The lower bound: a wall clock that is certainly late ---- */

#define CLOCKWATCH_BOUND_SLACK_MS INT64_C(300000) /* by so much the clocks of two hosts may differ */

/* What is known of the present time without asking the wall clock: it is not before either. */
struct clock_bound {
    int64_t built_ms; /* the date of the build (base/clock.h) */
    int64_t
        signed_ms; /* when the latest checkpoint was signed, 0: none is known. Whoever signed it may have had a clock that was ahead */
};

/* The later of both, less the slack for what another host's clock showed. */
int64_t clockwatch_bound(const struct clock_bound *bound);

/* What one process remembers of its wall clock. All zero at first. */
struct clock_trust {
    bool earned;       /* at one reading it was not before the bound */
    int64_t offset_ms; /* wall time less boot time at such a reading, the least one */
};

/* Whether the signature's time matters for this reading: false if the clock was not set back since it earned its trust, and for one that is
 * before the build's date. Then signed_ms need not be read, and clockwatch_trusts need not remember the reading. */
bool clockwatch_needs_signed(const struct clock_trust *trust, int64_t wall_ms, int64_t boot_ms, int64_t built_ms);

/* Whether the wall clock can be believed when it is asked whether something has expired.
 * - Before the build's date: never.
 * - Not before the bound: yes, and it earns the process's trust.
 * - Before the bound, because something was signed later: yes if it goes on, by the time since boot, from a reading that earned trust. So a
 *   signer whose clock is ahead makes no running process unavailable, nor does a clock that was set ahead and then right again.
 * - Else no. */
bool clockwatch_trusts(struct clock_trust *trust, int64_t wall_ms, int64_t boot_ms, const struct clock_bound *bound);

#endif
