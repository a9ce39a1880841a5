/* SPDX-License-Identifier: Apache-2.0 */
/* Acts through the public functions, written down as they go. */
#include "soak/acts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manage/session/manager.h"
#include "soak/barrier.h"

#define MILLISECOND  INT64_C(1000000)
#define LOCK_WAIT_MS 300000 /* the machine may be busy: others finish some time */
#define BARRIER_MS   60000

void acts_open(struct actor *actor, struct history *history, uint32_t number, uint64_t seed)
{
    sealring_error error;
    const sealring_manage_options options = {.size = sizeof options, .lock_wait = LOCK_WAIT_MS};
    *actor = (struct actor){.history = history, .number = number, .random = seed};
    if (sealring_manager_open(history->vault, &options, &actor->manager, &error) == SEALRING_OK)
        return;
    fprintf(stderr, "soak: operator %u: %s\n", number, error.message);
    exit(1);
}

void acts_close(struct actor *actor)
{
    sealring_manager_close(&actor->manager);
}

static const char *ring_name(const struct actor *actor)
{
    return actor->history->ring_names[actor->ring];
}

/* ---- writing down ---- */

static struct history_act begin(const struct actor *actor, enum history_kind kind)
{
    return (struct history_act){
        .kind = kind, .actor = actor->number, .ring = actor->ring, .key = HISTORY_NONE, .begun = history_now()};
}

/* Refusals and waiting are the state of things, which somebody else may have changed; all else is trouble. */
static bool is_trouble(sealring_status status)
{
    return status != SEALRING_OK && status != SEALRING_REFUSED && status != SEALRING_WAITING &&
           status != SEALRING_NOT_FOUND;
}

/* After the call: whether it committed something that bears on verdicts, and when at the latest. */
static void take_commit(const struct actor *actor, struct history_act *act, uint64_t epoch_before)
{
    const sealring_manager *manager = actor->manager;
    int64_t told = (manager->committed.committed_boot_ms + 1) * MILLISECOND;
    act->committed = history_now();
    if (manager->committed.epoch == epoch_before)
        return;
    act->epoch = manager->committed.epoch;
    if (told < act->committed)
        act->committed = told;
}

static bool shall_wait(struct actor *actor, enum patience patience)
{
    return patience == PATIENCE_FULL || (patience == PATIENCE_CHANCE && history_below(&actor->random, 5) > 0);
}

static void wait_effective(struct actor *actor, struct history_act *act)
{
    sealring_error error;
    const sealring_wait wait = {.size = sizeof wait, .most = -1};
    sealring_status status = sealring_wait_effective(actor->manager, &wait, &error);
    act->waited = status == SEALRING_OK;
    act->effective = history_now();
    if (!act->waited)
        history_add_finding(actor->history, RULE_ACTS, HISTORY_NONE, HISTORY_NONE, 0, "waiting for effective: %s",
                            error.message);
}

static void end(struct actor *actor, struct history_act *act, uint64_t epoch_before, sealring_status status,
                const sealring_error *error, enum patience patience)
{
    act->status = status;
    take_commit(actor, act, epoch_before);
    if (act->epoch != 0 && shall_wait(actor, patience))
        wait_effective(actor, act);
    history_add_act(actor->history, act);
    if (is_trouble(status))
        history_add_finding(actor->history, RULE_ACTS, HISTORY_NONE, HISTORY_NONE, act->begun,
                            "%s of ring %s version %u: %s", history_kind_name(act->kind), ring_name(actor),
                            act->version, error->message);
}

/* ---- versions ---- */

static int take_version(const sealring_version_info *info, void *context)
{
    struct acts_versions *versions = context;
    if (versions->count == ACTS_VERSIONS) {
        memmove(versions->list, versions->list + 1, (ACTS_VERSIONS - 1) * sizeof *versions->list);
        versions->count--;
    }
    versions->list[versions->count++] =
        (struct acts_version){info->version, info->state, info->activated, info->retire_at, info->purge_at};
    return 0;
}

void acts_list(struct actor *actor, struct acts_versions *versions)
{
    sealring_error error;
    versions->count = 0;
    if (sealring_version_list(actor->manager, ring_name(actor), 0, take_version, versions, &error) != SEALRING_OK)
        history_add_finding(actor->history, RULE_ACTS, HISTORY_NONE, HISTORY_NONE, 0, "listing versions: %s",
                            error.message);
}

static const sealring_event events[ACT_KINDS] = {
    [ACT_PREPARE] = SEALRING_EVENT_PREPARE,       [ACT_ROTATE] = SEALRING_EVENT_ROTATE,
    [ACT_ACTIVATE] = SEALRING_EVENT_ACTIVATE,     [ACT_ROLLBACK] = SEALRING_EVENT_ROLLBACK,
    [ACT_RETIRE] = SEALRING_EVENT_RETIRE,         [ACT_REINSTATE] = SEALRING_EVENT_REINSTATE,
    [ACT_COMPROMISE] = SEALRING_EVENT_COMPROMISE, [ACT_DESTROY] = SEALRING_EVENT_DESTROY,
};

