/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what a ring's policy requires and plans what is due, now and later. */
#include "manage/versions/policy_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "manage/fleet/effective.h"
#include "manage/fleet/usage_files.h"

/* ---- the clocks ---- */

void plan_judge_again(const struct roster *roster, const struct clock_memory *before, int64_t quiet_ms,
                      struct clock_judgement *judgement)
{
    struct clock_reading now = {.boot_ms = roster->boot_ms, .wall_ms = roster->now};
    clock_reference(now.boot_id);
    clockwatch_judge(before, &now, quiet_ms, judgement);
}

void plan_times(const struct roster *roster, const struct clock_judgement *clock, struct lifecycle_times *times)
{
    *times = (struct lifecycle_times){
        .now = roster->now, .publishing = watch_silence(roster->vault.lease_ms), .clocks_disagree = clock->memory.held};
}

sealring_status plan_judge_clocks(sealring_manager *manager, struct registry *registry,
                                  struct clock_judgement *judgement, sealring_error *error)
{
    struct registry_clock row;
    struct registry_ring ring;
    int64_t quiet = 0; /* the longest of any ring */
    sealring_status status = registry_clock_get(registry, &row, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_cursor rings = registry_rings(registry, error);
    while (registry_ring_next(&rings, &ring))
        if (ring.policy.quiet_period > quiet)
            quiet = ring.policy.quiet_period;
    status = registry_close_cursor(&rings, SEALRING_OK);
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
    plan_judge_again(&manager->roster, &before, quiet, judgement);
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

void plan_release(struct plan *plan)
{
    for (size_t i = 0; i < plan->room; i++)
        evidence_release(&plan->retiring[i]);
    evidence_release(&plan->common);
    free(plan->retiring);
    free(plan->views);
    free(plan->actions);
    state_release(&plan->state);
    *plan = (struct plan){.ring = plan->ring};
}

static bool make_room(struct plan *plan)
{
    size_t count = plan->state.count;
    plan->retiring = calloc(count + 1, sizeof *plan->retiring);
    plan->views = calloc(count + 1, sizeof *plan->views);
    plan->actions = calloc(LIFECYCLE_ACTIONS_MAX(count), sizeof *plan->actions);
    plan->room = plan->retiring != NULL ? count : 0;
    return plan->retiring != NULL && plan->views != NULL && plan->actions != NULL;
}

/* Within a transaction. */
static sealring_status plan_make(sealring_manager *manager, struct plan *plan, sealring_error *error)
{
    struct registry *registry = manager->registry;
    struct ring_state *state = &plan->state;
    plan_release(plan);
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
    plan_times(&manager->roster, &plan->clock, &plan->times);
    /* no command writes such a policy, so nothing may follow from it */
    if (policy_problem(&state->ring.policy, manager->roster.vault.lease_ms, plan->problem) != NULL)
        return SEALRING_OK;
    plan->problem[0] = '\0';
    plan->count = lifecycle_schedule(&state->view, plan->views, &plan->times, plan->actions);
    return SEALRING_OK;
}

sealring_status plan_read(sealring_manager *manager, struct plan *plan, sealring_error *error)
{
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = plan_make(manager, plan, error);
    } while (registry_again(&reading, &status));
    return status;
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

bool plan_may_close(const sealring_manager *manager, const struct registry_version *version)
{
    if (!version->closing_owed || version->unconfirmed)
        return false;
    return version->state == SEALRING_VERSION_COMPROMISED ||
           (version->state == SEALRING_VERSION_RETIRED &&
            effective_everywhere(&manager->roster, &(struct roster_change){.closed_count = version->fact}));
}

bool plan_refusal(const struct plan *plan, char text[SEALRING_MESSAGE_SIZE])
{
    if (plan->problem[0] == '\0' && state_is_edited(&plan->state)) {
        snprintf(
            text, SEALRING_MESSAGE_SIZE,
            "ALARM: the registry was altered: the ring's row, or one of a version, is not what the facts contain; it decides nothing, and "
            "`sealring run` corrects it");
        return true;
    }
    if (plan->problem[0] == '\0')
        return false;
    snprintf(
        text, SEALRING_MESSAGE_SIZE,
        "ALARM: the registry was altered: the ring's policy cannot be (%.250s); nothing is done by it: run `sealring "
        "audit verify`, then correct it by `sealring ring set %s`",
        plan->problem, plan->ring);
    return true;
}

/* ---- sealring_ring_plan ---- */

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
    struct plan plan = {.ring = ring};
    char refusal[SEALRING_MESSAGE_SIZE];
    sealring_status status = plan_read(manager, &plan, error);
    if (status == SEALRING_OK && wants_uses(&plan)) {
        status = usage_foresee(manager, clock_wall_ms(), error);
        if (status == SEALRING_OK)
            status = plan_read(manager, &plan, error);
        usage_foresee_end(manager);
    }
    for (size_t i = 0; status == SEALRING_OK && i < plan.count; i++) {
        const struct lifecycle_action *action = &plan.actions[i];
        const sealring_plan told = {.size = sizeof told,
                                    .ring = plan.state.ring.name,
                                    .event = action->event,
                                    .version = action->version,
                                    .due = action->due,
                                    .state = plan_state(action, plan.times.now),
                                    .text = action->reason,
                                    .foreseen = action->foreseen,
                                    .reissue = action->behind};
        if (each(&told, context) != 0)
            status = error_set(error, SEALRING_REFUSED, "stopped by the callback");
    }
    const sealring_plan notice = {.size = sizeof notice,
                                  .ring = plan.state.ring.name,
                                  .state = SEALRING_PLAN_NOTICE,
                                  .text = refusal,
                                  .foreseen = ""};
    if (status == SEALRING_OK && plan_refusal(&plan, refusal) && each(&notice, context) != 0)
        status = error_set(error, SEALRING_REFUSED, "stopped by the callback");
    plan_release(&plan);
    return status;
}
