/* SPDX-License-Identifier: Apache-2.0 */
/* The time at which a credential is judged. */
#ifndef VERIFIER_STATE_JUDGE_TIME_H
#define VERIFIER_STATE_JUDGE_TIME_H

#include <stdbool.h>
#include <stdint.h>

/* The present time, as far as it is known. */
struct judge_time {
    int64_t wall_ms; /* milliseconds since 1970 UTC */
    bool late;       /* the clock is known to be late: the present is wall_ms or later, by an unknown amount */
};

#endif
