/* SPDX-License-Identifier: Apache-2.0 */
/* Hands over what a rotation owes to API keys, ring by ring, and lists it. */
#include <sealring/successors.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/name_table.h"
#include "base/struct_size.h"
#include "manage/handover/deliver_successor.h"

#define LIMIT_MS     INT64_C(30000)
#define REFUSED_MOST 3 /* keys in sequence for which nothing could be issued: the next turn continues */

/* Everything that a turn may do. */
struct turn {
    sealring_manager *manager;
    sealring_successor_callback each;
    void *context;
    sealring_successors_options asked;
    sealring_successors_result result;
    int64_t end; /* CLOCK_MONOTONIC */
    struct takers takers;
    struct registry_ring *rings;
    size_t ring_count;
    struct registry_handover_info *due; /* of the present ring */
    size_t due_count;
    uint32_t active;
    bool stopped;
    sealring_error trouble; /* the first one */
};

const char *sealring_successor_state_name(sealring_successor_state state)
{
    static const struct value_name names[] = {
        {SEALRING_SUCCESSOR_OWED, "owed"},
        {SEALRING_SUCCESSOR_FAILED, "failed"},
        {SEALRING_SUCCESSOR_DELIVERED, "delivered"},
    };
    return FIND(names, state, "none");
}

static int pass_on(const struct registry_handover_info *info, sealring_successor_callback each, void *context)
{
    const struct registry_handover *row = &info->row;
    const sealring_successor successor = {
        .size = sizeof successor,
        .ring = info->ring,
        .client = info->client,
        .label = info->label,
        .key_id = info->key.key_id,
        .version = row->version,
        .state = row->delivered != 0    ? SEALRING_SUCCESSOR_DELIVERED
                 : row->failure[0] != 0 ? SEALRING_SUCCESSOR_FAILED
                                        : SEALRING_SUCCESSOR_OWED,
        .attempts = row->attempts,
        .due = row->delivered != 0 ? 0 : row->due,
        .delivered = row->delivered,
        .reason = row->failure,
    };
    return each == NULL ? 0 : each(&successor, context);
}

/* ---- Which rings, and who takes their successors ---- */

static sealring_status read_rings(struct turn *turn, sealring_error *error)
{
    struct registry_ring ring;
    sealring_status status;
    bool found = false;
    struct registry_transaction reading = registry_reading(turn->manager->registry, error);
    do {
        turn->ring_count = 0;
        if (!registry_begin(&reading, &status))
            continue;
        struct registry_cursor rings = registry_rings(turn->manager->registry, error);
        while (status == SEALRING_OK && registry_ring_next(&rings, &ring)) {
            const bool asked = turn->asked.ring == NULL || strcmp(turn->asked.ring, ring.name) == 0;
            found = found || asked;
            if (!asked || ring.unfounded || ring.policy.deliver < SEALRING_DELIVER_SEALED)
                continue;
            if (array_grow(&turn->rings, turn->ring_count))
                turn->rings[turn->ring_count++] = ring;
            else
                status = error_no_memory(error);
        }
        status = registry_close_cursor(&rings, status);
    } while (registry_again(&reading, &status));
    if (status == SEALRING_OK && turn->asked.ring != NULL && !found)
        status = error_set(error, SEALRING_NOT_FOUND, "there is no such ring: see `sealring ring list`");
    return status;
}

static sealring_status read_takers(struct turn *turn, sealring_error *error)
{
    const struct config *config = turn->manager->config;
    turn->takers = (struct takers){.directory = config->deliveries, .limit = HOOK_LIMIT_MS};
    if (config->hooks[0] == '\0')
        return SEALRING_OK;
    turn->takers.has_hooks = true;
    return hooks_read(config->hooks, &turn->takers.hooks, error);
}

