/* SPDX-License-Identifier: Apache-2.0 */
/* One event in progress: read and decided, decided again inside the changing transaction, written, recorded. */
#include "manage/versions/transition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "lifecycle/transition_table.h"
#include "manage/versions/policy_plan.h"
#include "verifier/request/derive.h"

static sealring_status refusal(const struct transition *transition, sealring_error *error)
{
    const struct lifecycle_decision *decision = &transition->decision;
    bool waits = decision->answer == LIFECYCLE_WAITING;
    if (decision->answer == LIFECYCLE_ALLOWED)
        return SEALRING_OK;
    return error_set(error,
                     waits                       ? SEALRING_WAITING
                     : decision->unknown_version ? SEALRING_NOT_FOUND
                                                 : SEALRING_REFUSED,
                     "%s of ring %s %s: %s", sealring_event_name(transition->event), transition->ring,
                     waits ? "has to wait" : "is not possible", decision->reason);
}

/* Whether the policy requires the event for the state that was read, and it is due now, not held and allowed. */
static sealring_status is_wanted(const struct transition *transition, bool *wanted, char reason[LIFECYCLE_REASON_SIZE],
                                 sealring_error *error)
{
    const struct roster *roster = &transition->manager->roster;
    const struct lifecycle_ring *ring = &transition->state.view;
    const struct lifecycle_evidence **views = calloc(ring->count + 1, sizeof *views);
    struct lifecycle_action *actions = calloc(LIFECYCLE_ACTIONS_MAX(ring->count), sizeof *actions);
    struct clock_judgement clock;
    struct lifecycle_times times;
    char problem[POLICY_PROBLEM_SIZE];
    sealring_status status = SEALRING_OK;
    const char *why = policy_problem(&ring->policy, roster->vault.lease_ms, problem);
    *wanted = false;
    if (views == NULL || actions == NULL) {
        status = error_no_memory(error);
        goto cleanup;
    }
    /* if a hold of the clocks ends meanwhile, the next call finds that */
    plan_judge_again(roster, transition->automatic, INT64_MAX, &clock);
    plan_times(roster, &clock, &times);
    /* only the action for the transition's own version counts, and the evidence is about that version */
    for (size_t i = 0; i < ring->count; i++)
        views[i] = &transition->evidence.view;
    size_t count = why == NULL ? lifecycle_schedule(ring, views, &times, actions) : 0;
    why = why != NULL ? why : "the policy does not require it any more";
    for (size_t i = 0; i < count && !*wanted; i++) {
        if (actions[i].event != transition->event ||
            (transition->version != 0 && actions[i].version != transition->version))
            continue;
        *wanted = lifecycle_may_happen(&actions[i], times.now);
        why = actions[i].reason;
    }
    if (!*wanted)
        snprintf(reason, LIFECYCLE_REASON_SIZE, "%s", why);
cleanup:
    free(views);
    free(actions);
    return status;
}

sealring_status transition_decide(struct transition *transition, sealring_error *error)
{
    struct lifecycle_decision *decision = &transition->decision;
    bool wanted = true;
    sealring_status status = SEALRING_OK;
    lifecycle_decide(&transition->state.view, &transition->evidence.view, transition->event, transition->version,
                     transition->overrule, decision);
    if (transition->automatic != NULL)
        status = is_wanted(transition, &wanted, decision->reason, error);
    if (!wanted) {
        decision->answer = LIFECYCLE_WAITING;
        decision->count = 0;
    }
    snprintf(transition->change->guard, sizeof transition->change->guard, "%s", decision->reason);
    transition->change->waits_for_verifiers = (decision->waiting & (GUARD_BARRIER | GUARD_ERA)) != 0;
    return status == SEALRING_OK ? refusal(transition, error) : status;
}

void transition_release(struct transition *transition)
{
    evidence_release(&transition->evidence);
    state_release(&transition->state);
}

/* Before an open version is destroyed: whether clients hold credentials of it, by the rows that verdicts use. */
static sealring_status ask_held(struct registry *registry, struct transition *transition, sealring_error *error)
{
    struct ring_state *state = &transition->state;
    sealring_status status = SEALRING_OK;
    if (transition->event != SEALRING_EVENT_DESTROY)
        return SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < state->count; i++)
        if (state->rows[i].number == transition->version && lifecycle_accepts(state->rows[i].state))
            status = registry_version_held_surely(registry, state->ring.id, transition->version,
                                                  &state->versions[i].held, error);
    return status;
}

