/* SPDX-License-Identifier: Apache-2.0 */
/* One turn of the scheduler: carries out what the rings' policies require, one act at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "base/struct_size.h"
#include "manage/act/act.h"
#include "manage/fleet/usage_files.h"
#include "manage/tokens/recover_interrupted.h"
#include "manage/usage/harvest.h"
#include "manage/versions/policy_plan.h"
#include "manage/versions/version_events.h"

#define REASON      "by the ring's policy"
#define SOON_MS     1000    /* after something was done, or while something waits */
#define LATEST_MS   3600000 /* even if nothing is due earlier: policies change */
#define ACTS_MAX    64      /* of one ring in one turn; the next turn continues */
#define CLOCK_TRIES 3
#define SETTLE_MS   60000

/* One act that was tried in this turn and is not tried again. */
struct tried {
    sealring_event event;
    uint32_t version;
};

struct run {
    sealring_manager *manager;
    sealring_plan_callback each;
    void *context;
    sealring_run_result result;
    struct plan plan; /* of the present ring */
    struct clock_judgement clock;
    bool behind; /* no checkpoint covers the log's end */
    bool owed;   /* the key of a closed version still signs, as a verifier may not have applied the closing */
    bool token_away;
    char (*rings)[SEALRING_NAME_LENGTH_MAX + 1];
    size_t ring_count;
    struct tried tried[ACTS_MAX];
    size_t tried_count;
    bool late; /* the wall clock is certainly wrong (clock_check.c) */
    sealring_error *error;
};

static sealring_status tell(struct run *run, const sealring_plan *told)
{
    if (run->each == NULL || run->each(told, run->context) == 0)
        return SEALRING_OK;
    return error_set(run->error, SEALRING_REFUSED, "stopped by the caller");
}

static sealring_status tell_action(struct run *run, const struct lifecycle_action *action, sealring_plan_state state,
                                   const char *text, const sealring_change *change)
{
    const sealring_plan told = {.size = sizeof told,
                                .ring = run->plan.ring,
                                .event = action->event,
                                .version = action->version,
                                .due = action->due,
                                .state = state,
                                .text = text,
                                .foreseen = action->foreseen,
                                .reissue = action->behind,
                                .change = change};
    return tell(run, &told);
}

static sealring_status tell_notice(struct run *run, const char *ring, uint32_t version, const char *text)
{
    const sealring_plan told = {.size = sizeof told,
                                .ring = ring,
                                .version = version,
                                .state = SEALRING_PLAN_NOTICE,
                                .text = text,
                                .foreseen = ""};
    return tell(run, &told);
}

/* ---- taking stock ---- */

static sealring_status list_rings(struct registry *registry, struct run *run, sealring_error *error)
{
    struct registry_ring ring;
    sealring_status status = SEALRING_OK;
    run->ring_count = 0;
    struct registry_cursor rings = registry_rings(registry, error);
    while (status == SEALRING_OK && registry_ring_next(&rings, &ring))
        if (array_grow(&run->rings, run->ring_count))
            memcpy(run->rings[run->ring_count++], ring.name, sizeof ring.name);
        else
            status = error_no_memory(error);
    return registry_close_cursor(&rings, status);
}

/* The log exceeds the latest checkpoint if an act was interrupted before the checkpoint, or the audit token was missing. An interruption after the
 * checkpoint and before the anchor is found with the clocks, once a minute. */
static sealring_status read_behind(struct registry *registry, struct run *run, sealring_error *error)
{
    struct registry_checkpoint latest;
    uint64_t entries = 0;
    bool found;
    run->behind = false;
    if (!witness_configured(run->manager->config))
        return SEALRING_OK;
    sealring_status status = registry_checkpoint_find_latest(registry, &latest, &found, error);
    if (status == SEALRING_OK)
        status = registry_audit_size(registry, &entries, error);
    run->behind = status == SEALRING_OK && entries > (found ? latest.size : 0);
    return status;
}

