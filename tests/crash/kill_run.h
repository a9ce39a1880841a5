/* SPDX-License-Identifier: Apache-2.0 */
/* One command of a trial: it is run under a tracer, or killed at a time, and what it prints is kept. */
#ifndef TESTS_CRASH_KILL_RUN_H
#define TESTS_CRASH_KILL_RUN_H

#include "crash/kill_trial.h"

struct kill_run {
    struct kill_ground *ground;
    const struct kill_trial *trial;
    struct kill_outcome *outcome;
    const struct kill_command *command;
    enum kill_mode mode;
    unsigned at;
    struct points *points;
    bool killed;
    bool released; /* the space that is kept for repairs */
    char vault[160];
    char room[2048];
    char *words[KILL_WORDS + 1];
};

/* For the trial's command. */
void kill_run_begin(struct kill_run *run, struct kill_ground *ground, const struct kill_trial *trial,
                    struct kill_outcome *outcome);

/* Opens what the command reads and writes, and runs it, traced if its points are counted; its status as from waitpid. timed: it is killed at the trial's time. */
int kill_run_command(struct kill_run *run, bool timed);

/* Of what was printed. */
void kill_run_last_line(const struct kill_run *run, char line[256]);

bool kill_run_loses_power(const struct kill_run *run);

/* The first complaint is the outcome's. */
void kill_run_complain(struct kill_run *run, const char *what, const char *why);

/* Fills the ground's disk. */
void kill_run_fill(struct kill_run *run);

const char *kill_ground_disk(const struct kill_ground *ground);

#endif
