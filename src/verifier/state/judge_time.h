/* SPDX-License-Identifier: Apache-2.0 */
/* The time by which a credential is judged. */
#ifndef VERIFIER_STATE_JUDGE_TIME_H
#define VERIFIER_STATE_JUDGE_TIME_H

#include <stdbool.h>
#include <stdint.h>

/* The present time, as far as it is known. */
struct judge_time {
    int64_t wall_ms; /* milliseconds since 1970 UTC */
    bool late; /* the clock is not believed: the present is not before wall_ms, and nobody knows how much later it is */
};

#endif
