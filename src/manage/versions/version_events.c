/* SPDX-License-Identifier: Apache-2.0 */
/* The events of a version's life cycle: prepare, activate, rotate, roll back, retire, reinstate, compromise, destroy. */
#include "manage/versions/version_events.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/struct_size.h"
#include "manage/act/act.h"
#include "manage/fleet/effective.h"
#include "manage/fleet/usage_files.h"
#include "manage/session/manager.h"
#include "manage/tokens/make_object.h"
#include "manage/usage/harvest.h"
#include "manage/versions/close_object.h"
#include "manage/versions/transition.h"

static sealring_status prepare(struct transition *transition, sealring_error *error)
{
    struct make make;
    sealring_status status =
        make_begin(&make, transition->manager, &transition->state.ring, transition->decision.steps[0].number, error);
    if (status != SEALRING_OK)
        return status;
    transition->make = &make;
    status = transition_commit(transition, error);
    make_end(&make, status);
    transition->make = NULL;
    return status;
}

static sealring_status reinstate(struct transition *transition, sealring_error *error)
{
    sealring_status status = closing_reopen(transition, error);
    if (status != SEALRING_OK)
        return status;
    transition->tested = transition->decision.test_version;
    status = transition_commit(transition, error);
    /* a registry that failed may contain the change nevertheless: the next start finds out, and closes the object if it does not */
    if (status != SEALRING_OK && !transition->manager->doubtful)
        closing_revert(transition);
    return status;
}

/* As transition_prove, for a version that is to issue: the message states what to do if its object is gone. */
static sealring_status prove_successor(struct transition *transition, uint32_t number, sealring_error *error)
{
    sealring_error inner = {.token_code = 0};
    enum token_answer answer;
    sealring_status status = transition_prove(transition, number, &answer, &inner);
    const struct registry_version *row = state_find(&transition->state, number);
    if (answer == TOKEN_MISSING)
        return error_set_token(
            error, inner.token_code,
            "version %u of ring %s has no object in the token any more: %s `sealring %s %s %u`, and "
            "repeat",
            number, transition->ring,
            row->state == SEALRING_VERSION_PENDING ? "give it up by" : "put it back, or give it up by",
            row->state == SEALRING_VERSION_PENDING ? "destroy" : "compromise", transition->ring, number);
    if (status != SEALRING_OK && error != NULL)
        *error = inner;
    return status;
}

static sealring_status activate(struct transition *transition, sealring_error *error)
{
    uint32_t number = transition->decision.test_version;
    sealring_status status = number == 0 ? SEALRING_OK : prove_successor(transition, number, error);
    if (status != SEALRING_OK)
        return status;
    transition->tested = number;
    return transition_commit(transition, error);
}

static sealring_status retire(struct transition *transition, sealring_error *error)
{
    sealring_status status = transition_commit(transition, error);
    /* the token closes the object only when every verifier has applied the change: a verifier that has not would answer *unavailable* for
     * credentials that it must still accept */
    if (status == SEALRING_OK && effective_everywhere(&transition->manager->roster, &transition->manager->committed))
        closing_follow(transition, transition->token_problem);
    else if (status == SEALRING_OK)
        transition->change->closing_owed = transition->vault.token_closes_keys;
    return status;
}

/* The commit comes first: a process killed in between leaves a closed version, whose object the next start closes. In the other order it would
 * leave an active version whose object refuses, which nothing would repair. But a registry that cannot be written delays nothing. */
static sealring_status compromise(struct transition *transition, sealring_error *error)
{
    struct owned target;
    sealring_error inner;
    sealring_error token_error = {.message = ""};
    closing_aim(transition, &target);
    sealring_status status = transition_commit(transition, &inner);
    (void)manager_restricted(transition->manager); /* nobody is kept from committing while the token works */
    (void)manager_token(transition->manager, &token_error);
    if (status == SEALRING_OK)
        closing_follow(transition, token_error.message);
    else if (!transition->refused && closing_regardless(transition, &target))
        error_set(
            error, status,
            "the token refuses the key of version %u of ring %s already, but the registry could not be written (%.200s): "
            "repeat `sealring compromise %s %u`",
            transition->version, transition->ring, inner.message, transition->ring, transition->version);
    else if (error != NULL)
        *error = inner;
    return status;
}

static sealring_status destroy(struct transition *transition, sealring_error *error)
{
    sealring_status status = transition_commit(transition, error);
    return status == SEALRING_OK ? closing_destroy(transition, NULL, error) : status;
}

/* A destroy whose token step failed is owed: repeating the command repeats that step. */
static bool destroy_is_owed(const struct transition *transition)
{
    const struct registry_version *row = state_find(&transition->state, transition->version);
    return transition->event == SEALRING_EVENT_DESTROY && row != NULL && row->state == SEALRING_VERSION_DESTROYED &&
           row->closing_owed && !row->unconfirmed;
}

