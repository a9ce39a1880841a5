/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what a ring's policy requires and plans what is due, now and later. */
#include "manage/versions/policy_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "manage/fleet/effective.h"
#include "manage/fleet/usage_files.h"

/* ---- the clocks ---- */

static sealring_status longest_quiet(const struct registry_ring *ring, void *context, sealring_error *error)
{
    int64_t *quiet = context;
    (void)error;
    if (ring->policy.quiet_period > *quiet)
        *quiet = ring->policy.quiet_period;
    return SEALRING_OK;
}

static void read_clocks(const struct roster *roster, struct clock_reading *reading)
{
    *reading = (struct clock_reading){.boot_ms = roster->boot_ms, .wall_ms = roster->now};
    clock_reference(reading->boot_id);
}

sealring_status plan_judge_clocks(sealring_manager *manager, struct registry *registry,
                                  struct clock_judgement *judgement, sealring_error *error)
{
    struct registry_clock row;
    struct clock_reading now;
    int64_t quiet = 0;
    sealring_status status = registry_clock_get(registry, &row, error);
    if (status == SEALRING_OK)
        status = registry_ring_each(registry, longest_quiet, &quiet, error);
    if (status != SEALRING_OK)
        return status;
    struct clock_memory before = {
        .last = {.boot_ms = row.boot_ms, .wall_ms = row.wall_ms},
        .held = row.held,
        .steady_boot_ms = row.steady_boot_ms,
        .expectation = (enum clock_expectation)row.expectation,
        .expected_ms = row.expected_ms,
    };
    memcpy(before.last.boot_id, row.boot_id, sizeof before.last.boot_id);
    read_clocks(&manager->roster, &now);
    clockwatch_judge(&before, &now, quiet, judgement);
    return SEALRING_OK;
}

sealring_status plan_remember_clocks(struct registry *registry, const struct clock_judgement *judgement,
                                     sealring_error *error)
{
    const struct clock_memory *memory = &judgement->memory;
    struct registry_clock row = {
        .boot_ms = memory->last.boot_ms,
        .wall_ms = memory->last.wall_ms,
        .held = memory->held,
        .steady_boot_ms = memory->steady_boot_ms,
        .expectation = (int)memory->expectation,
        .expected_ms = memory->expected_ms,
    };
    memcpy(row.boot_id, memory->last.boot_id, sizeof row.boot_id);
    return registry_clock_put(registry, &row, error);
}

/* ---- the plan ---- */

static void release_evidence(struct plan *plan)
{
    for (size_t i = 0; i < plan->room; i++)
        evidence_release(&plan->retiring[i]);
    evidence_release(&plan->common);
}

void plan_release(struct plan *plan)
{
    release_evidence(plan);
    free(plan->retiring);
    free(plan->views);
    free(plan->actions);
    state_release(&plan->state);
    *plan = (struct plan){.ring = plan->ring};
}

static bool make_room(struct plan *plan)
{
    size_t count = plan->state.count;
    if (count <= plan->room && plan->actions != NULL)
        return true;
    release_evidence(plan);
    free(plan->retiring);
    free(plan->views);
    free(plan->actions);
    plan->room = count + 8;
    plan->retiring = calloc(plan->room, sizeof *plan->retiring);
    plan->views = calloc(plan->room, sizeof *plan->views);
    plan->actions = calloc(LIFECYCLE_ACTIONS_MAX(plan->room), sizeof *plan->actions);
    if (plan->retiring == NULL)
        plan->room = 0;
    return plan->retiring != NULL && plan->views != NULL && plan->actions != NULL;
}

sealring_status plan_read(sealring_manager *manager, struct registry *registry, struct plan *plan,
                          sealring_error *error)
{
    struct ring_state *state = &plan->state;
    sealring_status status = state_load(registry, plan->ring, state, error);
    if (status == SEALRING_OK)
        status = manager_read_roster(manager, registry, error);
    if (status == SEALRING_OK)
        status = plan_judge_clocks(manager, registry, &plan->clock, error);
    if (status == SEALRING_OK && !make_room(plan))
        status = error_no_memory(error);
    if (status == SEALRING_OK)
        status = evidence_read(registry, manager, state, 0, &plan->common, error);
    for (size_t i = 0; status == SEALRING_OK && i < state->count; i++) {
        plan->views[i] = &plan->common.view;
        if (state->rows[i].state != SEALRING_VERSION_RETIRING)
            continue;
        status = evidence_read(registry, manager, state, state->rows[i].number, &plan->retiring[i], error);
        plan->views[i] = &plan->retiring[i].view;
    }
    if (status != SEALRING_OK)
        return status;
    plan->times = (struct lifecycle_times){.now = manager->roster.now,
                                           .publishing = watch_silence(manager->roster.vault.lease_ms),
                                           .clocks_disagree = plan->clock.memory.held};
    plan->count = lifecycle_schedule(&state->view, plan->views, &plan->times, plan->actions);
    return SEALRING_OK;
}

