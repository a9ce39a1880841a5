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

static void read_seat(struct query *query, void *found)
{
    struct registry_usage_seat *row = found;
    size_t length = 0;
    query_bytes(query, row->seat, sizeof row->seat);
    row->settled_hour = query_uint32(query);
    query_bytes_upto(query, row->finished, sizeof row->finished, &length);
    row->is_finished = length == sizeof row->finished;
}

sealring_status registry_usage_seat_find(struct registry *registry, const uint8_t seat[REGISTRY_ID_SIZE],
                                         struct registry_usage_seat *row, bool *found, sealring_error *error)
{
    return query_find(registry, &seat_get, PARAMETERS(BYTES(seat, REGISTRY_ID_SIZE)), read_seat, row, found, error);
}

sealring_status registry_usage_seat_put(struct registry *registry, const struct registry_usage_seat *row,
                                        sealring_error *error)
{
    return query_change(registry, &seat_put,
                        PARAMETERS(BYTES(row->seat, sizeof row->seat), INTEGER(row->settled_hour),
                                   BYTES(row->finished, row->is_finished ? sizeof row->finished : 0)),
                        error);
}

sealring_status registry_usage_seat_delete(struct registry *registry, const uint8_t seat[REGISTRY_ID_SIZE],
                                           sealring_error *error)
{
    return query_change(registry, &seat_delete, PARAMETERS(BYTES(seat, REGISTRY_ID_SIZE)), error);
}

struct registry_cursor registry_usage_seats(struct registry *registry, sealring_error *error)
{
    return query_list(registry, &seat_all, NULL, error);
}

bool registry_usage_seat_next(struct registry_cursor *seats, struct registry_usage_seat *row)
{
    return query_next(seats, read_seat, row);
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
