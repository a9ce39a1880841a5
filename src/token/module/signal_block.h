/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks signals of this thread while a module works or a trace is written. */
#ifndef TOKEN_MODULE_SIGNAL_BLOCK_H
#define TOKEN_MODULE_SIGNAL_BLOCK_H

#include <signal.h>
#include <stdbool.h>

struct signal_block {
    bool held;    /* false: there is nothing to release */
    int discards; /* the signal that the work may raise; 0: none */
    sigset_t before;
};

/* Returns whether SIGPIPE would kill this process: only then it is worth the system calls to block it. */
bool signal_pipe_kills(void);

/* Blocks the signals that come from outside (Ctrl-C, SIGTERM, a closed terminal, timers). SoftHSM2 rewrites its token's file at each
 * login, and a process that is killed meanwhile leaves a token without its keys. If other threads receive signals, the program is
 * responsible for how they end the process. May be nested. */
void signal_block_outside(struct signal_block *block);

/* Blocks one signal that the work itself may raise and that would end the program, if `wanted` and not blocked already: SIGPIPE if a
 * module's remote end is gone, SIGXFSZ if a file may not grow. */
void signal_block_raised(struct signal_block *block, int signal, bool wanted);

/* Discards the signal that the work raised, and unblocks what was blocked; signals from outside that came meanwhile are delivered. */
void signal_release(struct signal_block *block);

#endif