static sealring_status repeat_destroy(struct transition *transition, sealring_error *error)
{
    transition->decision.count = 1;
    transition->decision.steps[0] = (struct lifecycle_step){
        .number = transition->version, .from = SEALRING_VERSION_DESTROYED, .to = SEALRING_VERSION_DESTROYED};
    snprintf(transition->change->guard, sizeof transition->change->guard,
             "the object of version %u is still owed its destruction", transition->version);
    transition_report(transition);
    if (transition->manager->dry_run)
        return SEALRING_OK;
    struct audit_act act = {.name = "version.destroy", .version = transition->version};
    memcpy(act.ring, transition->state.ring.name, sizeof act.ring);
    audit_detail(&act, "{s:b}", "repeated", true);
    if (transition->reason != NULL)
        audit_detail_add(&act, "reason", json_string(transition->reason));
    sealring_status status = closing_destroy(transition, &act, error);
    audit_release(&act);
    return status;
}

/* The gate names who uses a version, and succession asks which API keys are in use: both read the statistics. */
static sealring_status take_stock(sealring_manager *manager, sealring_error *error)
{
    sealring_harvest_result harvested = {.size = sizeof harvested};
    return manager->dry_run ? usage_foresee(manager, clock_wall_ms(), error)
                            : harvest_all(manager, clock_wall_ms(), &harvested, error);
}

static const struct event_rule {
    bool with_token;    /* is not begun without the token */
    bool names_version; /* the operator must name the version */
    sealring_status (*act)(struct transition *transition, sealring_error *error); /* after the decision */
} rules[] = {
    [SEALRING_EVENT_PREPARE] = {true, false, prepare},    [SEALRING_EVENT_ACTIVATE] = {true, false, activate},
    [SEALRING_EVENT_ROTATE] = {true, false, NULL}, /* prepare and activate */
    [SEALRING_EVENT_ROLLBACK] = {true, false, activate},  [SEALRING_EVENT_RETIRE] = {false, true, retire},
    [SEALRING_EVENT_REINSTATE] = {true, true, reinstate}, [SEALRING_EVENT_COMPROMISE] = {false, true, compromise},
    [SEALRING_EVENT_DESTROY] = {true, true, destroy},
};

/* What a dry run finds out of what would stop the act: a compromise alone needs no signature first. */
static sealring_status foresee(struct transition *transition, sealring_error *error)
{
    sealring_manager *manager = transition->manager;
    sealring_status status = SEALRING_OK;
    if (rules[transition->event].act == activate && transition->decision.test_version != 0)
        status = prove_successor(transition, transition->decision.test_version, error);
    if (status != SEALRING_OK || transition->event == SEALRING_EVENT_COMPROMISE)
        return status;
    return witness_foresee(&manager->witness, manager->config, error);
}

/* Decides on the state that was read, tests in the token, commits, and then changes the token. */
static sealring_status act_on_state(struct transition *transition, sealring_error *error)
{
    const struct event_rule *rule = &rules[transition->event];
    sealring_status status = transition_decide(transition, error);
    if (status != SEALRING_OK)
        return status;
    if (!transition->manager->dry_run)
        status = rule->act(transition, error);
    else
        status = foresee(transition, error);
    /* a destroy that is committed is reported even if the token step failed */
    if (status == SEALRING_OK || transition->change->closing_owed)
        transition_report(transition);
    return status;
}

static sealring_status run_event(struct transition *transition, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    if (transition->event == SEALRING_EVENT_RETIRE)
        status = take_stock(transition->manager, error);
    if (status == SEALRING_OK)
        status = transition_load(transition, error);
    if (status != SEALRING_OK)
        return status;
    return destroy_is_owed(transition) ? repeat_destroy(transition, error) : act_on_state(transition, error);
}

static const sealring_event halves[] = {SEALRING_EVENT_PREPARE, SEALRING_EVENT_ACTIVATE};

/* Whether both halves of a rotation, or only the second, would be allowed: a rotation that cannot activate the version must not leave it behind.
 * Applies them to the state in memory. With dry_run nothing else is done. */
static sealring_status rehearse_rotation(struct transition *transition, size_t first, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    for (size_t i = first; status == SEALRING_OK && i < 2; i++) {
        transition->event = halves[i];
        status = transition_decide(transition, error);
        if (status == SEALRING_OK && !transition_apply(transition))
            status = error_no_memory(error);
        if (status == SEALRING_OK && transition->manager->dry_run)
            transition_report(transition);
    }
    if (status != SEALRING_OK || !transition->manager->dry_run)
        return status;
    return first == 1 ? foresee(transition, error)
                      : witness_foresee(&transition->manager->witness, transition->manager->config, error);
}

