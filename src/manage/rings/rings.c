/* SPDX-License-Identifier: Apache-2.0 */
/* Rings: made with their first version, their policy changed, listed with their versions. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/base62.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/name.h"
#include "lifecycle/policy.h"
#include "manage/act/act.h"
#include "manage/session/manager.h"
#include "manage/session/ring_state.h"
#include "manage/tokens/make_object.h"

#define RING_DEFAULT_PREFIX "sr"

/* In a transaction. */
static sealring_status ring_check_policy(struct registry *registry, const struct registry_ring *ring,
                                         sealring_error *error)
{
    char problem[POLICY_PROBLEM_SIZE];
    const char *wrong = policy_problem(&ring->policy, registry_vault_row(registry)->lease_ms, problem);
    if (wrong == NULL)
        return SEALRING_OK;
    return error_set(error, SEALRING_INVALID, "the policy of ring %s cannot be: %s", ring->name, wrong);
}

static json_t *describe_policy(const sealring_policy *policy)
{
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "overlap",
        (json_int_t)policy->overlap, "purge_delay", (json_int_t)policy->purge_delay, "keep", (json_int_t)policy->keep,
        "rotate_every", (json_int_t)policy->rotate_every, "quiet_period", (json_int_t)policy->quiet_period, "standby",
        (int)policy->standby, "idle_blocks", (int)policy->idle_blocks, "usage_hourly", (json_int_t)policy->usage_hourly,
        "usage_daily", (json_int_t)policy->usage_daily, "succession", (json_int_t)policy->succession, "renew",
        (json_int_t)policy->renew, "renew_life", (json_int_t)policy->renew_life, "renew_age",
        (json_int_t)policy->renew_age, "deliver", (json_int_t)policy->deliver, "leaks", (json_int_t)policy->leaks);
}

/* ---- create */

static sealring_status ring_check_new(struct registry *registry, const struct registry_ring *ring,
                                      sealring_error *error)
{
    struct registry_ring existing;
    bool found;
    sealring_status status = registry_ring_find(registry, ring->name, &existing, &found, error);
    if (status == SEALRING_OK && found)
        return error_set(error, SEALRING_REFUSED, "there is a ring %s already", ring->name);
    return status != SEALRING_OK ? status : ring_check_policy(registry, ring, error);
}

static sealring_status ring_insert(struct registry *registry, struct registry_ring *ring, const struct make *make,
                                   struct audit_act *act, sealring_error *error)
{
    sealring_status status = ring_check_new(registry, ring, error);
    if (status != SEALRING_OK)
        return status;
    int64_t now = manager_now(make->manager);
    ring->created = now;
    ring->last_version = 1;
    status = registry_ring_insert(registry, ring, error);
    /* nothing is issued that a verifier cannot verify: if there are verifiers, the version is pending until they have proved it */
    if (status == SEALRING_OK)
        status = manager_read_roster(make->manager, registry, error);
    if (status != SEALRING_OK)
        return status;
    bool alone = roster_is_empty(&make->manager->roster);
    struct registry_version version = {.ring = ring->id,
                                       .state = alone ? SEALRING_VERSION_ACTIVE : SEALRING_VERSION_PENDING,
                                       .created = now,
                                       .activated = alone ? now : 0};
    make_fill(make, &version);
    act->version = 1;
    audit_detail(act, "{s:s}", "prefix", ring->prefix);
    audit_detail_add(act, "policy", describe_policy(&ring->policy));
    return registry_version_insert(registry, &version, error);
}

static sealring_status ring_create_in_token(sealring_manager *manager, struct registry_ring *ring,
                                            struct audit_act *act, sealring_error *error)
{
    struct make make;
    sealring_status status = token_random(manager->token, ring->ring_id, sizeof ring->ring_id, error);
    if (status == SEALRING_OK)
        status = make_begin(&make, manager, ring, 1, error);
    if (status != SEALRING_OK)
        return status;
    struct commit commit = manager_commit(manager, true, act, error);
    do {
        if (commit_begin(&commit, &status))
            status = ring_insert(manager->registry, ring, &make, act, error);
    } while (commit_again(&commit, &status));
    make_end(&make, status);
    return status;
}

