/* SPDX-License-Identifier: Apache-2.0 */
/* Rings: made with their first version, their policy changed, listed with their versions. */
#include <stdlib.h>
#include <string.h>

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
static sealring_status check_policy(struct registry *registry, const struct registry_ring *ring, sealring_error *error)
{
    char problem[POLICY_PROBLEM_SIZE];
    const char *wrong = policy_problem(&ring->policy, registry_vault_row(registry)->lease_ms, problem);
    if (wrong == NULL)
        return SEALRING_OK;
    return error_set(error, SEALRING_INVALID, "the policy of ring %s cannot be: %s", ring->name, wrong);
}

static json_t *describe_policy(const sealring_policy *policy)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:I, s:I, s:I}", "overlap", (json_int_t)policy->overlap,
                     "purge_delay", (json_int_t)policy->purge_delay, "keep", (json_int_t)policy->keep, "rotate_every",
                     (json_int_t)policy->rotate_every, "quiet_period", (json_int_t)policy->quiet_period, "standby",
                     (int)policy->standby, "idle_blocks", (int)policy->idle_blocks, "usage_hourly",
                     (json_int_t)policy->usage_hourly, "usage_daily", (json_int_t)policy->usage_daily, "succession",
                     (json_int_t)policy->succession);
}

/* ---- create */

struct create {
    struct registry_ring ring;
    struct make make;
    struct audit_act act;
};

static sealring_status check_new(struct registry *registry, void *context, sealring_error *error)
{
    struct create *create = context;
    struct registry_ring existing;
    sealring_status status = registry_ring_get(registry, create->ring.name, &existing, error);
    if (status == SEALRING_NOT_FOUND)
        return check_policy(registry, &create->ring, error);
    if (status != SEALRING_OK)
        return status;
    return error_set(error, SEALRING_REFUSED, "there is a ring %s already", create->ring.name);
}

static sealring_status insert_ring(struct registry *registry, void *context, sealring_error *error)
{
    struct create *create = context;
    sealring_status status = check_new(registry, create, error);
    if (status != SEALRING_OK)
        return status;
    int64_t now = clock_wall_ms();
    create->ring.created = now;
    create->ring.last_version = 1;
    status = registry_ring_insert(registry, &create->ring, error);
    if (status != SEALRING_OK)
        return status;
    /* nothing is issued that a verifier cannot verify: if there are verifiers, the version is pending until they have proved it */
    status = manager_read_roster(create->make.manager, registry, error);
    if (status != SEALRING_OK)
        return status;
    bool alone = roster_is_empty(&create->make.manager->roster);
    struct registry_version version = {.ring = create->ring.id,
                                       .state = alone ? SEALRING_VERSION_ACTIVE : SEALRING_VERSION_PENDING,
                                       .created = now,
                                       .activated = alone ? now : 0};
    make_fill(&create->make, &version);
    memcpy(create->act.ring, create->ring.name, sizeof create->act.ring);
    create->act.version = 1;
    audit_detail(&create->act, "{s:s}", "prefix", create->ring.prefix);
    audit_detail_add(&create->act, "policy", describe_policy(&create->ring.policy));
    return registry_version_insert(registry, &version, error);
}

static sealring_status create_in_token(sealring_manager *manager, struct create *create, sealring_error *error)
{
    sealring_status status = token_random(manager->token, create->ring.ring_id, sizeof create->ring.ring_id, error);
    if (status == SEALRING_OK)
        status = make_begin(&create->make, manager, &create->ring, 1, error);
    if (status != SEALRING_OK)
        return status;
    create->act.name = "ring.create";
    status = manager_write(manager, true, &create->act, insert_ring, create, error);
    audit_release(&create->act);
    make_end(&create->make, status);
    return status;
}

