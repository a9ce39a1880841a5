/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of verifiers, and the last use of versions. */
#include "registry/rows/rows.h"

#include <string.h>

#include "base/name.h"
#include "registry/connection/query.h"

#define VERIFIER_COLUMNS                                                                                                     \
    "instance, seat, inode, host, program, process, joined, state, number, epoch, seen_boot_id, seen_boot_ms, last_report, " \
    "ended, hole, alarms"

static const struct db_query verifier_put = {
    "INSERT INTO verifier (" VERIFIER_COLUMNS ")"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"
    " ON CONFLICT (instance) DO UPDATE SET seat = ?2, inode = ?3, host = ?4, program = ?5, process = ?6, joined = ?7,"
    " state = ?8, number = ?9, epoch = ?10, seen_boot_id = ?11, seen_boot_ms = ?12, last_report = ?13, ended = ?14,"
    " hole = ?15, alarms = ?16",
    true};

static const struct db_query verifier_delete = {"DELETE FROM verifier WHERE instance = ?1", true};

static const struct db_query verifier_delete_damaged = {
    "DELETE FROM verifier WHERE instance = ?1 OR length(instance) <> 16", true};

static const struct db_query verifier_all = {"SELECT " VERIFIER_COLUMNS " FROM verifier ORDER BY instance", false};

static const struct db_query version_use_get = {"SELECT last_use FROM version_use WHERE ring = ?1 AND version = ?2",
                                                false};

static const struct db_query version_use_put = {
    "INSERT INTO version_use (ring, version, last_use) VALUES (?1, ?2, ?3)"
    " ON CONFLICT (ring, version) DO UPDATE SET last_use = ?3 WHERE last_use < ?3",
    true};

static const struct db_query version_use_ahead = {"SELECT count(*) FROM version_use WHERE last_use > ?1", false};

/* A trigger forbids setting a row back. This is the only exception, so the row is deleted and inserted again. */
static const struct db_query version_use_first_ahead = {
    "SELECT ring, version FROM version_use WHERE last_use > ?1 LIMIT 1", false};
static const struct db_query version_use_delete = {"DELETE FROM version_use WHERE ring = ?1 AND version = ?2", true};

sealring_status registry_verifier_put(struct registry *registry, const struct registry_verifier *verifier,
                                      sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &verifier_put, error);
    query_bind_bytes(&query, 1, verifier->instance, sizeof verifier->instance);
    query_bind_bytes(&query, 2, verifier->seat, sizeof verifier->seat);
    query_bind_int64(&query, 3, verifier->inode);
    query_bind_text(&query, 4, verifier->host);
    query_bind_text(&query, 5, verifier->program);
    query_bind_int64(&query, 6, verifier->process);
    query_bind_int64(&query, 7, verifier->joined);
    query_bind_int64(&query, 8, verifier->state);
    query_bind_uint64(&query, 9, verifier->number);
    query_bind_uint64(&query, 10, verifier->epoch);
    query_bind_text(&query, 11, verifier->seen_boot_id);
    query_bind_int64(&query, 12, verifier->seen_boot_ms);
    query_bind_int64(&query, 13, verifier->last_report);
    query_bind_int64(&query, 14, verifier->ended);
    query_bind_int64(&query, 15, verifier->hole);
    query_bind_uint64(&query, 16, verifier->alarms);
    return query_run(&query, error);
}

sealring_status registry_verifier_delete(struct registry *registry, const uint8_t instance[REGISTRY_ID_SIZE],
                                         sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &verifier_delete, error);
    query_bind_bytes(&query, 1, instance, REGISTRY_ID_SIZE);
    return query_run_any(&query, error);
}

sealring_status registry_verifier_delete_damaged(struct registry *registry, const uint8_t instance[REGISTRY_ID_SIZE],
                                                 sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &verifier_delete_damaged, error);
    query_bind_bytes(&query, 1, instance, REGISTRY_ID_SIZE);
    return query_run_any(&query, error);
}