/* In a transaction: the ring as it is now, the vault's row, and what verifiers report now. */
static sealring_status transition_read(struct transition *transition, sealring_error *error)
{
    struct registry *registry = transition->manager->registry;
    transition->vault = *registry_vault_row(registry);
    sealring_status status = state_load(registry, transition->ring, &transition->state, error);
    if (status == SEALRING_OK &&
        transition->event != SEALRING_EVENT_COMPROMISE) /* which restricts: nothing delays it */
        status = state_check_missing(registry, &transition->state, error);
    if (status == SEALRING_OK && transition->blind)
        return evidence_unknown(&transition->evidence) ? SEALRING_OK : error_no_memory(error);
    if (status == SEALRING_OK)
        status = ask_held(registry, transition, error);
    if (status == SEALRING_OK)
        status = manager_read_roster(transition->manager, registry, error);
    if (status == SEALRING_OK)
        status = evidence_read(registry, transition->manager, &transition->state, transition->version,
                               &transition->evidence, error);
    return status;
}

static sealring_status transition_read_now(struct transition *transition, sealring_error *error)
{
    sealring_status status;
    struct registry_transaction reading = registry_reading(transition->manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = transition_read(transition, error);
    } while (registry_again(&reading, &status));
    return status;
}

sealring_status transition_load(struct transition *transition, sealring_error *error)
{
    sealring_error inner = {.status = SEALRING_OK};
    sealring_status status = transition_read_now(transition, &inner);
    /* in a transaction of its own, because one in which something could not be read is unusable; a lack of this process's resources is no damage */
    transition->blind =
        status != SEALRING_OK && transition->event == SEALRING_EVENT_COMPROMISE && !error_is_exhaustion(&inner);
    if (transition->blind)
        return transition_read_now(transition, error);
    if (status != SEALRING_OK && error != NULL)
        *error = inner;
    return status;
}

sealring_status transition_prove(struct transition *transition, uint32_t number, enum token_answer *answer,
                                 sealring_error *error)
{
    const struct registry_version *row = state_find(&transition->state, number);
    *answer = TOKEN_FAILED;
    if (row == NULL)
        return error_set(error, SEALRING_NOT_FOUND, "ring %s has no version %u", transition->ring, number);
    return derive_prove(transition->manager->token, &transition->vault, &transition->state.ring, row, answer, error);
}

bool transition_apply(struct transition *transition)
{
    const struct lifecycle_decision *decision = &transition->decision;
    for (size_t i = 0; i < decision->count; i++) {
        if (decision->steps[i].from != SEALRING_VERSION_NONE)
            continue;
        struct registry_version *row = state_add(&transition->state);
        if (row == NULL)
            return false;
        row->ring = transition->state.ring.id;
        row->number = decision->steps[i].number;
        row->created = manager_now(transition->manager);
        if (transition->make != NULL)
            make_fill(transition->make, row);
        transition->state.ring.last_version = row->number;
    }
    state_apply(&transition->state, decision);
    return true;
}

static json_t *describe_steps(const struct lifecycle_decision *decision)
{
    json_t *steps = json_array();
    for (size_t i = 0; i < decision->count; i++) {
        const struct lifecycle_step *step = &decision->steps[i];
        steps = audit_list_add(steps, json_pack("{s:I, s:s, s:s, s:I, s:I}", "version", (json_int_t)step->number,
                                                "before", sealring_version_state_name(step->from), "after",
                                                sealring_version_state_name(step->to), "retire_at",
                                                (json_int_t)step->retire_at, "purge_at", (json_int_t)step->purge_at));
    }
    return steps;
}

static void record(struct transition *transition)
{
    struct audit_act *act = &transition->act;
    memcpy(act->ring, transition->state.ring.name, sizeof act->ring);
    /* the version that the event is about; the first step of a rotation is about the predecessor */
    act->version = transition->decision.test_version != 0 ? transition->decision.test_version
                                                          : transition->decision.steps[0].number;
    audit_detail(act, "{s:s, s:b}", "guard", transition->decision.reason, "overruled", transition->decision.overruled);
    audit_detail_add(act, "steps", describe_steps(&transition->decision));
    if (transition->reason != NULL)
        audit_detail_add(act, "reason", json_string(transition->reason));
}

