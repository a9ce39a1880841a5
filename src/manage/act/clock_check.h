/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the wall clock is certainly late: the check for acts that set times, and for the doctor. */
#ifndef MANAGE_ACT_CLOCK_CHECK_H
#define MANAGE_ACT_CLOCK_CHECK_H

#include "base/timetext.h"
#include "lifecycle/clockwatch.h"
#include "manage/session/manager.h"

struct late_judgement {
    struct clock_bound bound;
    int64_t wall_ms;
    bool late; /* wall_ms is before the bound (clockwatch_bound), as for a verifier that starts now */
};

/* For the registry as it is. manager NULL: no registry can be read, and only the build's date counts. */
sealring_status late_judge(sealring_manager *manager, struct late_judgement *judgement, sealring_error *error);

/* The wall clock is before the build's date: a confirmation does not help. */
bool late_is_unbuilt(const struct late_judgement *judgement);

/* The time that the clock shows, and the later time that is known: the build's date, or when the latest checkpoint was signed. */
void late_times(const struct late_judgement *judgement, char shown[TIMETEXT_SIZE], char known[TIMETEXT_SIZE]);

/* The check of manager_begin_dated. records: an operator's confirmation is recorded in the audit log; the act holds its lock. */
sealring_status late_check(sealring_manager *manager, bool records, sealring_error *error);

/* SEALRING_REFUSED if the wall clock is before the build's date: without a registry, nothing else is known about the time. */
sealring_status late_check_build(sealring_error *error);

#endif
