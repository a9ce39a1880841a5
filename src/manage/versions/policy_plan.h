/* SPDX-License-Identifier: Apache-2.0 */
/* What a ring's policy requires, read from the registry, the reports and the clocks. */
#ifndef MANAGE_VERSIONS_POLICY_PLAN_H
#define MANAGE_VERSIONS_POLICY_PLAN_H

#include "lifecycle/clockwatch.h"
#include "lifecycle/schedule.h"
#include "manage/versions/transition.h"

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
};

/* Within a transaction, on the manager's roster as of that transaction. Replaces a plan that was read before, or one that is zero except `ring`. */
sealring_status plan_read(sealring_manager *manager, struct registry *registry, struct plan *plan,
                          sealring_error *error);
void plan_release(struct plan *plan);

/* Judges the clocks as the manager's roster has read them. */
sealring_status plan_judge_clocks(sealring_manager *manager, struct registry *registry,
                                  struct clock_judgement *judgement, sealring_error *error);

/* Writes down the judgement of the clocks. */
sealring_status plan_remember_clocks(struct registry *registry, const struct clock_judgement *judgement,
                                     sealring_error *error);

/* The state of an action at this time. */
sealring_plan_state plan_state(const struct lifecycle_action *action, int64_t now);

/* For transition->wanted; wanted_context: the clocks' memory (struct clock_memory) as of the plan. Whether the policy requires the event for the
 * state that the transition has loaded, and it is due now, not held and allowed. */
sealring_status plan_wants(const struct transition *transition, char reason[LIFECYCLE_REASON_SIZE],
                           sealring_error *error);

/* Whether the closing of this version's object is owed to the token, and may be done now. */
bool plan_may_close(const sealring_manager *manager, const struct registry_version *version);

#endif
