/* SPDX-License-Identifier: Apache-2.0 */
/* Signals that wait while a module writes. */
#ifndef TOKEN_MODULE_INTERRUPTION_H
#define TOKEN_MODULE_INTERRUPTION_H

#include <signal.h>
#include <stdbool.h>

struct interruption {
    bool held;
    sigset_t before;
};

/* Holds back, for this thread, the signals that come from outside (Ctrl-C, SIGTERM, a closed terminal, timers): SoftHSM2 rewrites
 * its token's file at each login, and a process that is killed in the middle of it leaves a token without its keys. Where other
 * threads take signals, how they end the process is the program's affair. Pairs may be nested. */
void interruption_hold(struct interruption *interruption);

/* Lets them through again, those that came meanwhile first. */
void interruption_release(struct interruption *interruption);

#endif