sealring_status sealring_ring_create(sealring_manager *manager, const char *name, const char *prefix,
                                     const sealring_policy *policy, unsigned fields, sealring_error *error)
{
    char problem[128];
    struct create create = {0};
    const char *wrong = name_problem(name, problem);
    if (wrong != NULL)
        return error_set(error, SEALRING_INVALID, "the ring's name %s", wrong);
    if (prefix == NULL)
        prefix = RING_DEFAULT_PREFIX;
    wrong = name_prefix_problem(prefix, problem);
    if (wrong != NULL)
        return error_set(error, SEALRING_INVALID, "the prefix %s", wrong);
    memcpy(create.ring.name, name, strlen(name) + 1);
    memcpy(create.ring.prefix, prefix, strlen(prefix) + 1);
    policy_defaults(&create.ring.policy);
    if (fields != 0)
        policy_apply(&create.ring.policy, policy, fields);
    sealring_status status = manager_begin_dated(manager, "ring create", true, error);
    if (status != SEALRING_OK)
        return status;
    status = manager_read(manager, check_new, &create, error);
    if (status == SEALRING_OK && !manager->dry_run)
        status = create_in_token(manager, &create, error);
    struct audit_act about = {.name = "ring.create"};
    memcpy(about.ring, create.ring.name, sizeof about.ring);
    manager_end_act(manager, &about, status, error);
    return status;
}

/* ---- set */

struct set {
    const char *name;
    const sealring_policy *policy;
    unsigned fields;
    struct audit_act act;
};

static sealring_status update_policy(struct registry *registry, void *context, sealring_error *error)
{
    struct set *set = context;
    struct registry_ring ring;
    sealring_status status = manager_get_ring(registry, set->name, &ring, error);
    if (status != SEALRING_OK)
        return status;
    memcpy(set->act.ring, ring.name, sizeof set->act.ring);
    audit_detail(&set->act, "{}");
    audit_detail_add(&set->act, "before", describe_policy(&ring.policy));
    policy_apply(&ring.policy, set->policy, set->fields);
    audit_detail_add(&set->act, "after", describe_policy(&ring.policy));
    status = check_policy(registry, &ring, error);
    return status != SEALRING_OK ? status : registry_ring_update(registry, &ring, error);
}

sealring_status sealring_ring_set(sealring_manager *manager, const char *name, const sealring_policy *policy,
                                  unsigned fields, sealring_error *error)
{
    struct set set = {.name = name, .policy = policy, .fields = fields, .act = {.name = "ring.set"}};
    sealring_status status = manager_begin_dated(manager, "ring set", false, error);
    if (status != SEALRING_OK)
        return status;
    status = manager_write(manager, true, &set.act, update_policy, &set, error);
    manager_end_act(manager, &set.act, status, error);
    audit_release(&set.act);
    return status;
}

/* ---- list */

/* Rings are few and the questions about each are several: they are collected first, then examined one by one. */
struct ring_collection {
    struct registry_ring *rows;
    sealring_ring_info *infos;
    size_t count;
    const char *only;
};

static sealring_status collect_ring(const struct registry_ring *ring, void *context, sealring_error *error)
{
    struct ring_collection *rings = context;
    if (rings->only != NULL && strcmp(rings->only, ring->name) != 0)
        return SEALRING_OK;
    struct registry_ring *rows = realloc(rings->rows, (rings->count + 1) * sizeof *rows);
    if (rows == NULL)
        return error_no_memory(error);
    rings->rows = rows;
    rows[rings->count++] = *ring;
    return SEALRING_OK;
}

static sealring_status find_active(const struct registry_version *version, void *context, sealring_error *error)
{
    (void)error;
    sealring_ring_info *info = context;
    info->versions++;
    if (version->state == SEALRING_VERSION_ACTIVE)
        info->active_version = version->number;
    return SEALRING_OK;
}