static sealring_status rotate(struct transition *transition, sealring_error *error)
{
    struct ring_state rehearsed = {0};
    size_t pending;
    sealring_status status = transition_load(transition, error);
    if (status != SEALRING_OK)
        return status;
    (void)lifecycle_find_next(&transition->state.view, &pending);
    size_t first = pending == 0 ? 0 : 1;
    size_t verifiers = transition->evidence.view.verifier_count;
    if (first == 0) { /* no verifier can have proved a version that is not made yet */
        transition->evidence.view.verifiers_ahead = verifiers;
        transition->evidence.view.verifier_count = 0;
    }
    if (!state_copy(&transition->state, &rehearsed))
        status = error_no_memory(error);
    if (status == SEALRING_OK) {
        struct ring_state read = transition->state;
        transition->state = rehearsed;
        status = rehearse_rotation(transition, first, error);
        rehearsed = transition->state;
        transition->state = read;
    }
    state_release(&rehearsed);
    transition->evidence.view.verifier_count = verifiers;
    transition->evidence.view.verifiers_ahead = 0;
    for (size_t i = first; status == SEALRING_OK && i < 2 && !transition->manager->dry_run; i++) {
        transition->event = halves[i];
        if (i > first) /* verifiers may have loaded the new version meanwhile */
            status = transition_load(transition, error);
        if (status == SEALRING_OK)
            status = act_on_state(transition, error);
    }
    return status;
}

static sealring_status check_arguments(sealring_event event, uint32_t version, const sealring_event_options *options,
                                       sealring_error *error)
{
    if (event < SEALRING_EVENT_PREPARE || event > SEALRING_EVENT_DESTROY)
        return error_set(error, SEALRING_INVALID, "there is no such event");
    if (rules[event].names_version && version == 0)
        return error_set(error, SEALRING_INVALID, "%s needs the number of the version", sealring_event_name(event));
    if ((options->overrule || options->overrule_succession) && (options->reason == NULL || options->reason[0] == '\0'))
        return error_set(error, SEALRING_INVALID, "overruling a guard needs a reason");
    return manager_check_reason(options->reason, error);
}

sealring_status version_carry_out(struct transition *transition, sealring_error *error)
{
    sealring_event event = transition->event;
    /* an event that does not need the token still uses it, if it is there; the token is opened before the lock, so that nobody else waits for it; a
     * compromise waits for no token before its commit */
    sealring_error token_error = {.message = ""};
    if (event == SEALRING_EVENT_RETIRE)
        (void)manager_token(transition->manager, &token_error);
    transition->token_problem = token_error.message;
    const char *purpose = sealring_event_name(event);
    sealring_status status = event == SEALRING_EVENT_COMPROMISE
                                 ? manager_begin_restriction(transition->manager, purpose, error)
                                 : manager_begin_dated(transition->manager, purpose, rules[event].with_token, error);
    if (status == SEALRING_OK) {
        char name[32];
        struct audit_act about = {.name = name, .version = transition->version};
        snprintf(name, sizeof name, "version.%s", purpose);
        snprintf(about.ring, sizeof about.ring, "%s", transition->ring);
        status = event == SEALRING_EVENT_ROTATE ? rotate(transition, error) : run_event(transition, error);
        /* it is no refusal if another process was faster with what the policy requires, nor if a barrier is being waited for */
        bool waits = transition->event == SEALRING_EVENT_ACTIVATE && transition->decision.answer == LIFECYCLE_WAITING;
        manager_end_act(transition->manager, &about, transition->automatic != NULL || waits ? SEALRING_OK : status,
                        error);
    }
    transition->token_problem = NULL;
    usage_foresee_end(transition->manager);
    transition_release(transition);
    return status;
}

sealring_status sealring_version_change(sealring_manager *manager, const char *ring, sealring_event event,
                                        uint32_t version, const sealring_event_options *options,
                                        sealring_change *change, sealring_error *error)
{
    sealring_change whole = {.size = sizeof whole};
    sealring_event_options asked;
    sized_take(&asked, sizeof asked, options);
    sized_give(change, &whole, sizeof whole);
    sealring_status status = check_arguments(event, version, &asked, error);
    if (status != SEALRING_OK)
        return status;
    struct transition transition = {
        .manager = manager,
        .ring = ring,
        .event = event,
        .version = version,
        .reason = asked.reason,
        .overrule =
            (asked.overrule ? LIFECYCLE_OVERRULE : 0) | (asked.overrule_succession ? (unsigned)GUARD_SUCCESSION : 0),
        .change = &whole,
    };
    status = version_carry_out(&transition, error);
    sized_give(change, &whole, sizeof whole);
    return status;
}
