/* SPDX-License-Identifier: Apache-2.0 */
/* One trial: a command carried out in a process that something happens to, the next start in another, and what that finds. */
#ifndef TESTS_CRASH_TRIAL_H
#define TESTS_CRASH_TRIAL_H

#include "crash/commands.h"
#include "crash/state.h"
#include "crash/vfs.h"
#include "crash/wraps.h"

enum trial_kind {
    TRIAL_NOTHING, /* the command is not carried out at all */
    TRIAL_GOOD,    /* nothing happens to it */
    TRIAL_KILL,    /* killed before a touch */
    TRIAL_POWER,   /* killed so, and what was not made safe is lost: the second look at a TRIAL_KILL */
    TRIAL_LYING, /* killed so, and all is lost that was written to the registry, though the disk said that it was safe */
    TRIAL_FULL,  /* the disk is full from a touch of the registry on */
    TRIAL_IO,    /* one touch of the registry fails */
    TRIAL_IO_EVER, /* that one and all after it */
    TRIAL_MEMORY,  /* one allocation fails */
    TRIAL_MEMORY_EVER,
    TRIAL_BUSY,      /* one statement conflicts with another transaction */
    TRIAL_BUSY_EVER, /* that one and all after it */
    TRIAL_AGAIN,     /* killed, and so is the next start */
    TRIAL_HIDDEN, /* the disk fails from a touch on, while somebody reads, so that a commit that failed lies unseen; then the next start is
                   * killed */
    TRIAL_REAL,   /* the command itself, killed before a touch of the registry or the token */
    TRIAL_KINDS
};

extern const char *const trial_names[TRIAL_KINDS]; /* "killed before" */

struct trial {
    unsigned command;
    enum trial_kind kind;
    uint64_t at;
    uint64_t second; /* of TRIAL_AGAIN and TRIAL_HIDDEN: the touch of the next start before which it is killed */
    uint64_t
        stack; /* TRIAL_MEMORY and TRIAL_MEMORY_EVER: the call stack of the allocation (crash/wraps.h); 0: whichever it has */
    bool power;    /* TRIAL_KILL: trial_lose_power comes after it */
    unsigned stop; /* for the command: after which of its steps; 0: after the last */
};

/* In shared memory. */
struct outcome {
    uint64_t touches;
    uint64_t allocations;
    uint64_t statements;
    char names[TOUCH_NAMES][TOUCH_NAME_SIZE];
    uint64_t failed;                   /* touches, allocations or statements that did */
    bool killed;                       /* at the touch that was meant */
    bool ended;                        /* killed after the last touch */
    char second_name[TOUCH_NAME_SIZE]; /* of the touch before which the next start was killed */
    bool second_ended;                 /* the next start has no such touch */
    int taken_back;                    /* writes that a power loss took back */
    bool
        unchanged; /* it left the very bytes that it found, and said that it failed: the next start has not been tried */
    uint64_t failed_stack; /* of the first allocation that failed (crash/wraps.h) */
    struct told told;
    char complaint[512];    /* how the process ended that must not end so; "" */
    char text[STATE_SIZE];  /* what the next start found */
    char again[STATE_SIZE]; /* if a destruction is owed: when it had been said again; "" */
};

/* Notes the stacks of all allocations of the command in trials that follow; NULL: no more. */
void trial_note_stacks(struct stacks *stacks);

/* At a place; `power` is shared memory of this process and its children's. */
void trial_run(const struct scene *scene, struct place *place, struct power *power, const struct trial *trial,
               struct outcome *outcome);

/* After a trial with `power`, what would have become of it if the power had failed at its kill. False: nothing would have been lost, so it would
 * be the same. */
bool trial_lose_power(const struct scene *scene, struct place *place, struct power *power, const struct trial *trial,
                      struct outcome *outcome);

#endif
