/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps a module whose remote end went away from killing the program with SIGPIPE. */
#ifndef TOKEN_MODULE_SIGPIPE_H
#define TOKEN_MODULE_SIGPIPE_H

#include <signal.h>
#include <stdbool.h>

struct sigpipe_guard {
    bool armed;
    sigset_t before;
};

/* Whether SIGPIPE would kill this process: only then a guard is worth its system calls. */
bool sigpipe_kills(void);

/* Blocks SIGPIPE for this thread, if `wanted` and it is not blocked already. */
void sigpipe_guard_enter(struct sigpipe_guard *guard, bool wanted);

/* Drops what came meanwhile and puts the mask back. */
void sigpipe_guard_leave(struct sigpipe_guard *guard);

#endif
