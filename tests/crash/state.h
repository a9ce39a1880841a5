/* SPDX-License-Identifier: Apache-2.0 */
/* The next start after a crash, and what a vault is like then: one text, without times and random numbers, so that two can be compared. */
#ifndef TESTS_CRASH_STATE_H
#define TESTS_CRASH_STATE_H

#include "crash/commands.h"

#define STATE_SIZE 49152

/* Opens the vault as the next command would that uses the token: what was left half done is finished or undone, and the anchor is
 * settled. Then tells, line by line, what the registry's rows say (the log's acts among them, but not that something was recovered), which
 * objects are in the token and which rows they belong to, whether log, anchor and invariants are good, and what a verifier
 * says to each credential. What must not be is a line that begins with FAULT; what was handed over (told, may be NULL) has to be accepted. */
void state_tell(const struct scene *scene, const struct test_vault *vault, const struct told *told,
                char text[STATE_SIZE]);

/* The first line that says what may not be; NULL if there is none. owed: an operator has been told to say the command again, so an object
 * may be there that is to be destroyed, or refuse before the registry says so. */
const char *state_fault(const char *text, bool owed);

#endif