/* Then it is activated by its number, or, if there is none yet, whatever is pending. */
static sealring_status pass_barrier(struct actor *actor, uint32_t version)
{
    sealring_error error;
    const sealring_wait wait = {.size = sizeof wait, .most = BARRIER_MS};
    sealring_status status = sealring_wait_barrier(actor->manager, ring_name(actor), version, &wait, &error);
    if (is_trouble(status))
        history_add_finding(actor->history, RULE_ACTS, HISTORY_NONE, HISTORY_NONE, 0, "waiting for the barrier: %s",
                            error.message);
    return status;
}

sealring_status acts_version(struct actor *actor, enum history_kind kind, uint32_t version, const char *overrule,
                             enum patience patience)
{
    sealring_error error = {.message = ""};
    sealring_change change = {.size = sizeof change};
    const sealring_event_options options = {.size = sizeof options,
                                            .overrule = overrule != NULL,
                                            .overrule_succession = overrule != NULL,
                                            .reason = overrule};
    struct history_act act = begin(actor, kind);
    uint64_t epoch = actor->manager->committed.epoch;
    act.version = version;
    act.overruled = overrule != NULL;
    if (kind == ACT_RETIRE || kind == ACT_REINSTATE || kind == ACT_COMPROMISE)
        history_heat(actor->history, HISTORY_NONE, actor->ring, version);
    sealring_status status =
        sealring_version_change(actor->manager, ring_name(actor), events[kind], version, &options, &change, &error);
    for (size_t i = 0; act.version == 0 && i < change.count; i++)
        if (change.effects[i].to == SEALRING_VERSION_ACTIVE || change.effects[i].to == SEALRING_VERSION_PENDING)
            act.version = change.effects[i].version;
    bool opens = kind == ACT_ROTATE || kind == ACT_ACTIVATE;
    end(actor, &act, epoch, status, &error,
        opens || kind == ACT_PREPARE || kind == ACT_ROLLBACK ? PATIENCE_NONE : patience);
    if (!opens || status != SEALRING_WAITING || pass_barrier(actor, version) != SEALRING_OK)
        return status;
    act = begin(actor, kind); /* the other half of the rotation */
    act.version = version;
    epoch = actor->manager->committed.epoch;
    status = sealring_version_change(actor->manager, ring_name(actor), SEALRING_EVENT_ACTIVATE, version, &options,
                                     &change, &error);
    if (status == SEALRING_OK && change.count > 0)
        act.version = change.effects[change.count - 1].version;
    end(actor, &act, epoch, status, &error, PATIENCE_NONE);
    return status;
}

/* ---- automation ---- */

struct running {
    struct actor *actor;
    struct history_act act; /* the next one */
    uint64_t epoch;
};

static void begin_next(struct running *running)
{
    running->act = begin(running->actor, ACT_RUN);
    running->epoch = running->actor->manager->committed.epoch;
}

static enum history_kind kind_of(sealring_event event)
{
    for (enum history_kind kind = ACT_NONE + 1; kind < ACT_KINDS; kind++)
        if (events[kind] == event && kind != ACT_ROTATE)
            return kind;
    return ACT_RUN;
}

static uint32_t find_ring(const struct history *history, const char *name)
{
    for (uint32_t i = 0; i < HISTORY_RINGS; i++)
        if (strcmp(history->ring_names[i], name) == 0)
            return i;
    return 0;
}

/* Told right after each act. */
static int take_plan(const sealring_plan *plan, void *context)
{
    struct running *running = context;
    struct history_act *act = &running->act;
    if (plan->state == SEALRING_PLAN_FAILED)
        history_add_finding(running->actor->history, RULES, HISTORY_NONE, HISTORY_NONE, 0, "run: %s", plan->text);
    if (plan->state != SEALRING_PLAN_DONE)
        return 0;
    act->kind = kind_of(plan->event);
    act->automatic = true;
    act->ring = find_ring(running->actor->history, plan->ring);
    act->version = plan->version;
    end(running->actor, act, running->epoch, SEALRING_OK, NULL, PATIENCE_NONE);
    begin_next(running);
    return 0;
}

void acts_run_once(struct actor *actor)
{
    sealring_error error;
    struct running running = {.actor = actor};
    begin_next(&running);
    sealring_status status = sealring_run_once(actor->manager, NULL, take_plan, &running, NULL, &error);
    end(actor, &running.act, running.epoch, status, &error, PATIENCE_NONE);
}

