/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of rings. */
#include <stdio.h>
#include <string.h>
#include "registry/rows/rows.h"

#include "base/name.h"
#include "registry/rows/columns.h"
#include "registry/rows/ring_facts.h"

static const struct db_query ring_insert = {
    "INSERT INTO ring (id, overlap, purge_delay, keep, rotate_every, quiet_period, standby, idle_blocks, usage_hourly,"
    " usage_daily, rotation_held, last_version, succession, renew, renew_life, renew_age, deliver, leaks, ring_id, name, prefix,"
    " created)"
    " VALUES (" NEXT_ID("ring") ", ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
                                " ?17, ?18, ?19, ?20, ?21)"
                                " RETURNING id",
    true};

static const struct db_query ring_update = {
    "UPDATE ring SET overlap = ?1, purge_delay = ?2, keep = ?3, rotate_every = ?4, quiet_period = ?5, standby = ?6,"
    " idle_blocks = ?7, usage_hourly = ?8, usage_daily = ?9, rotation_held = ?10, last_version = ?11,"
    " succession = ?12, renew = ?13, renew_life = ?14, renew_age = ?15, deliver = ?16, leaks = ?17 WHERE id = ?18",
    true};

/* Of an edited row, which the facts correct: the prefix never changes otherwise. */
static const struct db_query ring_correct = {"UPDATE ring SET prefix = ?2 WHERE id = ?1", true};

static const struct db_query ring_get = {"SELECT " RING_WITH_FACT " FROM ring r WHERE r.name = ?1", false};

static const struct db_query ring_get_by_row = {"SELECT " RING_WITH_FACT " FROM ring r WHERE r.id = ?1", false};

static const struct db_query ring_get_by_id = {"SELECT " RING_WITH_FACT " FROM ring r WHERE r.ring_id = ?1", false};

static const struct db_query ring_all = {"SELECT " RING_WITH_FACT " FROM ring r ORDER BY r.name", false};

void columns_read_ring(struct query *query, void *row)
{
    struct registry_ring *ring = row;
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
    ring->policy.succession = query_time(query);
    ring->policy.renew = (sealring_renew_mode)query_small(query, SEALRING_RENEW_OFF, SEALRING_RENEW_SEALED);
    ring->policy.renew_life = query_time(query);
    ring->policy.renew_age = query_time(query);
    ring->policy.deliver = (sealring_deliver_mode)query_small(query, SEALRING_DELIVER_NONE, SEALRING_DELIVER_HOOK);
    ring->policy.leaks = (sealring_leaks_mode)query_small(query, SEALRING_LEAKS_ALARM, SEALRING_LEAKS_REKEY);
    ring->edited = ring->unfounded = false;
    ring->fact = 0;
}

static void ring_read(struct query *query, void *row)
{
    struct registry_ring *ring = row;
    char value[FACT_SEQUENCE_SIZE + REGISTRY_FACT_VALUE_SIZE];
    columns_read_ring(query, ring);
    ring->fact = columns_read_fact(query, value, sizeof value);
    if (query_good(query) && value[0] != '\0' && !ring_fact_apply(value, ring))
        ring->unfounded = true;
}

/* Parameters 1 to 17 of insert and update. */
#define RING_CHANGEABLE(ring)                                                                                        \
    INTEGER((ring)->policy.overlap), INTEGER((ring)->policy.purge_delay), INTEGER((ring)->policy.keep),              \
        INTEGER((ring)->policy.rotate_every), INTEGER((ring)->policy.quiet_period), INTEGER((ring)->policy.standby), \
        INTEGER((ring)->policy.idle_blocks), INTEGER((ring)->policy.usage_hourly),                                   \
        INTEGER((ring)->policy.usage_daily), INTEGER((ring)->rotation_held), INTEGER((ring)->last_version),          \
        INTEGER((ring)->policy.succession), INTEGER((ring)->policy.renew), INTEGER((ring)->policy.renew_life),       \
        INTEGER((ring)->policy.renew_age), INTEGER((ring)->policy.deliver), INTEGER((ring)->policy.leaks)

sealring_status registry_ring_insert(struct registry *registry, struct registry_ring *ring, sealring_error *error)
{
    sealring_status status = query_insert(registry, &ring_insert,
                                          PARAMETERS(RING_CHANGEABLE(ring), BYTES(ring->ring_id, sizeof ring->ring_id),
                                                     TEXT(ring->name), TEXT(ring->prefix), INTEGER(ring->created)),
                                          &ring->id, error);
    if (status == SEALRING_OK)
        status = ring_fact_note(registry, ring, error);
    return handle_tell(registry, status, REGISTRY_TABLE_RING, ring);
}

static sealring_status ring_correct_prefix(struct registry *registry, const struct registry_ring *followed,
                                           sealring_error *error)
{
    (void)snprintf(registry->corrected, sizeof registry->corrected,
                   "the row of ring %s, whose policy, prefix or last version was edited", followed->name);
    return query_change(registry, &ring_correct, PARAMETERS(INTEGER(followed->id), TEXT(followed->prefix)), error);
}

/* Before the row is written. A ring that has no row is reported by the statement that writes it. */
static sealring_status ring_note(struct registry *registry, const struct registry_ring *ring, sealring_error *error)
{
    struct registry_ring before, after = *ring;
    bool found = false;
    sealring_status status =
        query_find(registry, &ring_get_by_row, PARAMETERS(INTEGER(ring->id)), ring_read, &before, &found, error);
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
    sealring_status status = ring_note(registry, ring, error);
    if (status == SEALRING_OK)
        status = query_change(registry, &ring_update, PARAMETERS(RING_CHANGEABLE(ring), INTEGER(ring->id)), error);
    return handle_tell(registry, status, REGISTRY_TABLE_RING, ring);
}

sealring_status registry_ring_find(struct registry *registry, const char *name, struct registry_ring *ring, bool *found,
                                   sealring_error *error)
{
    return query_find(registry, &ring_get, PARAMETERS(TEXT(name)), ring_read, ring, found, error);
}

sealring_status registry_ring_find_by_id(struct registry *registry, const uint8_t ring_id[REGISTRY_ID_SIZE],
                                         struct registry_ring *ring, bool *found, sealring_error *error)
{
    return query_find(registry, &ring_get_by_id, PARAMETERS(BYTES(ring_id, REGISTRY_ID_SIZE)), ring_read, ring, found,
                      error);
}

struct registry_cursor registry_rings(struct registry *registry, sealring_error *error)
{
    return query_list(registry, &ring_all, NULL, error);
}

bool registry_ring_next(struct registry_cursor *rings, struct registry_ring *ring)
{
    return query_next(rings, ring_read, ring);
}
