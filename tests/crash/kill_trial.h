/* SPDX-License-Identifier: Apache-2.0 */
/* One trial: a command that is killed at a point of the tokens' folder, or at any time, and what the vault is good for after it. */
#ifndef TESTS_CRASH_KILL_TRIAL_H
#define TESTS_CRASH_KILL_TRIAL_H

#include "crash/holder.h"
#include "crash/kill_commands.h"
#include "crash/kill_judge.h"
#include "crash/points.h"
#include "crash/unsynced.h"

enum kill_mode {
    KILL_NEVER,
    KILL_BEFORE, /* a point */
    KILL_AFTER,
    KILL_TORN,          /* in the middle of a write */
    KILL_POWER,         /* the power fails after a point, and all is lost that was not synced */
    KILL_POWER_CONTENT, /* the same, and only contents are lost */
    KILL_FULL,          /* the disk is full from a point on; nothing is killed */
    KILL_AND_FULL,      /* killed before a point, when the disk is full */
    KILL_AGAIN,         /* killed before a point, and the next start before each of its own */
    KILL_DAMAGED,       /* nothing is killed, but what the command has left is damaged at once */
    KILL_RANDOM,        /* at a time */
    KILL_RANDOM_FULL,   /* at a time; the disk is full from an earlier one on */
    KILL_MODES
};

extern const char *const kill_mode_names[KILL_MODES];

struct kill_trial {
    unsigned command;
    enum kill_mode mode;
    unsigned at;           /* the point, from 1 */
    unsigned second;       /* KILL_AGAIN: the next start's point */
    int64_t microseconds;  /* KILL_RANDOM, KILL_RANDOM_FULL: how long it runs */
    int64_t full_after;    /* KILL_RANDOM_FULL: microseconds; 0: before it begins */
    bool beside;           /* of these two: a server logs in twice meanwhile, which is not killed */
    enum kill_start start; /* what comes first after it */
};

struct kill_outcome {
    struct points points;
    struct points second; /* KILL_AGAIN: of the next start */
    bool second_met;
    int lost;             /* changes that a power loss took */
    bool met;             /* it was killed where it was meant to be */
    bool done;            /* it ended by itself, and had succeeded */
    int64_t microseconds; /* how long it ran */
    struct {
        bool started, done;
    } on_full[START_KINDS]; /* what came after it while the disk was full, and had all that it needs */
    bool closed;            /* it has closed a key, and could not record it on the full disk */
    struct told told;
    struct sight sight;
    char complaint[512]; /* what is wrong with the trial itself; "" */
};

/* Where trials take place: one for each process that makes them. */
struct kill_ground {
    const struct scene *scene;
    struct place place;
    const char *files;    /* what the commands read */
    bool small;           /* on a disk that can be filled */
    struct holder holder; /* of the registry on that disk */
    struct unsynced unsynced;
};

void kill_ground_make(struct kill_ground *ground, const struct scene *scene, const char *files, unsigned number);

/* The same on a disk that can be filled. False: there can be none here. */
bool kill_ground_make_small(struct kill_ground *ground, const struct scene *scene, const char *files, unsigned number);
void kill_ground_remove(struct kill_ground *ground);

/* The command in a vault as the scene has it. Everything but the look afterwards. */
void kill_trial_run(struct kill_ground *ground, const struct kill_trial *trial, struct kill_outcome *outcome);

/* The look afterwards. The outcome's complaint has what the trial left that may not be; "" if nothing. */
void kill_trial_judge(struct kill_ground *ground, const struct kill_trial *trial, const struct sight *before,
                      const struct sight *after, struct kill_outcome *outcome);

#endif