sealring_plan_state plan_state(const struct lifecycle_action *action, int64_t now)
{
    if (action->hold != LIFECYCLE_FREE)
        return action->due <= now ? SEALRING_PLAN_HELD : SEALRING_PLAN_AHEAD;
    if (action->due > now)
        return SEALRING_PLAN_AHEAD;
    if (action->answer == LIFECYCLE_ALLOWED)
        return SEALRING_PLAN_READY;
    return action->answer == LIFECYCLE_WAITING ? SEALRING_PLAN_WAITING : SEALRING_PLAN_FORBIDDEN;
}

sealring_status plan_wants(const struct transition *transition, char reason[LIFECYCLE_REASON_SIZE],
                           sealring_error *error)
{
    const struct roster *roster = &transition->manager->roster;
    const struct lifecycle_ring *ring = &transition->state.view;
    const struct lifecycle_evidence **views = calloc(ring->count + 1, sizeof *views);
    struct lifecycle_action *actions = calloc(LIFECYCLE_ACTIONS_MAX(ring->count), sizeof *actions);
    struct clock_judgement clock;
    struct clock_reading reading;
    sealring_status status = SEALRING_WAITING;
    char why[LIFECYCLE_REASON_SIZE] = "the policy wants it no more";
    if (views == NULL || actions == NULL) {
        status = error_no_memory(error);
        goto cleanup;
    }
    read_clocks(roster, &reading);
    /* if a hold of the clocks ends meanwhile, the next call finds that */
    clockwatch_judge(transition->wanted_context, &reading, INT64_MAX, &clock);
    const struct lifecycle_times times = {
        .now = roster->now, .publishing = watch_silence(roster->vault.lease_ms), .clocks_disagree = clock.memory.held};
    /* only the action for the transition's own version counts, and the evidence is about that version */
    for (size_t i = 0; i < ring->count; i++)
        views[i] = &transition->evidence.view;
    size_t count = lifecycle_schedule(ring, views, &times, actions);
    for (size_t i = 0; i < count && status == SEALRING_WAITING; i++) {
        const struct lifecycle_action *action = &actions[i];
        if (action->event != transition->event || (transition->version != 0 && action->version != transition->version))
            continue;
        if (lifecycle_may_happen(action, times.now))
            status = SEALRING_OK;
        memcpy(why, action->reason, sizeof why);
    }
cleanup:
    free(views);
    free(actions);
    if (status == SEALRING_WAITING)
        memcpy(reason, why, sizeof why);
    return status;
}

bool plan_may_close(const sealring_manager *manager, const struct registry_version *version)
{
    if (!version->closing_owed)
        return false;
    return version->state == SEALRING_VERSION_COMPROMISED ||
           (version->state == SEALRING_VERSION_RETIRED &&
            effective_everywhere(&manager->roster, version->changed_epoch, 0));
}

/* ---- sealring_ring_plan ---- */

struct plan_reading {
    sealring_manager *manager;
    struct plan plan;
};

static sealring_status read_plan(struct registry *registry, void *context, sealring_error *error)
{
    struct plan_reading *reading = context;
    return plan_read(reading->manager, registry, &reading->plan, error);
}

/* Reading the report files costs more than all the rest, and only a version that is to retire depends on them. */
static bool wants_uses(const struct plan *plan)
{
    for (size_t i = 0; i < plan->state.count; i++)
        if (plan->state.rows[i].state == SEALRING_VERSION_RETIRING)
            return true;
    return false;
}

sealring_status sealring_ring_plan(sealring_manager *manager, const char *ring, sealring_plan_callback each,
                                   void *context, sealring_error *error)
{
    struct plan_reading reading = {.manager = manager, .plan = {.ring = ring}};
    struct plan *plan = &reading.plan;
    sealring_status status = manager_read(manager, read_plan, &reading, error);
    if (status == SEALRING_OK && wants_uses(plan)) {
        status = usage_foresee(manager, clock_wall_ms(), error);
        if (status == SEALRING_OK)
            status = manager_read(manager, read_plan, &reading, error);
        usage_foresee_end(manager);
    }
    for (size_t i = 0; status == SEALRING_OK && i < plan->count; i++) {
        const struct lifecycle_action *action = &plan->actions[i];
        const sealring_plan told = {.size = sizeof told,
                                    .ring = plan->state.ring.name,
                                    .event = action->event,
                                    .version = action->version,
                                    .due = action->due,
                                    .state = plan_state(action, plan->times.now),
                                    .text = action->reason,
                                    .foreseen = action->foreseen,
                                    .reissue = action->behind};
        if (each(&told, context) != 0)
            status = error_set(error, SEALRING_REFUSED, "stopped by the callback");
    }
    plan_release(plan);
    return status;
}
