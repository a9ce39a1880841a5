/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks signals while a module writes. */
#include "token/module/interruption.h"

#include <pthread.h>
#include <stddef.h>

/* SIGPIPE is not in the list (token/module/sigpipe.h), nor are signals that a fault raises: to block them is undefined (POSIX,
 * sigprocmask). */
static const int interruption_signals[] = {SIGHUP,  SIGINT,    SIGQUIT, SIGTERM, SIGALRM,
                                           SIGUSR1, SIGVTALRM, SIGPROF, SIGUSR2};

void interruption_hold(struct interruption *interruption)
{
    sigset_t signals;
    sigemptyset(&signals);
    for (size_t i = 0; i < sizeof interruption_signals / sizeof interruption_signals[0]; i++)
        sigaddset(&signals, interruption_signals[i]);
    interruption->held = pthread_sigmask(SIG_BLOCK, &signals, &interruption->before) == 0;
}

void interruption_release(struct interruption *interruption)
{
    if (interruption->held)
        pthread_sigmask(SIG_SETMASK, &interruption->before, NULL);
}