/* Within a transaction: judges the clocks with what is remembered now. */
static sealring_status judge_clocks(struct run *run, sealring_error *error)
{
    struct registry *registry = run->manager->registry;
    sealring_status status = manager_read_roster(run->manager, registry, error);
    return status != SEALRING_OK ? status : plan_judge_clocks(run->manager, registry, &run->clock, error);
}

static sealring_status read_stock(struct run *run)
{
    sealring_status status;
    struct registry *registry = run->manager->registry;
    struct registry_transaction reading = registry_reading(registry, run->error);
    do {
        if (registry_begin(&reading, &status))
            status = list_rings(registry, run, run->error);
        if (status == SEALRING_OK)
            status = judge_clocks(run, run->error);
        if (status == SEALRING_OK)
            status = read_behind(registry, run, run->error);
    } while (registry_again(&reading, &status));
    return status;
}

static bool is_alarm(const struct clock_judgement *judgement)
{
    return judgement->stepped || judgement->released;
}

/* Judges again, and writes the judgement down. *overtaken: another scheduler meanwhile found what this one was to record in `act`. */
static sealring_status remember_clocks(struct run *run, struct audit_act *act, bool *overtaken)
{
    sealring_status status;
    struct commit commit = manager_commit(run->manager, false, act, run->error);
    do {
        if (!commit_begin(&commit, &status))
            continue;
        status = judge_clocks(run, run->error);
        *overtaken = status == SEALRING_OK && is_alarm(&run->clock) != (act != NULL);
        if (*overtaken)
            status = error_set(run->error, SEALRING_WAITING, "the clocks were judged by somebody else meanwhile");
        if (status == SEALRING_OK)
            status = plan_remember_clocks(run->manager->registry, &run->clock, run->error);
    } while (commit_again(&commit, &status));
    return status;
}

/* Under the lock. */
static sealring_status write_clocks(struct run *run)
{
    sealring_status status = SEALRING_OK;
    bool overtaken = true;
    for (int i = 0; i < CLOCK_TRIES && overtaken; i++) {
        struct audit_act act = {.name = run->clock.released ? "clock.trusted" : "clock.stepped"};
        audit_detail(&act, "{s:s, s:b}", "text", run->clock.text, "held", run->clock.memory.held);
        overtaken = false;
        status = remember_clocks(run, is_alarm(&run->clock) ? &act : NULL, &overtaken);
        audit_release(&act);
    }
    return overtaken ? SEALRING_OK : status; /* another scheduler does it: the next turn checks */
}

/* Reads rings, reports and clocks, and writes down what is new. */
static sealring_status take_stock(struct run *run)
{
    sealring_manager *manager = run->manager;
    sealring_error late = {.message = ""};
    sealring_status status = read_stock(run);
    run->late = status == SEALRING_OK && manager_check_clock(manager, &late) != SEALRING_OK;
    bool settles = run->behind && manager->roster.boot_ms >= manager->settle_again_at;
    bool writes = !manager->dry_run && (run->clock.worth_writing || roster_is_news(&manager->roster) || settles);
    if (status == SEALRING_OK && writes) {
        status = manager_begin(manager, "run", false, run->error);
        if (status != SEALRING_OK)
            return status;
        if (run->clock.worth_writing) {
            /* about once a minute: statistics, on which no decision here depends, so that a failure in them blocks nothing */
            sealring_harvest_result harvested = {.size = sizeof harvested};
            if (!run->late)
                status = harvest_all(manager, manager->roster.now, &harvested, run->error);
            if (manager_holds_work(manager))
                status = write_clocks(run);
        }
        if (run->clock.worth_writing || settles) {
            manager->unsettled = true;
            manager->settle_again_at =
                manager->roster.boot_ms + SETTLE_MS; /* do not ask a missing audit token all the time */
        }
        manager_end(manager); /* remembers the roster; writes a missing checkpoint or anchor */
    }
    if (status == SEALRING_OK && manager->dry_run) /* a dry run harvests nothing */
        status = usage_foresee(manager, manager->roster.now, run->error);
    run->result.clocks_held = run->clock.memory.held;
    if (status == SEALRING_OK && run->late)
        status = tell_notice(run, "", 0, late.message);
    if (status == SEALRING_OK && is_alarm(&run->clock))
        status = tell_notice(run, "", 0, run->clock.text);
    return status;
}

