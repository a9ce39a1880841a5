/* SPDX-License-Identifier: Apache-2.0 */
/* Ageing of statistics: hours become days, days are deleted, each exactly once, some rows in one transaction. */
#include "registry/usage/usage_counts.h"

#define HOURS_IN_DAY 24
#define FOLDED       "x'00000000000000000000000000000000'" /* as in the index usage_hour_seat */

/* By the version's index: what is not settled yet is skipped. */
static const struct db_query roll_find = {
    "SELECT u.api_key, u.serial, u.hour, u.seat, " USAGE_COUNTS
    " FROM usage_hour u WHERE u.ring = ?1 AND u.version = ?2 AND u.hour < ?3 AND (u.seat = " FOLDED
    " OR EXISTS (SELECT 1 FROM usage_seat s WHERE s.seat = u.seat AND u.hour <= s.settled_hour))"
    " ORDER BY u.hour LIMIT ?4",
    false};

/* By the index of rows that are not folded. */
static const struct db_query fold_find = {
    "SELECT u.api_key, u.serial, u.hour, u.seat, u.ring, u.version, " USAGE_COUNTS
    " FROM usage_seat s CROSS JOIN usage_hour u WHERE u.seat = s.seat AND u.seat <> " FOLDED
    " AND u.hour <= s.settled_hour LIMIT ?1",
    false};

/* SQLite turns a sum that is too large into a floating-point number, which the schema refuses: a row with an impossible count would
 * keep hours from ever becoming days. */
#define SUM_MOST "1152921504606846976"
#define SUM(table, column)                                                                                        \
    column " = CASE WHEN " table "." column " > " SUM_MOST " - excluded." column " THEN " SUM_MOST " ELSE " table \
           "." column " + excluded." column " END"
#define SUMS(table)                                                                                    \
    SUM(table, "accepted")                                                                             \
    ", " SUM(table, "not_yet_valid") ", " SUM(table, "expired") ", " SUM(table, "suspended") ", " SUM( \
        table, "scope") ", " SUM(table, "closed") ", last_use = CASE WHEN " table                      \
                                                  ".last_use > excluded.last_use THEN " table          \
                                                  ".last_use ELSE excluded.last_use END"

/* A day's row contains the version of its serial, which never changes. */
static const struct db_query roll_add = {"INSERT INTO usage_day (api_key, serial, day, ring, version, " USAGE_COUNTS
                                         ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
                                         " ON CONFLICT (api_key, serial, day) DO UPDATE SET " SUMS("usage_day"),
                                         true};

