/* SPDX-License-Identifier: Apache-2.0 */
/* What one turn of the scheduler starts from: the rings, the verifiers, the clocks; and writes down what is new about them. */
#ifndef MANAGE_VERSIONS_RUN_STOCK_H
#define MANAGE_VERSIONS_RUN_STOCK_H

#include "lifecycle/clockwatch.h"
#include "lifecycle/schedule.h"
#include "manage/fleet/contested_holders.h"
#include "manage/session/manager.h"

struct stock {
    char (*rings)[SEALRING_NAME_LENGTH_MAX + 1]; /* by name */
    size_t ring_count;
    struct clock_judgement clock;
    sealring_error
        late; /* the wall clock is certainly wrong (clock_check.c); status SEALRING_OK: it is not known to be */
    struct contested_holders contested;
    bool behind; /* no checkpoint covers the log's end */
};

/* Brings the manager's roster up to date, too. About once a minute it harvests. stock: zeroed. */
sealring_status stock_take(sealring_manager *manager, struct stock *stock, sealring_error *error);
void stock_release(struct stock *stock);

/* In a dry run: whether the tokens that the act needs are there. */
sealring_status stock_foresee(sealring_manager *manager, const struct lifecycle_action *action, sealring_error *error);

/* Whether the clocks' judgement is recorded in the audit log. */
bool stock_is_alarm(const struct clock_judgement *judgement);

#endif
