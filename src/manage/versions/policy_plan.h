/* SPDX-License-Identifier: Apache-2.0 */
/* What a ring's policy requires, read from the registry, the reports and the clocks. */
#ifndef MANAGE_VERSIONS_POLICY_PLAN_H
#define MANAGE_VERSIONS_POLICY_PLAN_H

#include "lifecycle/clockwatch.h"
#include "lifecycle/policy.h"
#include "lifecycle/schedule.h"
#include "manage/fleet/evidence.h"
#include "manage/session/manager.h"
#include "manage/session/ring_state.h"

struct plan {
    const char *ring;
    struct ring_state state;
    struct evidence common;    /* for versions whose uses do not matter */
    struct evidence *retiring; /* owned, one for each version; filled for those that are retiring */
    const struct lifecycle_evidence **views;
    size_t room;
    struct lifecycle_times times;
    struct clock_judgement clock;
    struct lifecycle_action *actions;
    size_t count;
    char problem[POLICY_PROBLEM_SIZE]; /* the policy that was read is one that no command accepts: no action; else "" */
};

/* In a transaction of its own, as of which the manager's roster is then. Replaces a plan that was read before, or one that is zero except `ring`. */
sealring_status plan_read(sealring_manager *manager, struct plan *plan, sealring_error *error);
void plan_release(struct plan *plan);

/* Judges the clocks as the manager's roster has read them. */
sealring_status plan_judge_clocks(sealring_manager *manager, struct registry *registry,
                                  struct clock_judgement *judgement, sealring_error *error);

/* Judges them by what is remembered. quiet_ms: as for clockwatch_judge. */
void plan_judge_again(const struct roster *roster, const struct clock_memory *before, int64_t quiet_ms,
                      struct clock_judgement *judgement);

/* The times that a schedule depends on. */
void plan_times(const struct roster *roster, const struct clock_judgement *clock, struct lifecycle_times *times);

/* Writes down the judgement of the clocks. */
sealring_status plan_remember_clocks(struct registry *registry, const struct clock_judgement *judgement,
                                     sealring_error *error);

/* False if the ring's policy is one that a command would accept; else why nothing is done by it, in one line. */
bool plan_refusal(const struct plan *plan, char text[SEALRING_MESSAGE_SIZE]);

/* The state of an action at this time. */
sealring_plan_state plan_state(const struct lifecycle_action *action, int64_t now);

/* Whether the closing of this version's object is owed to the token, and may be done now. */
bool plan_may_close(const sealring_manager *manager, const struct registry_version *version);

#endif
