/* SPDX-License-Identifier: Apache-2.0 */
/* Interruptions, noticed where it is safe to stop. */
#include "tools/sealring/signals.h"

#include <signal.h>
#include <stddef.h>

static const int watched[] = {SIGINT, SIGTERM, SIGHUP};

/* A signal handler can reach nothing but a global. */
static volatile sig_atomic_t caught;

static void note(int signal_number)
{
    caught = signal_number;
}

static void set_handlers(void (*handler)(int))
{
    for (size_t i = 0; i < sizeof watched / sizeof *watched; i++) {
        struct sigaction before;
        /* A signal that the caller has us ignore (nohup) stays ignored. */
        if (sigaction(watched[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN)
            continue;
        /* No SA_RESTART: a read must notice. */
        struct sigaction action = {.sa_handler = handler, .sa_flags = (int)SA_RESETHAND};
        sigemptyset(&action.sa_mask);
        sigaction(watched[i], &action, NULL);
    }
}

void signals_watch(void)
{
    set_handlers(note);
}

void signals_release(void)
{
    set_handlers(SIG_DFL);
}

int signals_caught(void)
{
    return caught;
}
