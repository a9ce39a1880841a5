/* SPDX-License-Identifier: Apache-2.0 */
/* Verifying processes by slots: each slot has one at any time, which is replaced when it ends. */
#include "soak/processes.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "soak/verifying.h"

#define MILLISECOND INT64_C(1000000)

static void start(struct processes *processes, struct slot *slot)
{
    struct history *history = processes->history;
    uint32_t number = (uint32_t)(slot - processes->slots);
    enum life_kind kind = number == PROCESSES_SLOTS - 1 ? LIFE_PREFORK : LIFE_SERVER;
    slot->life = history_add_life(history, kind, number, history_random(&processes->random));
    slot->stopped_until = 0;
    history_add_moment(history, MOMENT_START, slot->life, history_now());
    fflush(NULL);
    slot->process = fork();
    if (slot->process == 0)
        verifying_serve(history, slot->life);
    if (slot->process < 0) {
        perror("soak: fork");
        exit(1);
    }
    atomic_store(&history->lives[slot->life].process, slot->process);
}

void processes_start(struct processes *processes, struct history *history, uint64_t seed)
{
    *processes = (struct processes){.history = history, .random = seed};
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* the workers of a parent that was killed end with it; that is waited for */
    for (int i = 0; i < PROCESSES_SLOTS; i++)
        start(processes, &processes->slots[i]);
}

static void kill_slot(struct processes *processes, struct slot *slot)
{
    int64_t before = history_now();
    kill(slot->process, SIGKILL);
    waitpid(slot->process, NULL, 0);
    history_add_moment(processes->history, MOMENT_KILL, slot->life, before);
    start(processes, slot);
}

/* Half of them for longer than the lease. It is stopped once the kernel says so. */
static void stop_slot(struct processes *processes, struct slot *slot)
{
    struct history *history = processes->history;
    int64_t before = history_now();
    int status = 0;
    kill(slot->process, SIGSTOP);
    if (waitpid(slot->process, &status, WUNTRACED) != slot->process || !WIFSTOPPED(status)) {
        history_add_finding(history, RULE_PROCESSES, HISTORY_NONE, slot->life, 0, "ended by itself: %x",
                            (unsigned)status);
        start(processes, slot);
        return;
    }
    history_add_moment(history, MOMENT_STOP, slot->life, before);
    slot->stopped_until =
        history_now() +
        (int64_t)history_below(&processes->random, (uint32_t)(2 * history->lease / MILLISECOND)) * MILLISECOND;
}

static void continue_slot(struct processes *processes, struct slot *slot)
{
    int64_t before = history_now();
    slot->stopped_until = 0;
    kill(slot->process, SIGCONT);
    history_add_moment(processes->history, MOMENT_CONTINUE, slot->life, before);
}

static void leave_slot(struct processes *processes, struct slot *slot)
{
    int status = 0;
    if (slot->stopped_until != 0)
        continue_slot(processes, slot);
    atomic_store(&processes->history->lives[slot->life].quit, 1);
    waitpid(slot->process, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        history_add_finding(processes->history, RULE_PROCESSES, HISTORY_NONE, slot->life, 0,
                            "left otherwise than it was asked to: %x", (unsigned)status);
}

static void restart_slot(struct processes *processes, struct slot *slot)
{
    int64_t before = history_now();
    leave_slot(processes, slot);
    history_add_moment(processes->history, MOMENT_RESTART, slot->life, before);
    start(processes, slot);
}

static void mind(struct processes *processes, struct slot *slot)
{
    int status = 0;
    if (waitpid(slot->process, &status, WNOHANG) == slot->process) {
        history_add_finding(processes->history, RULE_PROCESSES, HISTORY_NONE, slot->life, 0, "ended by itself: %x",
                            (unsigned)status);
        start(processes, slot);
    }
    if (slot->stopped_until != 0 && slot->stopped_until <= history_now())
        continue_slot(processes, slot);
}

void processes_turn(struct processes *processes)
{
    for (int i = 0; i < PROCESSES_SLOTS; i++)
        mind(processes, &processes->slots[i]);
    struct slot *slot = &processes->slots[history_below(&processes->random, PROCESSES_SLOTS)];
    uint32_t what = history_below(&processes->random, 100);
    if (what < 3)
        kill_slot(processes, slot);
    else if (what == 3 && slot->stopped_until == 0)
        stop_slot(processes, slot);
    else if (what > 3 && what < 7)
        restart_slot(processes, slot);
}

void processes_end(struct processes *processes)
{
    for (int i = 0; i < PROCESSES_SLOTS; i++)
        leave_slot(processes, &processes->slots[i]);
    while (wait(NULL) > 0)
        continue;
}
