/* SPDX-License-Identifier: Apache-2.0 */
/* Interruptions, noticed where it is safe to stop. */
#include "tools/sealring/terminal/signals.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SLICE 100 /* milliseconds: a signal that comes just before a sleep is noticed after it */

static const int watched[] = {SIGINT, SIGTERM, SIGHUP};

/* A signal handler can reach nothing but a global. */
static volatile sig_atomic_t caught;

static const char *volatile last_words;
static volatile sig_atomic_t last_words_length;

/* A second one ends the process, which leaves the terminal as it found it. */
static void note(int signal_number)
{
    if (caught != 0) {
        if (last_words != NULL && write(STDOUT_FILENO, last_words, (size_t)last_words_length) < 0)
            last_words = NULL;
        signal(signal_number, SIG_DFL);
        raise(signal_number); /* it comes when this handler returns */
        return;
    }
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
        struct sigaction action = {.sa_handler = handler};
        sigemptyset(&action.sa_mask);
        sigaction(watched[i], &action, NULL);
    }
}

static bool watching;

bool signals_watching(void)
{
    return watching;
}

void signals_watch(void)
{
    watching = true;
    set_handlers(note);
}

void signals_release(void)
{
    watching = false;
    set_handlers(SIG_DFL);
}

void signals_last_words(const char *text)
{
    last_words = text;
    last_words_length = text != NULL ? (int)strlen(text) : 0;
}

int signals_caught(void)
{
    return caught;
}

void signals_sleep(int64_t milliseconds)
{
    while (milliseconds > 0 && caught == 0) {
        int64_t slice = milliseconds < SLICE ? milliseconds : SLICE;
        struct timespec pause = {.tv_nsec = (long)slice * 1000000L};
        nanosleep(&pause, NULL);
        milliseconds -= slice;
    }
}
