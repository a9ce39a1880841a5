/* SPDX-License-Identifier: Apache-2.0 */
/* One turn of the scheduler: carries out what the rings' policies require, one act at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/struct_size.h"
#include "manage/act/act.h"
#include "manage/fleet/usage_files.h"
#include "manage/versions/policy_plan.h"
#include "manage/versions/ring_correction.h"
#include "manage/versions/run_stock.h"
#include "manage/versions/version_events.h"

#define REASON    "by the ring's policy"
#define SOON_MS   1000    /* after something was done, or while something waits */
#define LATEST_MS 3600000 /* even if nothing is due earlier: policies change */
#define ACTS_MAX  64      /* of one ring in one turn; the next turn continues */

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
    struct stock stock;
    bool owed; /* the key of a closed version still signs, as a verifier may not have applied the closing */
    bool token_away;
    struct tried tried[ACTS_MAX];
    size_t tried_count;
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
        .automatic = &run->stock.clock.memory,
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
    const bool dry_run = run->manager->dry_run;
    run->tried[run->tried_count++] = (struct tried){action->event, action->version};
    sealring_status status =
        dry_run ? stock_foresee(run->manager, action, &error) : carry_out(run, action, &change, &error);
    switch (act_ends[status]) {
    case ACT_DONE:
        run->result.done++;
        if (dry_run)
            return tell_action(run, action, SEALRING_PLAN_READY, action->reason, NULL);
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

/* A row that was edited decides nothing: the plan starts from the facts. Nor does it stop the ring if it cannot be corrected now. */
static sealring_status correct_rows(struct run *run)
{
    char alarm[SEALRING_MESSAGE_SIZE];
    sealring_error error = {.message = ""};
    if (!state_is_edited(&run->plan.state) || run->manager->dry_run)
        return SEALRING_OK;
    if (ring_correct_rows(run->manager, run->plan.ring, alarm, &error) != SEALRING_OK)
        return tell_notice(run, run->plan.ring, 0, error.message);
    sealring_status status = alarm[0] == '\0' ? SEALRING_OK : tell_notice(run, run->plan.ring, 0, alarm);
    return status == SEALRING_OK ? plan_read(run->manager, &run->plan, run->error) : status;
}

/* After the ring's other work: an impossible policy stops the ring, and no other ring. */
static sealring_status tell_refusal(struct run *run)
{
    char text[SEALRING_MESSAGE_SIZE];
    if (!plan_refusal(&run->plan, text))
        return SEALRING_OK;
    run->result.failed++;
    return tell_notice(run, run->plan.ring, 0, text);
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
        if (status == SEALRING_OK)
            status = correct_rows(run);
        action = status == SEALRING_OK ? choose(run) : NULL;
        if (action != NULL) {
            const struct lifecycle_action chosen = *action; /* the plan is read again meanwhile */
            status = attempt(run, &chosen);
        }
    } while (status == SEALRING_OK && action != NULL);
    if (status == SEALRING_OK)
        status = close_owed(run);
    run->owed = run->owed || owes_closing(run);
    if (status == SEALRING_OK)
        status = tell_refusal(run);
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

/* Reads what the turn starts from, and reports what is wrong with the clocks and with API keys. */
static sealring_status tell_stock(struct run *run)
{
    struct stock *stock = &run->stock;
    sealring_status status = stock_take(run->manager, stock, run->error);
    run->result.clocks_held = stock->clock.memory.held;
    if (status == SEALRING_OK && stock->late.status != SEALRING_OK)
        status = tell_notice(run, "", 0, stock->late.message);
    if (status == SEALRING_OK && stock_is_alarm(&stock->clock))
        status = tell_notice(run, "", 0, stock->clock.text);
    for (size_t i = 0; status == SEALRING_OK && i < stock->contested.count; i++) {
        char text[CONTESTED_TEXT_SIZE + 7];
        memcpy(text, "ALARM: ", 7);
        contested_describe(&stock->contested.items[i], text + 7);
        status = tell_notice(run, stock->contested.items[i].ring.name, 0, text);
    }
    return status;
}

/* A failure in one ring must not stop the others; a failure in two rings stops all. */
static sealring_status run_rings(struct run *run, const char *only)
{
    sealring_error first = {.message = ""};
    sealring_status trouble = SEALRING_OK;
    sealring_status status = tell_stock(run);
    bool found = only == NULL;
    for (size_t i = 0; status == SEALRING_OK && i < run->stock.ring_count; i++) {
        if (only != NULL && strcmp(run->stock.rings[i], only) != 0)
            continue;
        found = true;
        status = run_ring(run, run->stock.rings[i]);
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
    run->result.unsigned_log = manager->witness.remark[0] != '\0';
    sized_give(result, &run->result, sizeof run->result);
    usage_foresee_end(manager);
    plan_release(&run->plan);
    stock_release(&run->stock);
    free(run);
    return status;
}
