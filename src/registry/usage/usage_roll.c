/* SPDX-License-Identifier: Apache-2.0 */
/* Ageing of statistics: hours become days, days are deleted, each exactly once, some rows in one transaction. */
#include <string.h>

#include "registry/connection/query.h"
#include "registry/usage/usage_rows.h"

#define HOURS_IN_DAY 24

/* By the version's index: what is not settled yet is skipped. */
static const struct db_query roll_find = {
    "SELECT u.api_key, u.serial, u.hour, u.seat, u.accepted, u.not_yet_valid, u.expired, u.suspended, u.scope, u.closed,"
    " u.last_use FROM usage_hour u CROSS JOIN usage_seat s WHERE u.ring = ?1 AND u.version = ?2 AND u.hour < ?3"
    " AND s.seat = u.seat AND u.hour <= s.settled_hour ORDER BY u.hour LIMIT ?4",
    false};

/* SQLite turns a sum that is too large into a floating-point number, which the schema refuses: a row with an impossible count would
 * keep hours from ever becoming days. */
#define SUM_MOST "1152921504606846976"
#define SUM(column)                                                                                \
    column " = CASE WHEN usage_day." column " > " SUM_MOST " - excluded." column " THEN " SUM_MOST \
           " ELSE usage_day." column " + excluded." column " END"

/* A day's row contains the version of its serial, which never changes. */
static const struct db_query roll_add = {
    "INSERT INTO usage_day (api_key, serial, day, ring, version, accepted, not_yet_valid, expired, suspended, scope,"
    " closed, last_use) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
    " ON CONFLICT (api_key, serial, day) DO UPDATE SET " SUM("accepted") ", " SUM("not_yet_valid") ", " SUM("expired") ", " SUM(
        "suspended") ", " SUM("scope") ", " SUM("closed") ","
                                                          " last_use = CASE WHEN usage_day.last_use > excluded.last_use THEN usage_day.last_use ELSE excluded.last_use END",
    true};

static const struct db_query roll_delete = {
    "DELETE FROM usage_hour WHERE api_key = ?1 AND serial = ?2 AND hour = ?3 AND seat = ?4", true};

static const struct db_query prune_find = {
    "SELECT api_key, serial, day, last_use FROM usage_day WHERE ring = ?1 AND version = ?2 AND day < ?3 LIMIT ?4",
    false};

static const struct db_query prune_note = {"UPDATE api_key SET used = ?2 WHERE id = ?1 AND used < ?2", true};

static const struct db_query prune_delete = {"DELETE FROM usage_day WHERE api_key = ?1 AND serial = ?2 AND day = ?3",
                                             true};

static const struct db_query traffic_find = {
    "SELECT hour, seat FROM usage_traffic WHERE ring = ?1 AND version = ?2 AND hour < ?3 LIMIT ?4", false};

static const struct db_query traffic_delete = {
    "DELETE FROM usage_traffic WHERE ring = ?1 AND version = ?2 AND hour = ?3 AND seat = ?4", true};

/* The rows of one call; collected first, as nothing may be changed during a walk. */
struct roll_rows {
    struct registry_usage rows[USAGE_ROLL_MOST];
    unsigned count;
};

static void start_find(struct query *query, struct registry *registry, const struct db_query *text,
                       const struct registry_usage *of, unsigned most, sealring_error *error)
{
    query_start(query, registry, text, error);
    query_bind_int64(query, 1, of->ring);
    query_bind_int64(query, 2, of->version);
    query_bind_int64(query, 3, of->period);
    query_bind_int64(query, 4, most);
}

/* ---- Hours to days -------------------------------------------------------------------------------------------------- */

static sealring_status roll_collect(struct registry *registry, const struct registry_usage *of, struct roll_rows *found,
                                    sealring_error *error)
{
    struct query query;
    found->count = 0;
    start_find(&query, registry, &roll_find, of, USAGE_ROLL_MOST, error);
    while (found->count < USAGE_ROLL_MOST && query_row(&query)) {
        struct registry_usage *usage = &found->rows[found->count++];
        *usage = *of;
        usage->key = query_int64(&query);
        usage->serial = query_uint32(&query);
        usage->period = query_uint32(&query);
        query_bytes(&query, usage->seat, sizeof usage->seat);
        usage->accepted = query_uint64(&query);
        for (unsigned i = 0; i < USAGE_VERDICTS; i++)
            usage->rejected[i] = query_uint64(&query);
        usage->last_use = query_past(&query);
    }
    return query_end(&query, error);
}

static sealring_status roll_one(struct registry *registry, const struct registry_usage *usage, sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &roll_add, error);
    query_bind_int64(&query, 1, usage->key);
    query_bind_int64(&query, 2, usage->serial);
    query_bind_int64(&query, 3, usage->period / HOURS_IN_DAY);
    query_bind_int64(&query, 4, usage->ring);
    query_bind_int64(&query, 5, usage->version);
    query_bind_uint64(&query, 6, usage->accepted);
    for (unsigned i = 0; i < USAGE_VERDICTS; i++)
        query_bind_uint64(&query, 7 + (int)i, usage->rejected[i]);
    query_bind_int64(&query, 12, usage->last_use);
    sealring_status status = query_run(&query, error);
    if (status != SEALRING_OK)
        return status;
    query_start(&query, registry, &roll_delete, error);
    query_bind_int64(&query, 1, usage->key);
    query_bind_int64(&query, 2, usage->serial);
    query_bind_int64(&query, 3, usage->period);
    query_bind_bytes(&query, 4, usage->seat, sizeof usage->seat);
    return query_run(&query, error);
}