void acts_harvest(struct actor *actor)
{
    sealring_error error;
    struct history_act act = begin(actor, ACT_HARVEST);
    uint64_t epoch = actor->manager->committed.epoch;
    sealring_status status = sealring_harvest(actor->manager, NULL, &error);
    end(actor, &act, epoch, status, &error, PATIENCE_NONE);
}

/* ---- keys ---- */

struct handing {
    struct actor *actor;
    int64_t begun;
    uint32_t key;
    uint32_t serial;
    uint32_t version;
};

static int hand_out(const sealring_issued *issued, void *context)
{
    struct handing *handing = context;
    struct history *history = handing->actor->history;
    handing->key = history_add_key(history, handing->actor->ring, issued->key_id);
    handing->serial = issued->serial;
    handing->version = issued->version;
    uint32_t credential = history_add_credential(history, handing->actor->ring, handing->key, issued, handing->begun);
    barrier_check(history, credential);
    return 0;
}

static void end_handing(struct handing *handing, struct history_act *act, uint64_t epoch, sealring_status status,
                        const sealring_error *error, enum patience patience)
{
    if (act->key == HISTORY_NONE && act->kind != ACT_REISSUE_RING)
        act->key = handing->key;
    act->serial = handing->serial;
    act->version = handing->version;
    end(handing->actor, act, epoch, status, error, patience);
}

sealring_status acts_issue(struct actor *actor, const char *client, int64_t expires_wall_ms, uint32_t *key)
{
    sealring_error error;
    struct history_act act = begin(actor, ACT_ISSUE);
    struct handing handing = {.actor = actor, .begun = act.begun, .key = HISTORY_NONE};
    const sealring_issue_request request = {.client = client, .scopes = "read write", .expires = expires_wall_ms};
    uint64_t epoch = actor->manager->committed.epoch;
    sealring_status status = sealring_issue(actor->manager, ring_name(actor), &request, 1, SEALRING_ISSUE_ADD_CLIENTS,
                                            hand_out, &handing, NULL, &error);
    end_handing(&handing, &act, epoch, status, &error, PATIENCE_NONE);
    *key = handing.key;
    return status;
}

sealring_status acts_reissue(struct actor *actor, uint32_t key)
{
    sealring_error error;
    struct history_act act = begin(actor, ACT_REISSUE);
    struct handing handing = {.actor = actor, .begun = act.begun, .key = key};
    uint64_t epoch = actor->manager->committed.epoch;
    act.key = key;
    sealring_status status =
        sealring_reissue(actor->manager, actor->history->keys[key].key_id, hand_out, &handing, &error);
    end_handing(&handing, &act, epoch, status, &error, PATIENCE_NONE);
    return status;
}

sealring_status acts_reissue_ring(struct actor *actor)
{
    sealring_error error;
    struct history_act act = begin(actor, ACT_REISSUE_RING);
    struct handing handing = {.actor = actor, .begun = act.begun, .key = HISTORY_NONE};
    uint64_t epoch = actor->manager->committed.epoch;
    sealring_status status = sealring_reissue_ring(actor->manager, ring_name(actor), NULL, hand_out, &handing, &error);
    end_handing(&handing, &act, epoch, status, &error, PATIENCE_NONE);
    return status;
}

sealring_status acts_rekey(struct actor *actor, uint32_t key, int64_t overlap_ms, enum patience patience)
{
    sealring_error error;
    struct history_act act = begin(actor, ACT_REKEY);
    struct handing handing = {.actor = actor, .begun = act.begun, .key = key};
    const sealring_rekey_request request = {.size = sizeof request, .overlap = overlap_ms, .reason = "soak"};
    uint64_t epoch = actor->manager->committed.epoch;
    act.key = key;
    act.overlap_ms = overlap_ms;
    history_heat(actor->history, key, 0, 0);
    sealring_status status =
        sealring_rekey(actor->manager, actor->history->keys[key].key_id, &request, hand_out, &handing, &error);
    end_handing(&handing, &act, epoch, status, &error, patience);
    return status;
}

sealring_status acts_key_state(struct actor *actor, uint32_t key, enum history_kind kind, enum patience patience)
{
    static const sealring_key_state states[ACT_KINDS] = {[ACT_SUSPEND] = SEALRING_KEY_SUSPENDED,
                                                         [ACT_RESUME] = SEALRING_KEY_ACTIVE,
                                                         [ACT_REVOKE] = SEALRING_KEY_REVOKED};
    sealring_error error;
    const char *key_id = actor->history->keys[key].key_id;
    struct history_act act = begin(actor, kind);
    uint64_t epoch = actor->manager->committed.epoch;
    act.key = key;
    history_heat(actor->history, key, 0, 0);
    sealring_status status = kind == ACT_NARROW
                                 ? sealring_key_narrow(actor->manager, key_id, "read", &error)
                                 : sealring_key_set_state(actor->manager, key_id, states[kind], "soak", &error);
    end(actor, &act, epoch, status, &error, patience);
    return status;
}
