/* SPDX-License-Identifier: Apache-2.0 */
/* One event in progress: read and decided, decided again inside the changing transaction, written, recorded. */
#include "manage/versions/transition.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "lifecycle/transition_table.h"
#include "verifier/request/derive.h"

static sealring_status refusal(const struct transition *transition, sealring_error *error)
{
    const struct lifecycle_decision *decision = &transition->decision;
    switch (decision->answer) {
    case LIFECYCLE_ALLOWED:
        return SEALRING_OK;
    case LIFECYCLE_WAITING:
        return error_set(error, SEALRING_WAITING, "%s of ring %s has to wait: %s",
                         sealring_event_name(transition->event), transition->ring, decision->reason);
    default:
        return error_set(error, decision->unknown_version ? SEALRING_NOT_FOUND : SEALRING_REFUSED,
                         "%s of ring %s is not possible: %s", sealring_event_name(transition->event), transition->ring,
                         decision->reason);
    }
}

sealring_status transition_decide(struct transition *transition, sealring_error *error)
{
    struct lifecycle_decision *decision = &transition->decision;
    sealring_status wanted = SEALRING_OK;
    lifecycle_decide(&transition->state.view, &transition->evidence.view, transition->event, transition->version,
                     transition->overrule, decision);
    if (transition->wanted != NULL)
        wanted = transition->wanted(transition, decision->reason, error);
    if (wanted != SEALRING_OK) {
        decision->answer = LIFECYCLE_WAITING;
        decision->count = 0;
    }
    snprintf(transition->change->guard, sizeof transition->change->guard, "%s", decision->reason);
    transition->change->waits_for_verifiers = (decision->waiting & (GUARD_BARRIER | GUARD_ERA)) != 0;
    /* a failure to find out is not an answer: a caller that waits would never be notified of it */
    return wanted == SEALRING_OK || wanted == SEALRING_WAITING ? refusal(transition, error) : wanted;
}

void transition_release(struct transition *transition)
{
    evidence_release(&transition->evidence);
    state_release(&transition->state);
}

/* In a transaction: the ring as it is now, the vault's row, and what verifiers report now. */
static sealring_status load(struct registry *registry, void *context, sealring_error *error)
{
    struct transition *transition = context;
    transition->vault = *registry_vault_row(registry);
    sealring_status status = state_load(registry, transition->ring, &transition->state, error);
    if (status == SEALRING_OK && transition->blind)
        return evidence_unknown(&transition->evidence) ? SEALRING_OK : error_no_memory(error);
    if (status == SEALRING_OK)
        status = manager_read_roster(transition->manager, registry, error);
    if (status == SEALRING_OK)
        status = evidence_read(registry, transition->manager, &transition->state, transition->version,
                               &transition->evidence, error);
    return status;
}

sealring_status transition_load(struct transition *transition, sealring_error *error)
{
    sealring_error inner = {.status = SEALRING_OK};
    sealring_status status = manager_read(transition->manager, load, transition, &inner);
    /* in a transaction of its own, because one in which something could not be read is unusable; a lack of this process's resources is no damage */
    transition->blind =
        status != SEALRING_OK && transition->event == SEALRING_EVENT_COMPROMISE && !error_is_exhaustion(&inner);
    if (transition->blind)
        return manager_read(transition->manager, load, transition, error);
    if (status != SEALRING_OK && error != NULL)
        *error = inner;
    return status;
}

sealring_status transition_prove(struct transition *transition, uint32_t number, sealring_error *error)
{
    const struct registry_version *row = state_find(&transition->state, number);
    struct token_key_reference reference;
    if (row == NULL)
        return error_set(error, SEALRING_NOT_FOUND, "ring %s has no version %u", transition->ring, number);
    derive_reference(&transition->vault, &transition->state.ring, row, &reference);
    return token_key_prove(transition->manager->token, &reference, NULL, error);
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
        row->created = clock_wall_ms();
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
    switch (step->to) {
    case SEALRING_VERSION_RETIRED:
    case SEALRING_VERSION_COMPROMISED:
        return transition->vault.token_closes_keys;
    case SEALRING_VERSION_DESTROYED:
        return true;
    default:
        return false;
    }
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

/* The transaction: reads and decides everything again inside it, so that it misses no change made meanwhile. */
static sealring_status carry_out(struct registry *registry, void *context, sealring_error *error)
{
    struct transition *transition = context;
    struct ring_state before = {0};
    sealring_status status = load(registry, transition, error);
    if (status == SEALRING_OK)
        status = state_load(registry, transition->ring, &before, error);
    if (status != SEALRING_OK)
        goto cleanup;
    status = transition_decide(transition, error);
    if (status != SEALRING_OK)
        goto cleanup;
    if (transition->decision.test_version != transition->tested && transition->decision.test_version != 0) {
        status = error_set(error, SEALRING_REFUSED, "ring %s was changed by somebody else meanwhile: try again",
                           transition->ring);
        goto cleanup;
    }
    if (!transition_apply(transition)) {
        status = error_no_memory(error);
        goto cleanup;
    }
    const char *broken = lifecycle_broken_invariant(&transition->state.view);
    if (broken == NULL)
        broken = lifecycle_broken_transition(&before.view, &transition->state.view);
    if (broken != NULL) {
        status = error_set(error, SEALRING_REGISTRY, "ring %s would become inconsistent, nothing was changed: %s",
                           transition->ring, broken);
        goto cleanup;
    }
    record(transition);
    status = write_rows(registry, transition, error);
cleanup:
    state_release(&before);
    return status;
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
    sealring_status status = manager_write(transition->manager, true, &transition->act, carry_out, transition, error);
    audit_release(&transition->act);
    return status;
}
