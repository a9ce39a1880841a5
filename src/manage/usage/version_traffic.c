/* SPDX-License-Identifier: Apache-2.0 */
/* How much each version of a ring is used, hour by hour. */
#include <stdlib.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/error.h"
#include "manage/fleet/usage_files.h"
#include "verifier/report/report_check.h"

struct counting {
    uint32_t since; /* hour */
    int64_t ring;
    struct registry *registry;
    struct usage_pending pending;
    sealring_traffic_info *rows;
    size_t count;
};

static sealring_status add(struct counting *counting, uint32_t version, uint32_t hour, uint64_t accepted,
                           uint64_t rejected, sealring_error *error)
{
    int64_t from = hour * USAGE_HOUR_MS;
    for (size_t i = counting->count; i-- > 0;) {
        sealring_traffic_info *row = &counting->rows[i];
        if (row->version == version && row->hour == from) {
            row->accepted = report_sum(row->accepted, accepted);
            row->rejected = report_sum(row->rejected, rejected);
            return SEALRING_OK;
        }
    }
    bool exists = false;
    sealring_status status = usage_version_exists(counting->registry, counting->ring, version, &exists, error);
    if (status != SEALRING_OK || !exists)
        return status;
    if (!array_grow(&counting->rows, counting->count))
        return error_no_memory(error);
    counting->rows[counting->count++] = (sealring_traffic_info){version, from, accepted, rejected};
    return SEALRING_OK;
}

/* Records are sorted by key, so each key is looked up once. */
static sealring_status take_pending(struct counting *counting, sealring_error *error)
{
    const struct usage_records *records = &counting->pending.records;
    int64_t key = 0;
    struct registry_usage_owner owner = {.ring = 0};
    bool found = false;
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; i < records->count && status == SEALRING_OK; i++) {
        const struct usage_record *record = &records->rows[i];
        uint64_t rejected = 0;
        if (record->use.period < counting->since || !usage_pending_counts(&counting->pending, record))
            continue;
        if (record->use.key != key) {
            key = record->use.key;
            owner.ring = 0;
            status = registry_usage_find_owner(counting->registry, key, &owner, &found, error);
        }
        for (unsigned v = 0; v < USAGE_VERDICTS; v++)
            rejected = report_sum(rejected, record->use.rejected[v]);
        if (status == SEALRING_OK && owner.ring == counting->ring)
            status = add(counting, record->use.version, record->use.period, record->use.accepted, rejected, error);
    }
    return status;
}

static sealring_status take_rows(struct counting *counting, sealring_error *error)
{
    struct registry_traffic traffic;
    sealring_status status = SEALRING_OK;
    struct registry_cursor hours = registry_traffic(counting->registry, counting->ring, counting->since, error);
    while (status == SEALRING_OK && registry_traffic_next(&hours, &traffic))
        if (!usage_pending_covers(&counting->pending, traffic.seat, traffic.hour))
            status = add(counting, traffic.version, traffic.hour, traffic.accepted, traffic.rejected, error);
    return registry_close_cursor(&hours, status);
}

static sealring_status read_traffic(struct counting *counting, const char *name, sealring_error *error)
{
    struct registry_ring ring;
    counting->count = 0;
    sealring_status status = manager_get_ring(counting->registry, name, &ring, error);
    if (status != SEALRING_OK)
        return status;
    counting->ring = ring.id;
    status = usage_pending_settle(counting->registry, &counting->pending, error);
    if (status == SEALRING_OK)
        status = take_rows(counting, error);
    return status == SEALRING_OK ? take_pending(counting, error) : status;
}

static int by_hour(const void *a, const void *b)
{
    const sealring_traffic_info *one = a;
    const sealring_traffic_info *other = b;
    if (one->hour != other->hour)
        return one->hour < other->hour ? -1 : 1;
    return (one->version > other->version) - (one->version < other->version);
}

sealring_status sealring_traffic(sealring_manager *manager, const char *ring, int64_t since,
                                 sealring_traffic_callback each, void *context, sealring_error *error)
{
    struct counting counting = {.registry = manager->registry,
                                .since = since <= 0 ? 0 : (uint32_t)(since / USAGE_HOUR_MS)};
    sealring_status status = usage_pending_read(manager, clock_wall_ms(), &counting.pending, error);
    if (status != SEALRING_OK)
        return status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = read_traffic(&counting, ring, error);
    } while (registry_again(&reading, &status));
    if (status == SEALRING_OK && counting.count > 0)
        qsort(counting.rows, counting.count, sizeof *counting.rows, by_hour);
    for (size_t i = 0; i < counting.count && status == SEALRING_OK; i++)
        if (each(&counting.rows[i], context) != 0)
            status = error_set(error, SEALRING_REFUSED, "the listing was stopped");
    usage_pending_free(&counting.pending);
    free(counting.rows);
    return status;
}
