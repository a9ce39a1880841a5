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
    return query_change(registry, &verifier_put,
                        PARAMETERS(BYTES(verifier->instance, sizeof verifier->instance),
                                   BYTES(verifier->seat, sizeof verifier->seat), INTEGER(verifier->inode),
                                   TEXT(verifier->host), TEXT(verifier->program), INTEGER(verifier->process),
                                   INTEGER(verifier->joined), INTEGER(verifier->state), UNSIGNED(verifier->number),
                                   UNSIGNED(verifier->epoch), TEXT(verifier->seen_boot_id),
                                   INTEGER(verifier->seen_boot_ms), INTEGER(verifier->last_report),
                                   INTEGER(verifier->ended), INTEGER(verifier->hole), UNSIGNED(verifier->alarms)),
                        error);
}

sealring_status registry_verifier_delete(struct registry *registry, const uint8_t instance[REGISTRY_ID_SIZE],
                                         sealring_error *error)
{
    return query_change_any(registry, &verifier_delete, PARAMETERS(BYTES(instance, REGISTRY_ID_SIZE)), error);
}

sealring_status registry_verifier_delete_damaged(struct registry *registry, const uint8_t instance[REGISTRY_ID_SIZE],
                                                 sealring_error *error)
{
    return query_change_any(registry, &verifier_delete_damaged, PARAMETERS(BYTES(instance, REGISTRY_ID_SIZE)), error);
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
static void read_or_excuse(struct query *query, void *row)
{
    struct registry_verifier *verifier = row;
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
    return query_list(registry, &verifier_all, NULL, error);
}

bool registry_verifier_next(struct registry_cursor *verifiers, struct registry_verifier *verifier)
{
    return query_next(verifiers, read_or_excuse, verifier);
}

static void read_last_use(struct query *query, void *row)
{
    *(int64_t *)row = query_past(query);
}

sealring_status registry_version_use_get(struct registry *registry, int64_t ring, uint32_t number, int64_t *last_use,
                                         sealring_error *error)
{
    bool found;
    *last_use = 0;
    return query_find(registry, &version_use_get, PARAMETERS(INTEGER(ring), INTEGER(number)), read_last_use, last_use,
                      &found, error);
}

sealring_status registry_version_use_put(struct registry *registry, int64_t ring, uint32_t number, int64_t last_use,
                                         sealring_error *error)
{
    /* none: it was as late already */
    return query_change_any(registry, &version_use_put, PARAMETERS(INTEGER(ring), INTEGER(number), INTEGER(last_use)),
                            error);
}

sealring_status registry_version_use_ahead(struct registry *registry, int64_t time, uint64_t *count,
                                           sealring_error *error)
{
    return query_count(registry, &version_use_ahead, PARAMETERS(INTEGER(time)), count, error);
}

struct version_use {
    int64_t ring;
    uint32_t number;
};

static void read_version_use(struct query *query, void *row)
{
    struct version_use *use = row;
    use->ring = query_int64(query);
    use->number = query_uint32(query);
}

sealring_status registry_version_use_limit(struct registry *registry, int64_t time, sealring_error *error)
{
    struct version_use use;
    bool found = false;
    sealring_status status;
    do {
        status = query_find(registry, &version_use_first_ahead, PARAMETERS(INTEGER(time)), read_version_use, &use,
                            &found, error);
        if (status != SEALRING_OK || !found)
            return status;
        status = query_change(registry, &version_use_delete, PARAMETERS(INTEGER(use.ring), INTEGER(use.number)), error);
        if (status == SEALRING_OK)
            status = registry_version_use_put(registry, use.ring, use.number, time, error);
    } while (status == SEALRING_OK);
    return status;
}