static sealring_status check_takers(const struct turn *turn, const struct registry_ring *ring, sealring_error *error)
{
    const bool sealed = ring->policy.deliver == SEALRING_DELIVER_SEALED;
    if (!turn->takers.has_hooks && (!sealed || turn->takers.directory[0] == '\0'))
        return error_set(error, SEALRING_INVALID,
                         "ring %s delivers successors (--deliver %s), and sealring.conf has no `hooks`%s", ring->name,
                         sealring_deliver_mode_name(ring->policy.deliver), sealed ? " and no `deliveries`" : "");
    if (sealed && !witness_configured(turn->manager->config))
        return error_set(
            error, SEALRING_REFUSED,
            "ring %s delivers encrypted successors, and the vault has no audit token, whose key signs them",
            ring->name);
    return SEALRING_OK;
}

/* ---- One ring ---- */

static sealring_status find_active(struct turn *turn, int64_t ring, sealring_error *error)
{
    struct registry_version version;
    struct registry_cursor versions = registry_versions(turn->manager->registry, ring, error);
    turn->active = 0;
    while (registry_version_next(&versions, &version))
        if (version.state == SEALRING_VERSION_ACTIVE && !version.unfounded)
            turn->active = version.number;
    return registry_close_cursor(&versions, SEALRING_OK);
}

static sealring_status list_due(struct turn *turn, int64_t ring, sealring_error *error)
{
    const int64_t now = clock_wall_ms();
    struct registry_handover_info info;
    sealring_status status = SEALRING_OK;
    turn->due_count = 0;
    struct registry_cursor due = registry_handovers_due(turn->manager->registry, ring, turn->active, now,
                                                        turn->asked.at_once ? INT64_MAX : now, error);
    while (status == SEALRING_OK && registry_handover_next(&due, &info))
        if (array_grow(&turn->due, turn->due_count))
            turn->due[turn->due_count++] = info;
        else
            status = error_no_memory(error);
    return registry_close_cursor(&due, status);
}

static sealring_status read_due(struct turn *turn, int64_t ring, sealring_error *error)
{
    sealring_status status;
    struct registry_transaction reading = registry_reading(turn->manager->registry, error);
    do {
        turn->due_count = 0;
        if (registry_begin(&reading, &status))
            status = find_active(turn, ring, error);
        if (status == SEALRING_OK && turn->active != 0)
            status = list_due(turn, ring, error);
    } while (registry_again(&reading, &status));
    return status;
}

static sealring_status deliver_due(struct turn *turn, const struct registry_ring *ring, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    unsigned refused = 0;
    for (size_t i = 0; status == SEALRING_OK && !turn->stopped && i < turn->due_count; i++) {
        struct successor_attempt attempt = {.manager = turn->manager,
                                            .takers = &turn->takers,
                                            .ring = ring,
                                            .active = turn->active,
                                            .about = turn->due[i]};
        if (clock_monotonic_ms() >= turn->end || refused == REFUSED_MOST) {
            turn->result.more = true;
            break;
        }
        if (!turn->manager->dry_run) {
            attempt.about.row.failure[0] = '\0';
            status = successor_deliver(&attempt, error);
            turn->result.delivered += status == SEALRING_OK && attempt.about.row.delivered != 0;
            turn->result.failed += status == SEALRING_OK && attempt.about.row.delivered == 0;
            refused = attempt.serial == 0 ? refused + 1 : 0;
        }
        if (status == SEALRING_OK)
            turn->stopped = pass_on(&attempt.about, turn->each, turn->context) != 0;
    }
    return status;
}

/* What the manager's caller asked for about encryption is as before at the end. */
static sealring_status deliver_ring(struct turn *turn, const struct registry_ring *ring, sealring_error *error)
{
    sealring_manager *manager = turn->manager;
    const bool seals = manager->seals;
    struct x509_st *seals_to = manager->seals_to;
    sealring_status status = check_takers(turn, ring, error);
    if (status == SEALRING_OK)
        status = read_due(turn, ring->id, error);
    if (status != SEALRING_OK || turn->due_count == 0)
        return status;
    manager->seals = ring->policy.deliver == SEALRING_DELIVER_SEALED;
    manager->seals_to = NULL;
    status = deliver_due(turn, ring, error);
    manager->seals = seals;
    manager->seals_to = seals_to;
    return status;
}

/* ---- The turn ---- */

