/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of rings. */
#include <stdio.h>
#include <string.h>

#include "base/name.h"
#include "registry/rows/columns.h"
#include "registry/rows/ring_facts.h"

static const struct db_query ring_highest = {"SELECT coalesce(max(id), 0) FROM ring", false};

static const struct db_query ring_insert = {
    "INSERT INTO ring (id, overlap, purge_delay, keep, rotate_every, quiet_period, standby, idle_blocks, usage_hourly,"
    " usage_daily, rotation_held, last_version, changed_epoch, succession, ring_id, name, prefix, created)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
    true};

static const struct db_query ring_update = {
    "UPDATE ring SET overlap = ?2, purge_delay = ?3, keep = ?4, rotate_every = ?5, quiet_period = ?6, standby = ?7,"
    " idle_blocks = ?8, usage_hourly = ?9, usage_daily = ?10, rotation_held = ?11, last_version = ?12, changed_epoch = ?13,"
    " succession = ?14"
    " WHERE id = ?1",
    true};

/* Of an edited row, which the facts correct: the prefix never changes otherwise. */
static const struct db_query ring_correct = {"UPDATE ring SET prefix = ?2 WHERE id = ?1", true};

static const struct db_query ring_get = {"SELECT " RING_WITH_FACT " FROM ring r WHERE r.name = ?1", false};

static const struct db_query ring_get_by_row = {"SELECT " RING_WITH_FACT " FROM ring r WHERE r.id = ?1", false};

static const struct db_query ring_all = {"SELECT " RING_WITH_FACT " FROM ring r ORDER BY r.name", false};

void columns_read_ring(struct query *query, struct registry_ring *ring)
{
    ring->id = query_int64(query);
    query_bytes(query, ring->ring_id, sizeof ring->ring_id);
    query_name(query, ring->name, sizeof ring->name, name_problem);
    query_name(query, ring->prefix, sizeof ring->prefix, name_prefix_problem);
    ring->policy.overlap = query_time(query);
    ring->policy.purge_delay = query_time(query);
    ring->policy.keep = query_uint32(query);
    ring->policy.rotate_every = query_time(query);
    ring->policy.quiet_period = query_time(query);
    ring->policy.standby = query_bool(query);
    ring->policy.idle_blocks = query_bool(query);
    ring->policy.usage_hourly = query_time(query);
    ring->policy.usage_daily = query_time(query);
    ring->rotation_held = query_bool(query);
    ring->last_version = query_uint32(query);
    ring->created = query_time(query);
    ring->changed_epoch = query_uint64(query);
    ring->policy.succession = query_time(query);
    ring->edited = false;
}

void columns_read_ring_with_fact(struct query *query, struct registry_ring *ring)
{
    char value[REGISTRY_FACT_VALUE_SIZE];
    columns_read_ring(query, ring);
    query_text(query, value, sizeof value);
    if (query_good(query) && value[0] != '\0')
        query_demand(query, ring_fact_apply(value, ring));
}

/* Parameters 1 to 14 of insert and update. */
static void bind_changeable(struct query *query, int64_t id, const struct registry_ring *ring)
{
    query_bind_int64(query, 1, id);
    query_bind_int64(query, 2, ring->policy.overlap);
    query_bind_int64(query, 3, ring->policy.purge_delay);
    query_bind_int64(query, 4, ring->policy.keep);
    query_bind_int64(query, 5, ring->policy.rotate_every);
    query_bind_int64(query, 6, ring->policy.quiet_period);
    query_bind_bool(query, 7, ring->policy.standby);
    query_bind_bool(query, 8, ring->policy.idle_blocks);
    query_bind_int64(query, 9, ring->policy.usage_hourly);
    query_bind_int64(query, 10, ring->policy.usage_daily);
    query_bind_bool(query, 11, ring->rotation_held);
    query_bind_int64(query, 12, ring->last_version);
    query_bind_uint64(query, 13, query->registry->vault.epoch);
    query_bind_int64(query, 14, ring->policy.succession);
}

sealring_status registry_ring_insert(struct registry *registry, struct registry_ring *ring, sealring_error *error)
{
    struct query query;
    int64_t id = 0;
    sealring_status status = query_next_id(registry, &ring_highest, NUMBERED_RING, &id, error);
    if (status != SEALRING_OK)
        return status;
    query_start(&query, registry, &ring_insert, error);
    bind_changeable(&query, id, ring);
    query_bind_bytes(&query, 15, ring->ring_id, sizeof ring->ring_id);
    query_bind_text(&query, 16, ring->name);
    query_bind_text(&query, 17, ring->prefix);
    query_bind_int64(&query, 18, ring->created);
    status = query_run(&query, error);
    if (status == SEALRING_OK) {
        ring->id = id;
        ring->changed_epoch = registry->vault.epoch;
        status = ring_fact_note(registry, ring, error);
    }
    return handle_tell(registry, status, REGISTRY_TABLE_RING, ring);
}

static sealring_status ring_take_one(struct query *query, struct registry_ring *ring, bool *found,
                                     sealring_error *error)
{
    *found = query_row(query);
    if (*found)
        columns_read_ring_with_fact(query, ring);
    return query_end(query, error);
}

static sealring_status ring_correct_prefix(struct registry *registry, const struct registry_ring *followed,
                                           sealring_error *error)
{
    struct query query;
    (void)snprintf(registry->corrected, sizeof registry->corrected,
                   "the row of ring %s, whose policy, prefix or last version was edited", followed->name);
    query_start(&query, registry, &ring_correct, error);
    query_bind_int64(&query, 1, followed->id);
    query_bind_text(&query, 2, followed->prefix);
    return query_run(&query, error);
}

/* Before the row is written. A ring that has no row is reported by the statement that writes it. */
static sealring_status ring_note(struct registry *registry, const struct registry_ring *ring, sealring_error *error)
{
    struct query query;
    struct registry_ring before, after = *ring;
    bool found = false;
    query_start(&query, registry, &ring_get_by_row, error);
    query_bind_int64(&query, 1, ring->id);
    sealring_status status = ring_take_one(&query, &before, &found, error);
    if (status != SEALRING_OK || !found)
        return status;
    if (before.edited)
        status = ring_correct_prefix(registry, &before, error);
    memcpy(after.ring_id, before.ring_id, sizeof after.ring_id);
    memcpy(after.prefix, before.prefix, sizeof after.prefix);
    return status == SEALRING_OK ? ring_fact_note(registry, &after, error) : status;
}

sealring_status registry_ring_update(struct registry *registry, const struct registry_ring *ring, sealring_error *error)
{
    struct query query;
    sealring_status status = ring_note(registry, ring, error);
    if (status != SEALRING_OK)
        return handle_tell(registry, status, REGISTRY_TABLE_RING, ring);
    query_start(&query, registry, &ring_update, error);
    bind_changeable(&query, ring->id, ring);
    return handle_tell(registry, query_run(&query, error), REGISTRY_TABLE_RING, ring);
}

sealring_status registry_ring_find(struct registry *registry, const char *name, struct registry_ring *ring, bool *found,
                                   sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &ring_get, error);
    query_bind_text(&query, 1, name);
    return ring_take_one(&query, ring, found, error);
}

struct registry_cursor registry_rings(struct registry *registry, sealring_error *error)
{
    return query_open(registry, &ring_all, error);
}

bool registry_ring_next(struct registry_cursor *rings, struct registry_ring *ring)
{
    if (!query_row(&rings->query))
        return false;
    columns_read_ring_with_fact(&rings->query, ring);
    return query_good(&rings->query);
}
