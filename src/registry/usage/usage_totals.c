/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of usage by hour and day, and of traffic by version. */
#include "registry/usage/usage_counts.h"

#include <string.h>

static const struct db_query usage_get = {
    "SELECT version, " USAGE_COUNTS " FROM usage_hour WHERE api_key = ?1 AND serial = ?2 AND hour = ?3 AND seat = ?4",
    false};

static const struct db_query usage_put = {
    "INSERT INTO usage_hour (api_key, serial, hour, seat, ring, version, " USAGE_COUNTS ")"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
    " ON CONFLICT (api_key, serial, hour, seat) DO UPDATE SET ring = excluded.ring, version = excluded.version,"
    " accepted = excluded.accepted, not_yet_valid = excluded.not_yet_valid, expired = excluded.expired,"
    " suspended = excluded.suspended, scope = excluded.scope, closed = excluded.closed, last_use = excluded.last_use",
    true};

static const struct db_query usage_mark = {"UPDATE api_key SET used = ?2 WHERE id = ?1 AND used = 0", true};

static const struct db_query usage_owner = {"SELECT ring, used FROM api_key WHERE id = ?1", false};

static const struct db_query usage_days = {"SELECT api_key, serial, day, ring, version, " USAGE_COUNTS
                                           " FROM usage_day WHERE api_key = ?1 AND day >= ?2 AND day < ?3",
                                           false};
static const struct db_query usage_hours = {"SELECT api_key, serial, hour, ring, version, " USAGE_COUNTS
                                            ", seat FROM usage_hour WHERE api_key = ?1 AND hour >= ?2 AND hour < ?3",
                                            false};

static const struct db_query traffic_put = {
    "INSERT INTO usage_traffic (ring, version, hour, seat, accepted, rejected) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
    " ON CONFLICT (ring, version, hour, seat) DO UPDATE SET accepted = excluded.accepted, rejected = excluded.rejected",
    true};

static const struct db_query traffic_each = {
    "SELECT ring, version, hour, seat, accepted, rejected FROM usage_traffic WHERE ring = ?1 AND hour >= ?2"
    " ORDER BY version, hour, seat",
    false};

void usage_read_counts(struct query *query, struct registry_usage *usage)
{
    usage->accepted = query_uint64(query);
    for (unsigned i = 0; i < USAGE_VERDICTS; i++)
        usage->rejected[i] = query_uint64(query);
    usage->last_use = query_past(query);
}

static bool equal(const struct registry_usage *one, const struct registry_usage *other)
{
    return one->version == other->version && one->accepted == other->accepted && one->last_use == other->last_use &&
           memcmp(one->rejected, other->rejected, sizeof one->rejected) == 0;
}

static void read_version_counts(struct query *query, void *row)
{
    struct registry_usage *usage = row;
    usage->version = query_uint32(query);
    usage_read_counts(query, usage);
}

sealring_status registry_usage_same(struct registry *registry, const struct registry_usage *usage, bool *same,
                                    sealring_error *error)
{
    struct registry_usage found = {.key = 0};
    sealring_status status =
        query_find(registry, &usage_get, PARAMETERS(USAGE_HOUR(usage)), read_version_counts, &found, same, error);
    *same = *same && equal(&found, usage);
    return status;
}

sealring_status registry_usage_put(struct registry *registry, const struct registry_usage *usage, sealring_error *error)
{
    sealring_status status = query_change(
        registry, &usage_put,
        PARAMETERS(USAGE_HOUR(usage), INTEGER(usage->ring), INTEGER(usage->version), USAGE_COUNTED(usage)), error);
    if (status != SEALRING_OK)
        return status;
    /* records that the key has called, which is final */
    return query_change_any(registry, &usage_mark,
                            PARAMETERS(INTEGER(usage->key), INTEGER(usage->last_use > 0 ? usage->last_use : 1)), error);
}

static void read_owner(struct query *query, void *row)
{
    struct registry_usage_owner *owner = row;
    owner->ring = query_int64(query);
    owner->used = query_past(query);
}

sealring_status registry_usage_find_owner(struct registry *registry, int64_t key, struct registry_usage_owner *owner,
                                          bool *found, sealring_error *error)
{
    return query_find(registry, &usage_owner, PARAMETERS(INTEGER(key)), read_owner, owner, found, error);
}

/* ---- Of one key ----------------------------------------------------------------------------------------------------- */

/* The first period that overlaps the time span, and the first one after it. */
static int64_t first_period(int64_t since, int64_t length)
{
    return since <= 0 ? 0 : since / length;
}

static int64_t end_period(int64_t until, int64_t length)
{
    return until <= 0 ? 0 : (until - 1) / length + 1;
}

struct registry_cursor registry_usage_of_key(struct registry *registry, int64_t key, bool daily, int64_t since,
                                             int64_t until, sealring_error *error)
{
    const int64_t length = daily ? USAGE_DAY_MS : USAGE_HOUR_MS;
    struct registry_cursor periods = query_list(
        registry, daily ? &usage_days : &usage_hours,
        PARAMETERS(INTEGER(key), INTEGER(first_period(since, length)), INTEGER(end_period(until, length))), error);
    periods.kind = daily;
    return periods;
}

bool registry_usage_next(struct registry_cursor *periods, struct registry_usage *usage)
{
    struct query *query = &periods->query;
    if (!query_row(query))
        return false;
    *usage = (struct registry_usage){.daily = periods->kind != 0};
    usage->key = query_int64(query);
    usage->serial = query_uint32(query);
    usage->period = query_uint32(query);
    usage->ring = query_int64(query);
    usage->version = query_uint32(query);
    usage_read_counts(query, usage);
    if (!usage->daily)
        query_bytes(query, usage->seat, sizeof usage->seat);
    return query_good(query);
}

/* ---- Traffic -------------------------------------------------------------------------------------------------------- */

sealring_status registry_traffic_put(struct registry *registry, const struct registry_traffic *traffic,
                                     sealring_error *error)
{
    return query_change(registry, &traffic_put,
                        PARAMETERS(INTEGER(traffic->ring), INTEGER(traffic->version), INTEGER(traffic->hour),
                                   BYTES(traffic->seat, sizeof traffic->seat), UNSIGNED(traffic->accepted),
                                   UNSIGNED(traffic->rejected)),
                        error);
}

struct registry_cursor registry_traffic(struct registry *registry, int64_t ring, uint32_t since, sealring_error *error)
{
    return query_list(registry, &traffic_each, PARAMETERS(INTEGER(ring), INTEGER(since)), error);
}

static void read_traffic(struct query *query, void *row)
{
    struct registry_traffic *traffic = row;
    traffic->ring = query_int64(query);
    traffic->version = query_uint32(query);
    traffic->hour = query_uint32(query);
    query_bytes(query, traffic->seat, sizeof traffic->seat);
    traffic->accepted = query_uint64(query);
    traffic->rejected = query_uint64(query);
}

bool registry_traffic_next(struct registry_cursor *hours, struct registry_traffic *traffic)
{
    return query_next(hours, read_traffic, traffic);
}
