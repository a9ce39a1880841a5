/* SPDX-License-Identifier: Apache-2.0 */
/* The clock rule: whether the wall clock can be trusted for irreversible steps, judged by its relation to the time since boot. Pure. */
#ifndef LIFECYCLE_CLOCKWATCH_H
#define LIFECYCLE_CLOCKWATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define CLOCKWATCH_STEP_MS INT64_C(30000) /* the maximum drift between the two clocks from one reading to the next */
#define CLOCKWATCH_STEADY_MS \
    INT64_C(3600000) /* the minimum time for which they must agree again before a hold ends by itself */
#define CLOCKWATCH_TEXT_SIZE 256

/* Both clocks at one moment. boot_id: the boot and time namespace of the time since boot (clock_reference); "": unknown, which counts
 * as a boot different from any other. */
struct clock_reading {
    char boot_id[CLOCK_BOOT_ID_SIZE];
    int64_t boot_ms;
    int64_t wall_ms;
};

/* While the clocks disagree: what is known of the time that the wall clock would show without the step. */
enum clock_expectation {
    CLOCK_EXPECTED_NOTHING = 0, /* nothing: it had been set forward, and then the host was booted */
    CLOCK_EXPECTED_EXACTLY = 1,
    CLOCK_EXPECTED_AT_LEAST = 2 /* the host was booted meanwhile, and was off for an unknown time */
};

struct clock_memory {
    struct clock_reading last; /* boot_ms 0 and boot_id "": there was no reading before */
    bool held;                 /* the clocks disagree; the members below are valid only then */
    int64_t steady_boot_ms;    /* time since boot since when they have agreed again */
    enum clock_expectation expectation;
    int64_t expected_ms; /* wall time, as of `last` */
};

struct clock_judgement {
    struct clock_memory memory; /* to be stored */
    bool stepped;               /* the wall clock stepped since the last reading: an alarm */
    bool released;              /* the hold has just ended */
    bool worth_writing;         /* something changed, or the last reading is a minute old */
    int64_t held_for;           /* ms: while held, when it ends by itself at the latest if there is no other step */
    char text[CLOCKWATCH_TEXT_SIZE]; /* one line while held, stepped or released, else "" */
};

/* Judges the reading `now` by the stored state.
 * - On the same boot, the wall clock may have moved against the time since boot by at most CLOCKWATCH_STEP_MS; on another boot, it must
 *   not be before the last reading by more than that. Otherwise it stepped, and irreversible steps are held.
 * - A hold ends when the clocks have agreed for max(quiet_ms, CLOCKWATCH_STEADY_MS) within one boot, or when the wall clock is within
 *   CLOCKWATCH_STEP_MS of what it would show without the step. quiet_ms: the longest quiet period of the vault's rings. */
void clockwatch_judge(const struct clock_memory *before, const struct clock_reading *now, int64_t quiet_ms,
                      struct clock_judgement *judgement);

/* ---- The lower bound: detects a wall clock that is certainly late ---- */

#define CLOCKWATCH_BOUND_SLACK_MS INT64_C(300000) /* the maximum difference between the clocks of two hosts */

/* What is known of the present time without the wall clock: it is not before either of these. */
struct clock_bound {
    int64_t built_ms; /* the date of the build (base/clock.h) */
    int64_t
        signed_ms; /* when the latest checkpoint was signed, 0: none is known. The signer's clock may have been ahead */
};

/* The later of the two, less the slack for the time from another host's clock. */
int64_t clockwatch_bound(const struct clock_bound *bound);

/* What one process stores about its wall clock. Initially all zero. */
struct clock_trust {
    bool earned;       /* at one reading it was not before the bound */
    int64_t offset_ms; /* the smallest wall time less boot time at such a reading */
};

/* Returns whether the signature's time matters for this reading. False if the clock was not set back since it earned its trust, and for
 * a reading before the date of the build. Then signed_ms need not be read, and clockwatch_trusts need not store the reading. */
bool clockwatch_needs_signed(const struct clock_trust *trust, int64_t wall_ms, int64_t boot_ms, int64_t built_ms);

/* Returns whether the wall clock can be trusted to decide whether something has expired.
 * - Before the date of the build: no.
 * - Not before the bound: yes, and it earns the process's trust.
 * - Before the bound, because something was signed later: yes if, by the time since boot, it continues from a reading that earned
 *   trust. So a signer whose clock is ahead makes no running process unavailable, nor does a clock that was set ahead and then
 *   corrected.
 * - Otherwise: no. */
bool clockwatch_trusts(struct clock_trust *trust, int64_t wall_ms, int64_t boot_ms, const struct clock_bound *bound);

#endif