/* Whether the token still has work to do after this step is committed. */
static bool owes_token_step(const struct transition *transition, const struct lifecycle_step *step)
{
    bool closes = step->to == SEALRING_VERSION_RETIRED || step->to == SEALRING_VERSION_COMPROMISED;
    return (closes && transition->vault.token_closes_keys) || step->to == SEALRING_VERSION_DESTROYED;
}

static sealring_status write_rows(struct registry *registry, struct transition *transition, sealring_error *error)
{
    const struct lifecycle_decision *decision = &transition->decision;
    sealring_status status = SEALRING_OK;
    /* the version that leaves `active` is written first: at most one may be active at any time */
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; status == SEALRING_OK && i < decision->count; i++) {
            const struct lifecycle_step *step = &decision->steps[i];
            struct registry_version *row = state_find(&transition->state, step->number);
            if ((step->to == SEALRING_VERSION_ACTIVE) != (pass == 1))
                continue;
            row->closing_owed = owes_token_step(transition, step);
            status = step->from == SEALRING_VERSION_NONE ? registry_version_insert(registry, row, error)
                                                         : registry_version_update(registry, row, error);
        }
    if (status == SEALRING_OK)
        status = registry_ring_update(registry, &transition->state.ring, error);
    return status;
}

/* As transition_apply; *broken: the rule of the life cycle that the ring would violate then, NULL for none. */
static bool apply_and_check(struct transition *transition, const char **broken)
{
    struct ring_state before = {0};
    bool applied = state_copy(&transition->state, &before) && transition_apply(transition);
    *broken = applied ? lifecycle_broken_invariant(&transition->state.view) : NULL;
    if (applied && *broken == NULL)
        *broken = lifecycle_broken_transition(&before.view, &transition->state.view);
    state_release(&before);
    return applied;
}

/* The transaction: reads and decides everything again inside it, so that it misses no change made meanwhile. */
static sealring_status carry_out(struct transition *transition, sealring_error *error)
{
    struct registry *registry = transition->manager->registry;
    sealring_status status = transition_read(transition, error);
    if (status != SEALRING_OK)
        return status;
    status = transition_decide(transition, error);
    transition->refused = status != SEALRING_OK;
    if (status != SEALRING_OK)
        return status;
    if (transition->decision.test_version != transition->tested && transition->decision.test_version != 0) {
        transition->refused = true;
        return error_set(error, SEALRING_REFUSED, "ring %s was changed by somebody else meanwhile: try again",
                         transition->ring);
    }
    status = state_correct(registry, &transition->state, false, error);
    if (status != SEALRING_OK)
        return status;
    const char *broken = NULL;
    if (!apply_and_check(transition, &broken))
        return error_no_memory(error);
    if (broken != NULL)
        return error_set(error, SEALRING_REGISTRY, "ring %s would become inconsistent, nothing was changed: %s",
                         transition->ring, broken);
    record(transition);
    return write_rows(registry, transition, error);
}

/* Adds the decision's steps to the change; a version that was already changed in the same call appears once. */
void transition_report(struct transition *transition)
{
    sealring_change *change = transition->change;
    for (size_t i = 0; i < transition->decision.count; i++) {
        const struct lifecycle_step *step = &transition->decision.steps[i];
        sealring_effect *effect = NULL;
        for (size_t j = 0; j < change->count; j++)
            if (change->effects[j].version == step->number)
                effect = &change->effects[j];
        if (effect == NULL && change->count == SEALRING_EFFECTS_MAX)
            continue;
        if (effect == NULL) {
            effect = &change->effects[change->count++];
            effect->version = step->number;
            effect->from = step->from;
        }
        effect->to = step->to;
        effect->retire_at = step->retire_at;
        effect->purge_at = step->purge_at;
    }
}

sealring_status transition_commit(struct transition *transition, sealring_error *error)
{
    char name[32];
    snprintf(name, sizeof name, "version.%s", sealring_event_name(transition->event));
    transition->act = (struct audit_act){.name = name};
    sealring_status status;
    struct commit commit = manager_commit(transition->manager, true, &transition->act, error);
    commit.restricts = transition->event == SEALRING_EVENT_COMPROMISE;
    do {
        transition->refused = false;
        if (commit_begin(&commit, &status))
            status = carry_out(transition, error);
        commit.version = status == SEALRING_OK ? state_find(&transition->state, transition->version) : NULL;
    } while (commit_again(&commit, &status));
    audit_release(&transition->act);
    return status;
}