static sealring_status read_rings(struct registry *registry, void *context, sealring_error *error)
{
    struct ring_collection *rings = context;
    rings->count = 0;
    sealring_status status = registry_ring_each(registry, collect_ring, rings, error);
    if (status != SEALRING_OK || rings->count == 0)
        return status;
    sealring_ring_info *infos = realloc(rings->infos, rings->count * sizeof *infos);
    if (infos == NULL)
        return error_no_memory(error);
    rings->infos = infos;
    for (size_t i = 0; status == SEALRING_OK && i < rings->count; i++) {
        const struct registry_ring *row = &rings->rows[i];
        infos[i] = (sealring_ring_info){
            .name = row->name,
            .prefix = row->prefix,
            .policy = row->policy,
            .rotation_held = row->rotation_held,
            .created = row->created,
        };
        if (row->policy.succession == 0) /* of a ring that was made before succession existed */
            infos[i].policy.succession = policy_succession(&row->policy);
        hex_encode(row->ring_id, sizeof row->ring_id, infos[i].ring_id);
        status = registry_version_each(registry, row->id, find_active, &infos[i], error);
        if (status == SEALRING_OK)
            status = registry_key_count(registry, row->id, &infos[i].keys, error);
    }
    return status;
}

sealring_status sealring_ring_list(sealring_manager *manager, const char *name, sealring_ring_callback each,
                                   void *context, sealring_error *error)
{
    struct ring_collection rings = {.only = name};
    sealring_status status = name == NULL ? SEALRING_OK : manager_check_ring_name(name, error);
    if (status == SEALRING_OK)
        status = manager_read(manager, read_rings, &rings, error);
    if (status == SEALRING_OK && name != NULL && rings.count == 0)
        status = error_set(error, SEALRING_NOT_FOUND, "there is no ring %s: see `sealring ring list`", name);
    for (size_t i = 0; status == SEALRING_OK && i < rings.count; i++)
        if (each(&rings.infos[i], context) != 0)
            status = error_set(error, SEALRING_REFUSED, "the listing was stopped");
    free(rings.rows);
    free(rings.infos);
    return status;
}

/* ---- versions */

struct version_collection {
    const char *ring;
    struct ring_state state;
    sealring_version_info *infos;
};

static sealring_status read_versions(struct registry *registry, void *context, sealring_error *error)
{
    struct version_collection *versions = context;
    sealring_status status = state_load(registry, versions->ring, &versions->state, error);
    if (status != SEALRING_OK || versions->state.count == 0)
        return status;
    sealring_version_info *infos = realloc(versions->infos, versions->state.count * sizeof *infos);
    if (infos == NULL)
        return error_no_memory(error);
    versions->infos = infos;
    for (size_t i = 0; status == SEALRING_OK && i < versions->state.count; i++) {
        const struct registry_version *row = &versions->state.rows[i];
        infos[i] = (sealring_version_info){
            .ring = versions->ring,
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
        hex_encode(row->object_id, row->object_id_length, infos[i].object_id);
        hex_encode(row->check_value, sizeof row->check_value, infos[i].check_value);
        status =
            registry_version_count(registry, row->ring, row->number, &infos[i].credentials, &infos[i].current, error);
    }
    return status;
}

sealring_status sealring_version_list(sealring_manager *manager, const char *ring, uint32_t version,
                                      sealring_version_callback each, void *context, sealring_error *error)
{
    struct version_collection versions = {.ring = ring};
    bool found = version == 0;
    sealring_status status = manager_read(manager, read_versions, &versions, error);
    for (size_t i = 0; status == SEALRING_OK && i < versions.state.count; i++) {
        if (version != 0 && versions.infos[i].version != version)
            continue;
        found = true;
        if (each(&versions.infos[i], context) != 0)
            status = error_set(error, SEALRING_REFUSED, "the listing was stopped");
    }
    if (status == SEALRING_OK && !found)
        status = error_set(error, SEALRING_NOT_FOUND, "ring %s has no version %u", ring, version);
    free(versions.infos);
    state_release(&versions.state);
    return status;
}
