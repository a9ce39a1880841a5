/* SPDX-License-Identifier: Apache-2.0 */
/* What a vault is good for after its tokens' files were damaged: the next start, everything that is checked after it, and what may not be. */
#ifndef TESTS_CRASH_KILL_JUDGE_H
#define TESTS_CRASH_KILL_JUDGE_H

#include "crash/state.h"

/* Which process comes first after the damage. */
enum kill_start { START_SERVER, START_MANAGER, START_DOCTOR, START_KINDS };

extern const char *const kill_start_names[START_KINDS];

/* In memory that is shared with the process that looks. */
struct sight {
    char first[2048]; /* what a server answered at once, as lines of state_tell; "" if another start came first */
    char state[STATE_SIZE];
    char restored[STATE_SIZE]; /* the state when everything in the tokens' folders had been damaged once more */
    char doctor[2048];         /* the codes of what remained when it had repaired, a line each */
    char complaint[512];       /* what failed; "" */
    bool of_token;             /* and it was a token that did */
    bool died;                 /* whoever looked */
};

/* In a process of its own, which this one waits for: the start; state_tell; sealring doctor --repair and sealring doctor; a rotation, a new
 * credential, and whether a server accepts it; at last every file of the tokens damaged, and state_tell again. told: what was handed over before; may be NULL. */
void kill_look(const struct scene *scene, const struct test_vault *vault, const struct told *told,
               enum kill_start start, struct sight *sight);

/* The first of these only, in a process of its own. True if it succeeded; else sight->complaint has the reason. */
bool kill_start_alone(const struct scene *scene, const struct test_vault *vault, const struct told *told,
                      enum kill_start start, struct sight *sight);

/* Leaves every file of the vault's tokens empty, cut in half or, if `removes`, gone. False: it cannot be done. */
bool kill_damage(const char *vault, bool removes);

/* Whether what was seen is as before or as after the command, and nothing that both have is missing. done: it must be as after it.
 * owes: a destruction may be owed. False, and why. */
bool kill_is_right(const struct sight *sight, const struct sight *before, const struct sight *after, bool done,
                   bool owes, char why[512]);

/* Whether the first server has given no wrong verdict: each is as before or as after the command, or there is none. */
bool kill_first_is_right(const struct sight *sight, const struct sight *before, const struct sight *after, bool done,
                         char why[512]);

#endif
