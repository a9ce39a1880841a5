/* SPDX-License-Identifier: Apache-2.0 */
/* What may have become of a vault in a trial: the states that are allowed, and whether it is in one of them. */
#ifndef TESTS_CRASH_VERDICT_H
#define TESTS_CRASH_VERDICT_H

#include "crash/trial.h"

#define VERDICT_STATES 6

/* Of one command: before it, after each of its steps, and after it. */
struct allowed {
    unsigned count;
    char texts[VERDICT_STATES][STATE_SIZE];
    uint32_t handed;   /* credentials that the whole command hands over */
    char message[256]; /* what it leaves in the error, although it succeeds */
};

enum found { FOUND_NEITHER = -1, FOUND_OLD = 0 /* and the numbers of the other states */ };

/* Which state it is in; FOUND_NEITHER, and why, if it is in none that is allowed after such a trial. */
int verdict_find(const struct allowed *allowed, const struct trial *trial, const struct outcome *outcome,
                 char why[512]);

#endif
