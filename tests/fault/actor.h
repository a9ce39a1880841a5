/* SPDX-License-Identifier: Apache-2.0 */
/* One process that does something while the token is bad, and then has to be well again without being started anew. */
#ifndef TESTS_FAULT_ACTOR_H
#define TESTS_FAULT_ACTOR_H

#include "fault/ground.h"

enum actor_task {
    ACTOR_OPEN,       /* open the vault for verifying */
    ACTOR_VERIFY,     /* verify at first sight */
    ACTOR_AGAIN,      /* verify what was verified before */
    ACTOR_PROVE,      /* prove a version that came while the vault was open */
    ACTOR_ROTATE,     /* GROUND_OTHER */
    ACTOR_RETIRE,     /* version 2 of GROUND_RING */
    ACTOR_DESTROY,    /* 1 */
    ACTOR_COMPROMISE, /* 3: 4 takes over */
    ACTOR_ISSUE,      /* a key in GROUND_RING */
    ACTOR_TASKS
};

extern const char *const actor_task_names[ACTOR_TASKS];

/* What the token does, once the task is prepared. */
struct trial {
    enum actor_task task;
    enum fault_kind kind;
    enum fault_function function; /* FAULT_ANY: of all */
    uint64_t call;                /* number of the call, of that function, that meets it */
    uint64_t times;
    unsigned long code;
    unsigned sessions; /* that the token has; 0: enough */
    bool sessions_unsaid;
};

/* What came of it; shared with the parent. */
struct outcome {
    uint64_t calls; /* of the task */
    uint64_t met;
    bool succeeded;    /* the task did, under the fault */
    unsigned function; /* an enum fault_function, if the fault was met: which */
    char issued[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    char complaint[512]; /* empty: all was as it must be */
};

/* Carries the trial out in a process of its own at a place that was restored; false if it must not have ended so. The complaint
 * says why. */
bool actor_try(struct place *place, const struct trial *trial, struct outcome *outcome);

#endif
