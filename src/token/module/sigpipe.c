/* SPDX-License-Identifier: Apache-2.0 */
/* Prevents SIGPIPE from killing the program when a module's remote end is gone. */
#include "token/module/sigpipe.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

bool sigpipe_kills(void)
{
    struct sigaction action;
    return sigaction(SIGPIPE, NULL, &action) == 0 && !(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_DFL;
}

void sigpipe_guard_enter(struct sigpipe_guard *guard, bool wanted)
{
    guard->armed = false;
    if (!wanted)
        return;
    sigset_t pipe_only;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    guard->armed =
        pthread_sigmask(SIG_BLOCK, &pipe_only, &guard->before) == 0 && sigismember(&guard->before, SIGPIPE) == 0;
}

void sigpipe_guard_leave(struct sigpipe_guard *guard)
{
    if (!guard->armed)
        return;
    sigset_t pipe_only;
    const struct timespec at_once = {0};
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    while (sigtimedwait(&pipe_only, NULL, &at_once) == -1 && errno == EINTR) {
    }
    pthread_sigmask(SIG_SETMASK, &guard->before, NULL);
}
