/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of report files: the hour up to which each was finally harvested. */
#include <string.h>

#include "registry/connection/query.h"
#include "registry/usage/usage_rows.h"

#define SEAT_COLUMNS "seat, settled_hour, finished"

static const struct db_query seat_get = {"SELECT " SEAT_COLUMNS " FROM usage_seat WHERE seat = ?1", false};

static const struct db_query seat_put = {
    "INSERT INTO usage_seat (" SEAT_COLUMNS ") VALUES (?1, ?2, ?3)"
    " ON CONFLICT (seat) DO UPDATE SET settled_hour = excluded.settled_hour, finished = excluded.finished",
    true};

static const struct db_query seat_delete = {"DELETE FROM usage_seat WHERE seat = ?1", true};

static const struct db_query seat_all = {"SELECT " SEAT_COLUMNS " FROM usage_seat ORDER BY seat", false};

static void read_seat(struct query *query, struct registry_usage_seat *row)
{
    size_t length = 0;
    query_bytes(query, row->seat, sizeof row->seat);
    row->settled_hour = query_uint32(query);
    query_bytes_upto(query, row->finished, sizeof row->finished, &length);
    row->is_finished = length == sizeof row->finished;
}

sealring_status registry_usage_seat_find(struct registry *registry, const uint8_t seat[REGISTRY_ID_SIZE],
                                         struct registry_usage_seat *row, bool *found, sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &seat_get, error);
    query_bind_bytes(&query, 1, seat, REGISTRY_ID_SIZE);
    *found = query_row(&query);
    if (*found)
        read_seat(&query, row);
    return query_end(&query, error);
}

sealring_status registry_usage_seat_put(struct registry *registry, const struct registry_usage_seat *row,
                                        sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &seat_put, error);
    query_bind_bytes(&query, 1, row->seat, sizeof row->seat);
    query_bind_int64(&query, 2, row->settled_hour);
    query_bind_bytes(&query, 3, row->finished, row->is_finished ? sizeof row->finished : 0);
    return query_run(&query, error);
}

sealring_status registry_usage_seat_delete(struct registry *registry, const uint8_t seat[REGISTRY_ID_SIZE],
                                           sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &seat_delete, error);
    query_bind_bytes(&query, 1, seat, REGISTRY_ID_SIZE);
    return query_run(&query, error);
}

struct registry_cursor registry_usage_seats(struct registry *registry, sealring_error *error)
{
    return query_open(registry, &seat_all, error);
}

bool registry_usage_seat_next(struct registry_cursor *seats, struct registry_usage_seat *row)
{
    if (!query_row(&seats->query))
        return false;
    read_seat(&seats->query, row);
    return query_good(&seats->query);
}

/* ---- A verifier's query --------------------------------------------------------------------------------------------- */

sealring_status registry_usage_settled(struct registry *registry, const uint8_t seat[REGISTRY_ID_SIZE],
                                       uint32_t *settled_hour, sealring_error *error)
{
    struct registry_usage_seat row = {.settled_hour = 0};
    bool found = false;
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        if (registry_begin(&reading, &status))
            status = registry_usage_seat_find(registry, seat, &row, &found, error);
    } while (registry_again(&reading, &status));
    *settled_hour = found ? row.settled_hour : 0;
    return status;
}