/* ---- one act ---- */

/* An object is not destroyed on the registry's statement alone: the token must confirm that it was closed. If the object is gone, nothing is lost. */
static sealring_status ask_witness(struct run *run, uint32_t number, sealring_error *error)
{
    const struct registry_version *version = state_find(&run->plan.state, number);
    enum token_answer answer;
    bool signs = false;
    if (!run->manager->roster.vault.token_closes_keys)
        return error_set(
            error, SEALRING_REFUSED,
            "this PKCS#11 token cannot close keys, so only the registry shows that version %u is closed: run "
            "`sealring destroy %s %u` yourself",
            number, run->plan.ring, number);
    sealring_status status = manager_token(run->manager, error);
    if (status != SEALRING_OK || version == NULL)
        return status;
    /* CKA_SIGN alone is no proof: some tokens keep the attribute's value and sign all the same */
    status =
        token_key_signs(run->manager->token, version->object_id, version->object_id_length, &signs, &answer, error);
    if (answer == TOKEN_MISSING)
        return SEALRING_OK;
    if (status == SEALRING_OK && signs)
        return error_set(
            error, SEALRING_REFUSED,
            "the registry shows version %u as closed, but its object still signs: find out who wrote that, then run "
            "`sealring destroy %s %u` yourself",
            number, run->plan.ring, number);
    return status;
}

static sealring_status carry_out(struct run *run, const struct lifecycle_action *action, sealring_change *change,
                                 sealring_error *error)
{
    struct transition transition = {
        .manager = run->manager,
        .ring = run->plan.ring,
        .event = action->event,
        .version = action->event == SEALRING_EVENT_PREPARE ? 0 : action->version,
        .reason = REASON,
        .automatic = &run->clock.memory,
        .change = change,
    };
    if (action->event == SEALRING_EVENT_DESTROY) {
        sealring_status status = ask_witness(run, action->version, error);
        if (status != SEALRING_OK)
            return status;
    }
    return version_carry_out(&transition, error);
}

/* What the end of an act, which is a public operation, means for the turn. */
static const enum {
    ACT_FAILED,
    ACT_DONE,
    ACT_OVERTAKEN,
    ACT_LACKS_TOKEN,
    ACT_STOPS_RING,
} act_ends[] = {
    [SEALRING_OK] = ACT_DONE,           [SEALRING_WAITING] = ACT_OVERTAKEN,
    [SEALRING_TOKEN] = ACT_LACKS_TOKEN, [SEALRING_REGISTRY] = ACT_STOPS_RING,
    [SEALRING_SYSTEM] = ACT_STOPS_RING, [SEALRING_NOT_EFFECTIVE] = ACT_DONE,
};

/* A failure that concerns only this act is reported, and the turn continues; a failure of the registry is the call's. */
static sealring_status attempt(struct run *run, const struct lifecycle_action *action)
{
    sealring_change change = {.size = sizeof change};
    sealring_error error = {.message = ""};
    run->tried[run->tried_count++] = (struct tried){action->event, action->version};
    if (run->manager->dry_run) {
        run->result.done++;
        return tell_action(run, action, SEALRING_PLAN_READY, action->reason, NULL);
    }
    sealring_status status = carry_out(run, action, &change, &error);
    switch (act_ends[status]) {
    case ACT_DONE:
        run->result.done++;
        return tell_action(run, action, SEALRING_PLAN_DONE, change.guard, &change);
    case ACT_OVERTAKEN:
        return SEALRING_OK; /* another process was faster, or something else changed: the plan is read again */
    case ACT_STOPS_RING:
        if (run->error != NULL)
            *run->error = error;
        return status;
    case ACT_LACKS_TOKEN:
        run->token_away = true;
        break;
    case ACT_FAILED:
        break;
    }
    run->result.failed++;
    return tell_action(run, action, SEALRING_PLAN_FAILED, error.message, NULL);
}