/* What stops one ring does not stop the others. */
static sealring_status deliver_rings(struct turn *turn)
{
    for (size_t i = 0; !turn->stopped && i < turn->ring_count; i++) {
        sealring_error error = {.message = ""};
        error.status = deliver_ring(turn, &turn->rings[i], &error);
        if (error.status != SEALRING_OK && turn->trouble.status == SEALRING_OK)
            turn->trouble = error;
    }
    return turn->trouble.status;
}

/* One process at a time delivers, so that nobody gets an older successor after a newer one. */
static sealring_status deliver_locked(struct turn *turn, struct lock *lock)
{
    sealring_status status = lock_acquire(lock, 0, "deliver", &turn->trouble);
    turn->result.more = turn->trouble.system_errno == EWOULDBLOCK; /* another one delivers */
    if (status != SEALRING_OK)
        return turn->result.more ? SEALRING_OK : status;
    status = read_takers(turn, &turn->trouble);
    if (status == SEALRING_OK)
        status = deliver_rings(turn);
    lock_release(lock);
    return status;
}

/* It holds no other lock while hooks run. */
static sealring_status deliver(struct turn *turn, sealring_error *error)
{
    char path[PATH_MAX + 32];
    struct lock lock;
    (void)snprintf(path, sizeof path, "%s/vault.handover", turn->manager->config->directory);
    sealring_status status = lock_init(&lock, path, &turn->trouble);
    if (status == SEALRING_OK)
        status = deliver_locked(turn, &lock);
    lock_free(&lock);
    if (status != SEALRING_OK && error != NULL)
        *error = turn->trouble;
    return status;
}

sealring_status sealring_successors_deliver(sealring_manager *manager, const sealring_successors_options *options,
                                            sealring_successor_callback each, void *context,
                                            sealring_successors_result *result, sealring_error *error)
{
    struct turn *turn = calloc(1, sizeof *turn);
    char actor[sizeof manager->actor];
    if (turn == NULL)
        return error_no_memory(error);
    *turn = (struct turn){.manager = manager, .each = each, .context = context};
    sized_take(&turn->asked, sizeof turn->asked, options);
    turn->end = clock_monotonic_ms() + (turn->asked.limit > 0 ? turn->asked.limit : LIMIT_MS);
    memcpy(actor, manager->actor, sizeof actor);
    (void)snprintf(manager->actor, sizeof manager->actor, "automatic: %.240s", actor);
    sealring_status status = manager_check_owner(manager, error);
    if (status == SEALRING_OK && manager->read_only)
        status = error_set(error, SEALRING_REFUSED, "the vault was opened read-only: nothing can be changed");
    if (status == SEALRING_OK)
        status = read_rings(turn, error);
    if (status == SEALRING_OK && turn->ring_count > 0)
        status = deliver(turn, error);
    memcpy(manager->actor, actor, sizeof actor);
    sized_give(result, &turn->result, sizeof turn->result);
    free(turn->due);
    free(turn->rings);
    free(turn);
    return status;
}

/* ---- The list ---- */

static sealring_status list_ring(sealring_manager *manager, const char *name, bool delivered,
                                 struct registry_handover_info **list, size_t *count, sealring_error *error)
{
    struct registry_ring ring = {.id = 0};
    struct registry_handover_info info;
    sealring_status status = name != NULL ? manager_get_ring(manager->registry, name, &ring, error) : SEALRING_OK;
    *count = 0;
    if (status != SEALRING_OK)
        return status;
    struct registry_cursor handovers = registry_handovers(manager->registry, ring.id, delivered, error);
    while (status == SEALRING_OK && registry_handover_next(&handovers, &info))
        if (array_grow(list, *count))
            (*list)[(*count)++] = info;
        else
            status = error_no_memory(error);
    return registry_close_cursor(&handovers, status);
}

sealring_status sealring_successors_list(sealring_manager *manager, const char *ring, bool delivered,
                                         sealring_successor_callback each, void *context, sealring_error *error)
{
    struct registry_handover_info *list = NULL;
    size_t count = 0;
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = list_ring(manager, ring, delivered, &list, &count, error);
    } while (registry_again(&reading, &status));
    for (size_t i = 0; status == SEALRING_OK && i < count; i++)
        if (pass_on(&list[i], each, context) != 0)
            break;
    free(list);
    return status;
}