sealring_status sealring_ring_create(sealring_manager *manager, const char *name, const char *prefix,
                                     const sealring_policy *policy, unsigned fields, sealring_error *error)
{
    char problem[128];
    struct registry_ring ring = {0};
    struct audit_act act = {.name = "ring.create"};
    sealring_status status = manager_check_ring_name(name, error);
    if (status != SEALRING_OK)
        return status;
    if (prefix == NULL)
        prefix = RING_DEFAULT_PREFIX;
    const char *wrong = name_prefix_problem(prefix, problem);
    if (wrong != NULL)
        return error_set(error, SEALRING_INVALID, "the prefix %s", wrong);
    memcpy(ring.name, name, strlen(name) + 1);
    memcpy(ring.prefix, prefix, strlen(prefix) + 1);
    memcpy(act.ring, ring.name, sizeof act.ring);
    policy_defaults(&ring.policy);
    if (fields != 0)
        policy_apply(&ring.policy, policy, fields);
    status = manager_begin_dated(manager, "ring create", true, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = ring_check_new(manager->registry, &ring, error);
    } while (registry_again(&reading, &status));
    if (status == SEALRING_OK && !manager->dry_run)
        status = ring_create_in_token(manager, &ring, &act, error);
    else if (status == SEALRING_OK)
        status = witness_foresee(&manager->witness, manager->config, error);
    manager_end_act(manager, &act, status, error);
    audit_release(&act);
    return status;
}

/* ---- set */

static sealring_status ring_update_policy(struct registry *registry, const char *name, const sealring_policy *policy,
                                          unsigned fields, struct audit_act *act, sealring_error *error)
{
    struct registry_ring ring;
    sealring_status status = manager_get_ring(registry, name, &ring, error);
    if (status != SEALRING_OK)
        return status;
    memcpy(act->ring, ring.name, sizeof act->ring);
    audit_detail(act, "{}");
    audit_detail_add(act, "before", describe_policy(&ring.policy));
    policy_apply(&ring.policy, policy, fields);
    audit_detail_add(act, "after", describe_policy(&ring.policy));
    status = ring_check_policy(registry, &ring, error);
    return status != SEALRING_OK ? status : registry_ring_update(registry, &ring, error);
}

sealring_status sealring_ring_set(sealring_manager *manager, const char *name, const sealring_policy *policy,
                                  unsigned fields, sealring_error *error)
{
    struct audit_act act = {.name = "ring.set"};
    sealring_status status = manager_begin_dated(manager, "ring set", false, error);
    if (status != SEALRING_OK)
        return status;
    struct commit commit = manager_commit(manager, true, &act, error);
    do {
        if (commit_begin(&commit, &status))
            status = ring_update_policy(manager->registry, name, policy, fields, &act, error);
    } while (commit_again(&commit, &status));
    manager_end_act(manager, &act, status, error);
    audit_release(&act);
    return status;
}

/* ---- list */

/* Rings are few and the questions about each are several: they are collected first, then examined one by one. */
struct ring_item {
    struct registry_ring row;
    sealring_ring_info info;
};
struct ring_list {
    struct ring_item *items;
    size_t count;
};

static sealring_status ring_describe(struct registry *registry, struct ring_item *item, sealring_error *error)
{
    const struct registry_ring *ring = &item->row;
    sealring_ring_info *info = &item->info;
    struct registry_version version;
    *info = (sealring_ring_info){
        .name = ring->name,
        .prefix = ring->prefix,
        .policy = ring->policy,
        .rotation_held = ring->rotation_held,
        .created = ring->created,
    };
    if (ring->policy.succession == 0) /* of a ring that was made before succession existed */
        info->policy.succession = policy_succession(&ring->policy);
    if (ring->policy.renew_age == 0)
        info->policy.renew_age = policy_renew_age(&ring->policy);
    hex_encode(ring->ring_id, sizeof ring->ring_id, info->ring_id);
    struct registry_cursor versions = registry_versions(registry, ring->id, error);
    while (registry_version_next(&versions, &version)) {
        info->versions++;
        if (version.state == SEALRING_VERSION_ACTIVE)
            info->active_version = version.number;
    }
    sealring_status status = registry_close_cursor(&versions, SEALRING_OK);
    return status != SEALRING_OK ? status : registry_key_count(registry, ring->id, &info->keys, error);
}

