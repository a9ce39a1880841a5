/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks signals while a module writes. */
#ifndef TOKEN_MODULE_INTERRUPTION_H
#define TOKEN_MODULE_INTERRUPTION_H

#include <signal.h>
#include <stdbool.h>

struct interruption {
    bool held;
    sigset_t before;
};

/* Blocks, for this thread, the signals that come from outside (Ctrl-C, SIGTERM, a closed terminal, timers). SoftHSM2 rewrites its
 * token's file at each login, and a process that is killed meanwhile leaves a token without its keys. If other threads receive signals,
 * the program is responsible for how they end the process. Pairs may be nested. */
void interruption_hold(struct interruption *interruption);

/* Unblocks them, which first delivers those that came meanwhile. */
void interruption_release(struct interruption *interruption);

#endif