/* An hour's row of a settled hour, too. */
static const struct db_query fold_add = {
    "INSERT INTO usage_hour (api_key, serial, hour, seat, ring, version, " USAGE_COUNTS ") VALUES (?1, ?2, ?3, " FOLDED
    ", ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
    " ON CONFLICT (api_key, serial, hour, seat) DO UPDATE SET " SUMS("usage_hour"),
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

static struct registry_cursor find_old(struct registry *registry, const struct db_query *text,
                                       const struct registry_usage *of, unsigned most, sealring_error *error)
{
    return query_list(registry, text,
                      PARAMETERS(INTEGER(of->ring), INTEGER(of->version), INTEGER(of->period), INTEGER(most)), error);
}

/* ---- Hours to days -------------------------------------------------------------------------------------------------- */

static void roll_read(struct query *query, void *row)
{
    struct registry_usage *usage = row;
    usage->key = query_int64(query);
    usage->serial = query_uint32(query);
    usage->period = query_uint32(query);
    query_bytes(query, usage->seat, sizeof usage->seat);
    usage_read_counts(query, usage);
}

static sealring_status roll_one(struct registry *registry, const struct registry_usage *usage, sealring_error *error)
{
    sealring_status status =
        query_change(registry, &roll_add,
                     PARAMETERS(INTEGER(usage->key), INTEGER(usage->serial), INTEGER(usage->period / HOURS_IN_DAY),
                                INTEGER(usage->ring), INTEGER(usage->version), USAGE_COUNTED(usage)),
                     error);
    return status == SEALRING_OK ? query_change(registry, &roll_delete, PARAMETERS(USAGE_HOUR(usage)), error) : status;
}

/* ---- Files to one row for each hour ---------------------------------------------------------------------------------- */

static void fold_read(struct query *query, void *row)
{
    struct registry_usage *usage = row;
    usage->key = query_int64(query);
    usage->serial = query_uint32(query);
    usage->period = query_uint32(query);
    query_bytes(query, usage->seat, sizeof usage->seat);
    usage->ring = query_int64(query);
    usage->version = query_uint32(query);
    usage_read_counts(query, usage);
}

/* What is settled is ignored in its file, so each row is added once. */
static sealring_status fold_one(struct registry *registry, const struct registry_usage *usage, sealring_error *error)
{
    sealring_status status =
        query_change(registry, &fold_add,
                     PARAMETERS(INTEGER(usage->key), INTEGER(usage->serial), INTEGER(usage->period),
                                INTEGER(usage->ring), INTEGER(usage->version), USAGE_COUNTED(usage)),
                     error);
    return status == SEALRING_OK ? query_change(registry, &roll_delete, PARAMETERS(USAGE_HOUR(usage)), error) : status;
}

sealring_status registry_usage_fold(struct registry *registry, unsigned most, unsigned *count, sealring_error *error)
{
    struct registry_usage found[USAGE_ROLL_MOST + 1];
    struct registry_cursor rows = query_list(registry, &fold_find, PARAMETERS(INTEGER(most)), error);
    *count = 0;
    while (*count < USAGE_ROLL_MOST && query_next(&rows, fold_read, &found[*count]))
        ++*count;
    sealring_status status = registry_close_cursor(&rows, SEALRING_OK);
    for (unsigned i = 0; i < *count && status == SEALRING_OK; i++)
        status = fold_one(registry, &found[i], error);
    return status;
}

sealring_status registry_usage_unfolded(struct registry *registry, bool *unfolded, sealring_error *error)
{
    return query_find(registry, &fold_find, PARAMETERS(INTEGER(1)), NULL, NULL, unfolded, error);
}

/* ---- Days deleted --------------------------------------------------------------------------------------------------- */

static void prune_read(struct query *query, void *row)
{
    struct registry_usage *usage = row;
    usage->key = query_int64(query);
    usage->serial = query_uint32(query);
    usage->period = query_uint32(query);
    usage->last_use = query_past(query);
}

static sealring_status prune_one(struct registry *registry, const struct registry_usage *usage, sealring_error *error)
{
    sealring_status status =
        query_change_any(registry, &prune_note, PARAMETERS(INTEGER(usage->key), INTEGER(usage->last_use)), error);
    if (status != SEALRING_OK)
        return status;
    return query_change(registry, &prune_delete,
                        PARAMETERS(INTEGER(usage->key), INTEGER(usage->serial), INTEGER(usage->period)), error);
}

/* ---- Traffic -------------------------------------------------------------------------------------------------------- */

static void traffic_read(struct query *query, void *row)
{
    struct registry_usage *usage = row;
    usage->period = query_uint32(query);
    query_bytes(query, usage->seat, sizeof usage->seat);
}

static sealring_status traffic_one(struct registry *registry, const struct registry_usage *usage, sealring_error *error)
{
    return query_change(registry, &traffic_delete,
                        PARAMETERS(INTEGER(usage->ring), INTEGER(usage->version), INTEGER(usage->period),
                                   BYTES(usage->seat, sizeof usage->seat)),
                        error);
}

/* ---- All three ------------------------------------------------------------------------------------------------------ */

static const struct {
    const struct db_query *find;
    query_reader read;
    sealring_status (*age)(struct registry *registry, const struct registry_usage *usage, sealring_error *error);
} ageings[USAGE_AGEINGS] = {
    [USAGE_ROLL] = {&roll_find, roll_read, roll_one},
    [USAGE_PRUNE] = {&prune_find, prune_read, prune_one},
    [USAGE_PRUNE_TRAFFIC] = {&traffic_find, traffic_read, traffic_one},
};

/* The rows are collected first, as nothing may be changed during a walk. */
sealring_status registry_usage_age(struct registry *registry, enum usage_ageing ageing, int64_t ring, uint32_t version,
                                   uint32_t before, unsigned *count, sealring_error *error)
{
    const struct registry_usage of = {.ring = ring, .version = version, .period = before};
    struct registry_usage found[USAGE_ROLL_MOST + 1];
    struct registry_cursor rows = find_old(registry, ageings[ageing].find, &of, USAGE_ROLL_MOST, error);
    *count = 0;
    found[0] = of;
    while (*count < USAGE_ROLL_MOST && query_next(&rows, ageings[ageing].read, &found[*count]))
        found[++*count] = of;
    sealring_status status = registry_close_cursor(&rows, SEALRING_OK);
    for (unsigned i = 0; i < *count && status == SEALRING_OK; i++)
        status = ageings[ageing].age(registry, &found[i], error);
    return status;
}

sealring_status registry_usage_aged(struct registry *registry, enum usage_ageing ageing, int64_t ring, uint32_t version,
                                    uint32_t before, bool *aged, sealring_error *error)
{
    const struct registry_usage of = {.ring = ring, .version = version, .period = before};
    struct registry_cursor rows = find_old(registry, ageings[ageing].find, &of, 1, error);
    *aged = query_row(&rows.query);
    return registry_close_cursor(&rows, SEALRING_OK);
}