/* ---- one ring ---- */

static bool was_tried(const struct run *run, const struct lifecycle_action *action)
{
    for (size_t i = 0; i < run->tried_count; i++)
        if (run->tried[i].event == action->event && run->tried[i].version == action->version)
            return true;
    return false;
}

/* The first action that is due, not held, allowed, and can be tried; NULL for none. */
static const struct lifecycle_action *choose(const struct run *run)
{
    const struct plan *plan = &run->plan;
    for (size_t i = 0; i < plan->count && run->tried_count < ACTS_MAX; i++) {
        const struct lifecycle_action *action = &plan->actions[i];
        bool token = action->event != SEALRING_EVENT_RETIRE; /* a retirement does not need the token */
        if (lifecycle_may_happen(action, plan->times.now) && !was_tried(run, action) && !(token && run->token_away))
            return action;
    }
    return NULL;
}

/* Reports what is due and blocked, and what is planned; notes when the next action is due. */
static sealring_status tell_rest(struct run *run)
{
    const struct plan *plan = &run->plan;
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < plan->count; i++) {
        const struct lifecycle_action *action = &plan->actions[i];
        sealring_plan_state state = plan_state(action, plan->times.now);
        if (state == SEALRING_PLAN_AHEAD && (run->result.next == 0 || action->due < run->result.next))
            run->result.next = action->due;
        if (state == SEALRING_PLAN_READY || (state == SEALRING_PLAN_AHEAD && action->foreseen[0] == '\0'))
            continue;
        run->result.blocked += state != SEALRING_PLAN_AHEAD;
        status = tell_action(run, action, state, action->reason, NULL);
    }
    return status;
}

/* Closes the objects of closed versions that may be closed by now. Recovery does that, as part of manager_begin. */
static sealring_status close_owed(struct run *run)
{
    sealring_manager *manager = run->manager;
    const struct ring_state *state = &run->plan.state;
    uint32_t owed[SEALRING_EFFECTS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < state->count && count < SEALRING_EFFECTS_MAX; i++)
        if (plan_may_close(manager, &state->rows[i]))
            owed[count++] = state->rows[i].number;
    if (count == 0 || manager->dry_run || run->token_away)
        return SEALRING_OK;
    sealring_error error = {.message = ""};
    sealring_status status = manager_begin(manager, "run", true, &error);
    if (status == SEALRING_OK) {
        manager_end(manager);
        status = plan_read(manager, &run->plan, &error);
    }
    if (act_ends[status] == ACT_LACKS_TOKEN) {
        run->token_away = true;
        run->result.failed++;
        return tell_notice(run, run->plan.ring, owed[0], error.message);
    }
    if (status != SEALRING_OK && run->error != NULL)
        *run->error = error;
    for (size_t i = 0; status == SEALRING_OK && i < count; i++) {
        const struct registry_version *row = state_find(state, owed[i]);
        if (row != NULL && !row->closing_owed)
            status = tell_notice(run, run->plan.ring, owed[i], "the token refuses its key from now on");
    }
    return status;
}

/* Whether the closing of a version's object is still owed: first every verifier must have applied the change. */
static bool owes_closing(const struct run *run)
{
    const struct ring_state *state = &run->plan.state;
    for (size_t i = 0; i < state->count; i++)
        if (state->rows[i].closing_owed)
            return true;
    return false;
}

