/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks signals of this thread while a module works or a trace is written. */
#include "token/module/signal_block.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

/* SIGPIPE is not in the list, nor are signals that a fault raises: to block them is undefined (POSIX, sigprocmask). */
static const int signal_outside[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGUSR1, SIGVTALRM, SIGPROF, SIGUSR2};

bool signal_pipe_kills(void)
{
    struct sigaction action;
    return sigaction(SIGPIPE, NULL, &action) == 0 && !(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_DFL;
}

void signal_block_outside(struct signal_block *block)
{
    sigset_t signals;
    sigemptyset(&signals);
    for (size_t i = 0; i < sizeof signal_outside / sizeof signal_outside[0]; i++)
        sigaddset(&signals, signal_outside[i]);
    block->discards = 0;
    block->held = pthread_sigmask(SIG_BLOCK, &signals, &block->before) == 0;
}

void signal_block_raised(struct signal_block *block, int signal, bool wanted)
{
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, signal);
    block->discards = signal;
    block->held =
        wanted && pthread_sigmask(SIG_BLOCK, &only, &block->before) == 0 && sigismember(&block->before, signal) == 0;
}

void signal_release(struct signal_block *block)
{
    sigset_t only;
    const struct timespec at_once = {0};
    if (!block->held)
        return;
    if (block->discards != 0) {
        sigemptyset(&only);
        sigaddset(&only, block->discards);
        while (sigtimedwait(&only, NULL, &at_once) == -1 && errno == EINTR) {
        }
    }
    pthread_sigmask(SIG_SETMASK, &block->before, NULL);
}
