/* SPDX-License-Identifier: Apache-2.0 */
/* Prevents SIGPIPE from killing the program when a module's remote end is gone. */
#ifndef TOKEN_MODULE_SIGPIPE_H
#define TOKEN_MODULE_SIGPIPE_H

#include <signal.h>
#include <stdbool.h>

struct sigpipe_guard {
    bool armed;
    sigset_t before;
};

/* Returns whether SIGPIPE would kill this process: only then the guard is worth its system calls. */
bool sigpipe_kills(void);

/* Blocks SIGPIPE for this thread, if `wanted` and not blocked already. */
void sigpipe_guard_enter(struct sigpipe_guard *guard, bool wanted);

/* Discards a SIGPIPE that came meanwhile, and restores the mask. */
void sigpipe_guard_leave(struct sigpipe_guard *guard);

#endif
