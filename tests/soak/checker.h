/* SPDX-License-Identifier: Apache-2.0 */
/* The checker: holds every answer against what operators had done, and was in force, when the call was made. */
#ifndef SOAK_CHECKER_H
#define SOAK_CHECKER_H

#include "soak/answers.h"
#include "soak/history.h"

struct checker;

/* Reads the acts, all of which are over. NULL: no memory. */
struct checker *checker_new(struct history *history);
void checker_free(struct checker *checker);

/* One answer; those of one thread in their order. What is wrong is added to the history's findings. */
void checker_take(struct checker *checker, const struct answer *answer);

/* When all were taken: what can be said of the whole only. */
void checker_finish(struct checker *checker);

struct checker_totals {
    uint64_t answers;
    uint64_t accepted;
    uint64_t rejected;
    uint64_t cut;         /* calls that a kill ended */
    uint64_t unavailable; /* all of them; of these: */
    uint64_t stopped;     /* the process had been stopped */
    uint64_t late;        /* the lease was over for no reason that the soak made */
    uint64_t joining;     /* a forked child that had not joined yet */
    uint64_t closing;     /* the token refused a key that was being declared compromised */
};
const struct checker_totals *checker_totals(const struct checker *checker);

/* All acts that bear on a credential: true if this is one. */
bool checker_bears(const struct history *history, const struct history_act *act, uint32_t credential);

#endif
