/* SPDX-License-Identifier: Apache-2.0 */
/* What a trial shows, compared with the same trial without the attack. */
#ifndef FORGER_JUDGE_H
#define FORGER_JUDGE_H

#include "forger/trial.h"

enum class {
    CLASS_IMPOSSIBLE, /* the tables do not permit the edit */
    CLASS_NO_EFFECT,
    CLASS_REFUSED,
    CLASS_REPORTED,
    CLASS_KNOWN, /* bad, and a limit that the threat model states */
    CLASS_BAD,
    CLASSES
};
extern const char *const class_names[CLASSES];

enum fault {
    FAULT_NONE,
    FAULT_WIDENS,     /* accepted what was rejected, or for another client */
    FAULT_PERMITS,    /* an act is carried out that is refused without it */
    FAULT_KEY_LOST,   /* a live key was closed or destroyed */
    FAULT_HANDED,     /* a credential for another client, or with more scopes */
    FAULT_UNREPORTED, /* an effect that nobody reports */
    FAULT_LAUNDERED,  /* an act used the edit, and afterwards the log agrees */
    FAULT_DIED,       /* a process ended, or did not end */
    FAULTS
};
extern const char *const fault_names[FAULTS];

struct judgement {
    enum class class;
    enum fault fault;
    char what[256];
    char reports[REPORTERS][160]; /* the first line of each */
    char said[DIDS][160];         /* by each act */
};

/* Runs the trial, and those that it needs for comparison. */
void judge(const struct world *world, const struct plan *plan, struct judgement *judgement);

/* How many trials were run to compare with. */
extern unsigned judge_baselines;

#endif