static sealring_status run_ring(struct run *run, const char *ring)
{
    const struct lifecycle_action *action;
    sealring_status status;
    plan_release(&run->plan);
    run->plan.ring = ring;
    run->tried_count = 0;
    do {
        status = plan_read(run->manager, &run->plan, run->error);
        action = status == SEALRING_OK ? choose(run) : NULL;
        if (action != NULL) {
            const struct lifecycle_action chosen = *action; /* the plan is read again meanwhile */
            status = attempt(run, &chosen);
        }
    } while (status == SEALRING_OK && action != NULL);
    if (status == SEALRING_OK)
        status = close_owed(run);
    run->owed = run->owed || owes_closing(run);
    return status == SEALRING_OK ? tell_rest(run) : status;
}

/* ---- the turn ---- */

static int64_t come_back(const struct run *run)
{
    const sealring_run_result *result = &run->result;
    int64_t left = result->next - run->manager->roster.now;
    if (result->done > 0 || result->failed > 0 || result->blocked > 0)
        return SOON_MS;
    if (result->next == 0 || left > LATEST_MS)
        return LATEST_MS;
    return left > 0 ? left : 0;
}

/* If something waits for verifiers that seem silent, only continued measuring can complete it. A lost verifier is measured in any case: no version
 * retires until it is known to have ended. */
static int64_t measure_silence(const struct run *run)
{
    const struct roster *roster = &run->manager->roster;
    bool waits = run->result.blocked > 0 || run->owed || !roster->vault.era_in_force;
    return roster_suspicion(roster, !waits);
}

/* A failure in one ring must not stop the others; a failure in two rings stops all. */
static sealring_status run_rings(struct run *run, const char *only)
{
    sealring_error first = {.message = ""};
    sealring_status trouble = SEALRING_OK;
    sealring_status status = take_stock(run);
    bool found = only == NULL;
    for (size_t i = 0; status == SEALRING_OK && i < run->ring_count; i++) {
        if (only != NULL && strcmp(run->rings[i], only) != 0)
            continue;
        found = true;
        status = run_ring(run, run->rings[i]);
        if (trouble == SEALRING_OK && act_ends[status] == ACT_STOPS_RING) {
            trouble = status;
            status = SEALRING_OK;
            if (run->error != NULL)
                first = *run->error;
        }
    }
    if (status == SEALRING_OK && !found)
        status = error_set(run->error, SEALRING_NOT_FOUND, "there is no such ring: see `sealring ring list`");
    if (status != SEALRING_OK || trouble == SEALRING_OK)
        return status;
    if (run->error != NULL)
        *run->error = first;
    return trouble;
}

sealring_status sealring_run_once(sealring_manager *manager, const sealring_run_options *options,
                                  sealring_plan_callback each, void *context, sealring_run_result *result,
                                  sealring_error *error)
{
    struct run *run = calloc(1, sizeof *run);
    sealring_run_options asked;
    char actor[sizeof manager->actor];
    if (run == NULL)
        return error_no_memory(error);
    sized_take(&asked, sizeof asked, options);
    *run = (struct run){.manager = manager, .each = each, .context = context, .error = error};
    sealring_status status = SEALRING_OK;
    if (manager->read_only)
        status = error_set(error, SEALRING_REFUSED, "the vault was opened read-only: nothing can be changed");
    memcpy(actor, manager->actor, sizeof actor);
    snprintf(manager->actor, sizeof manager->actor, "automatic: %.240s", actor);
    if (status == SEALRING_OK)
        status = run_rings(run, asked.ring);
    memcpy(manager->actor, actor, sizeof actor);
    run->result.come_back = come_back(run);
    run->result.silence = measure_silence(run);
    sized_give(result, &run->result, sizeof run->result);
    usage_foresee_end(manager);
    plan_release(&run->plan);
    free(run->rings);
    free(run);
    return status;
}