sealring_status registry_usage_roll(struct registry *registry, int64_t ring, uint32_t version, uint32_t before,
                                    unsigned *moved, sealring_error *error)
{
    struct registry_usage of = {.ring = ring, .version = version, .period = before * HOURS_IN_DAY};
    struct roll_rows found;
    sealring_status status = roll_collect(registry, &of, &found, error);
    for (unsigned i = 0; i < found.count && status == SEALRING_OK; i++)
        status = roll_one(registry, &found.rows[i], error);
    *moved = found.count;
    return status;
}

/* ---- Days deleted --------------------------------------------------------------------------------------------------- */

static sealring_status prune_collect(struct registry *registry, const struct registry_usage *of,
                                     struct roll_rows *found, sealring_error *error)
{
    struct query query;
    found->count = 0;
    start_find(&query, registry, &prune_find, of, USAGE_ROLL_MOST, error);
    while (found->count < USAGE_ROLL_MOST && query_row(&query)) {
        struct registry_usage *usage = &found->rows[found->count++];
        *usage = *of;
        usage->key = query_int64(&query);
        usage->serial = query_uint32(&query);
        usage->period = query_uint32(&query);
        usage->last_use = query_past(&query);
    }
    return query_end(&query, error);
}

static sealring_status prune_one(struct registry *registry, const struct registry_usage *usage, sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &prune_note, error);
    query_bind_int64(&query, 1, usage->key);
    query_bind_int64(&query, 2, usage->last_use);
    sealring_status status = query_run_any(&query, error);
    if (status != SEALRING_OK)
        return status;
    query_start(&query, registry, &prune_delete, error);
    query_bind_int64(&query, 1, usage->key);
    query_bind_int64(&query, 2, usage->serial);
    query_bind_int64(&query, 3, usage->period);
    return query_run(&query, error);
}

sealring_status registry_usage_prune(struct registry *registry, int64_t ring, uint32_t version, uint32_t before,
                                     unsigned *deleted, sealring_error *error)
{
    struct registry_usage of = {.ring = ring, .version = version, .period = before};
    struct roll_rows found;
    sealring_status status = prune_collect(registry, &of, &found, error);
    for (unsigned i = 0; i < found.count && status == SEALRING_OK; i++)
        status = prune_one(registry, &found.rows[i], error);
    *deleted = found.count;
    return status;
}

/* ---- Traffic -------------------------------------------------------------------------------------------------------- */

static sealring_status traffic_collect(struct registry *registry, const struct registry_usage *of,
                                       struct roll_rows *found, sealring_error *error)
{
    struct query query;
    found->count = 0;
    start_find(&query, registry, &traffic_find, of, USAGE_ROLL_MOST, error);
    while (found->count < USAGE_ROLL_MOST && query_row(&query)) {
        struct registry_usage *usage = &found->rows[found->count++];
        *usage = *of;
        usage->period = query_uint32(&query);
        query_bytes(&query, usage->seat, sizeof usage->seat);
    }
    return query_end(&query, error);
}

sealring_status registry_traffic_prune(struct registry *registry, int64_t ring, uint32_t version, uint32_t before,
                                       unsigned *deleted, sealring_error *error)
{
    struct registry_usage of = {.ring = ring, .version = version, .period = before};
    struct roll_rows found;
    struct query query;
    sealring_status status = traffic_collect(registry, &of, &found, error);
    for (unsigned i = 0; i < found.count && status == SEALRING_OK; i++) {
        query_start(&query, registry, &traffic_delete, error);
        query_bind_int64(&query, 1, ring);
        query_bind_int64(&query, 2, version);
        query_bind_int64(&query, 3, found.rows[i].period);
        query_bind_bytes(&query, 4, found.rows[i].seat, sizeof found.rows[i].seat);
        status = query_run(&query, error);
    }
    *deleted = found.count;
    return status;
}

/* ---- Whether there is anything to do -------------------------------------------------------------------------------- */

static sealring_status finds_any(struct registry *registry, const struct db_query *text,
                                 const struct registry_usage *of, bool *any, sealring_error *error)
{
    struct query query;
    start_find(&query, registry, text, of, 1, error);
    *any = query_row(&query) || *any;
    return query_end(&query, error);
}

sealring_status registry_usage_aged(struct registry *registry, int64_t ring, uint32_t version, uint32_t roll_before,
                                    uint32_t prune_before, bool *aged, sealring_error *error)
{
    struct registry_usage hours = {.ring = ring, .version = version, .period = roll_before * HOURS_IN_DAY};
    struct registry_usage days = {.ring = ring, .version = version, .period = prune_before};
    *aged = false;
    sealring_status status = finds_any(registry, &roll_find, &hours, aged, error);
    if (status == SEALRING_OK)
        status = finds_any(registry, &traffic_find, &hours, aged, error);
    return status == SEALRING_OK ? finds_any(registry, &prune_find, &days, aged, error) : status;
}