static void read_verifier(struct query *query, struct registry_verifier *verifier)
{
    query_bytes(query, verifier->instance, sizeof verifier->instance);
    query_bytes(query, verifier->seat, sizeof verifier->seat);
    verifier->inode = query_int64(query);
    query_name(query, verifier->host, sizeof verifier->host, name_contact_problem);
    query_name(query, verifier->program, sizeof verifier->program, name_contact_problem);
    verifier->process = query_int64(query);
    verifier->joined = query_past(query);
    verifier->state =
        (sealring_verifier_state)query_small(query, SEALRING_VERIFIER_JOINING, SEALRING_VERIFIER_FORGOTTEN);
    verifier->number = query_uint64(query);
    verifier->epoch = query_uint64(query);
    query_ascii(query, verifier->seen_boot_id, sizeof verifier->seen_boot_id);
    verifier->seen_boot_ms = query_time(query);
    verifier->last_report = query_past(query);
    verifier->ended = query_past(query);
    verifier->hole = query_past(query);
    verifier->alarms = query_uint64(query);
}

/* A damaged row must hide no other, and must not block callers that do not need it: the caller decides how it counts. */
static void read_or_excuse(struct query *query, struct registry_verifier *verifier)
{
    *verifier = (struct registry_verifier){.damaged = false};
    read_verifier(query, verifier);
    if (!query_excuse(query))
        return;
    struct registry_verifier damaged = {.damaged = true};
    memcpy(damaged.instance, verifier->instance, sizeof damaged.instance);
    *verifier = damaged;
}

struct registry_cursor registry_verifiers(struct registry *registry, sealring_error *error)
{
    return query_open(registry, &verifier_all, error);
}

bool registry_verifier_next(struct registry_cursor *verifiers, struct registry_verifier *verifier)
{
    if (!query_row(&verifiers->query))
        return false;
    read_or_excuse(&verifiers->query, verifier);
    return query_good(&verifiers->query);
}

sealring_status registry_version_use_get(struct registry *registry, int64_t ring, uint32_t number, int64_t *last_use,
                                         sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &version_use_get, error);
    query_bind_int64(&query, 1, ring);
    query_bind_int64(&query, 2, number);
    *last_use = query_row(&query) ? query_past(&query) : 0;
    return query_end(&query, error);
}

sealring_status registry_version_use_put(struct registry *registry, int64_t ring, uint32_t number, int64_t last_use,
                                         sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &version_use_put, error);
    query_bind_int64(&query, 1, ring);
    query_bind_int64(&query, 2, number);
    query_bind_int64(&query, 3, last_use);
    return query_run_any(&query, error); /* none: it was as late already */
}

sealring_status registry_version_use_ahead(struct registry *registry, int64_t time, uint64_t *count,
                                           sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &version_use_ahead, error);
    query_bind_int64(&query, 1, time);
    return query_count(&query, count, error);
}

static sealring_status version_use_find_ahead(struct registry *registry, int64_t time, int64_t *ring, uint32_t *number,
                                              bool *found, sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &version_use_first_ahead, error);
    query_bind_int64(&query, 1, time);
    *found = query_row(&query);
    if (*found) {
        *ring = query_int64(&query);
        *number = query_uint32(&query);
    }
    return query_end(&query, error);
}

sealring_status registry_version_use_limit(struct registry *registry, int64_t time, sealring_error *error)
{
    int64_t ring = 0;
    uint32_t number = 0;
    bool found = false;
    sealring_status status = version_use_find_ahead(registry, time, &ring, &number, &found, error);
    while (status == SEALRING_OK && found) {
        struct query query;
        query_start(&query, registry, &version_use_delete, error);
        query_bind_int64(&query, 1, ring);
        query_bind_int64(&query, 2, number);
        status = query_run(&query, error);
        if (status == SEALRING_OK)
            status = registry_version_use_put(registry, ring, number, time, error);
        if (status == SEALRING_OK)
            status = version_use_find_ahead(registry, time, &ring, &number, &found, error);
    }
    return status;
}