/* only: the ring of this name; NULL: all. */
static sealring_status ring_read_list(struct registry *registry, const char *only, struct ring_list *list,
                                      sealring_error *error)
{
    struct registry_ring ring;
    sealring_status status = SEALRING_OK;
    list->count = 0;
    struct registry_cursor rings = registry_rings(registry, error);
    while (status == SEALRING_OK && registry_ring_next(&rings, &ring)) {
        if (only != NULL && strcmp(only, ring.name) != 0)
            continue;
        if (array_grow(&list->items, list->count))
            list->items[list->count++].row = ring;
        else
            status = error_no_memory(error);
    }
    status = registry_close_cursor(&rings, status);
    for (size_t i = 0; status == SEALRING_OK && i < list->count; i++)
        status = ring_describe(registry, &list->items[i], error);
    return status;
}

sealring_status sealring_ring_list(sealring_manager *manager, const char *name, sealring_ring_callback each,
                                   void *context, sealring_error *error)
{
    struct ring_list list = {0};
    sealring_status status = name == NULL ? SEALRING_OK : manager_check_ring_name(name, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = ring_read_list(manager->registry, name, &list, error);
    } while (registry_again(&reading, &status));
    if (status == SEALRING_OK && name != NULL && list.count == 0)
        status = error_set(error, SEALRING_NOT_FOUND, "there is no ring %s: see `sealring ring list`", name);
    for (size_t i = 0; status == SEALRING_OK && i < list.count; i++)
        if (each(&list.items[i].info, context) != 0)
            status = error_set(error, SEALRING_REFUSED, "the listing was stopped");
    free(list.items);
    return status;
}

/* ---- versions */

static sealring_status version_describe(struct registry *registry, const char *ring, const struct registry_version *row,
                                        sealring_version_info *info, sealring_error *error)
{
    *info = (sealring_version_info){
        .ring = ring,
        .version = row->number,
        .state = row->state,
        .created = row->created,
        .activated = row->activated,
        .retire_at = row->retire_at,
        .closed = row->closed,
        .purge_at = row->purge_at,
        .destroyed = row->destroyed,
        .was_compromised = row->was_compromised,
        .closing_owed = row->closing_owed,
    };
    hex_encode(row->object_id, row->object_id_length, info->object_id);
    hex_encode(row->check_value, sizeof row->check_value, info->check_value);
    hex_encode(row->public_key, sizeof row->public_key, info->public_key);
    if (strspn(info->public_key, "0") == sizeof info->public_key - 1)
        info->public_key[0] = '\0';
    memcpy(info->prf, row->prf, sizeof info->prf);
    memcpy(info->origin, row->origin, sizeof info->origin);
    return registry_version_count(registry, row->ring, row->number, &info->credentials, &info->current, error);
}

/* number 0: all versions. */
static sealring_status version_read_list(struct registry *registry, const char *ring, uint32_t number,
                                         struct ring_state *state, sealring_version_info **infos, sealring_error *error)
{
    sealring_status status = state_load(registry, ring, state, error);
    if (status == SEALRING_OK && number != 0 && state_find(state, number) == NULL)
        return error_set(error, SEALRING_NOT_FOUND, "ring %s has no version %u", ring, number);
    free(*infos);
    *infos = calloc(state->count + 1, sizeof **infos);
    if (*infos == NULL)
        return error_no_memory(error);
    for (size_t i = 0; status == SEALRING_OK && i < state->count; i++)
        status = version_describe(registry, ring, &state->rows[i], &(*infos)[i], error);
    return status;
}

sealring_status sealring_version_list(sealring_manager *manager, const char *ring, uint32_t version,
                                      sealring_version_callback each, void *context, sealring_error *error)
{
    struct ring_state state = {0};
    sealring_version_info *infos = NULL;
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = version_read_list(manager->registry, ring, version, &state, &infos, error);
    } while (registry_again(&reading, &status));
    for (size_t i = 0; status == SEALRING_OK && i < state.count; i++)
        if ((version == 0 || infos[i].version == version) && each(&infos[i], context) != 0)
            status = error_set(error, SEALRING_REFUSED, "the listing was stopped");
    free(infos);
    state_release(&state);
    return status;
}
