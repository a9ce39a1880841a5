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

sealring_status registry_usage_seat_get(struct registry *registry, const uint8_t seat[REGISTRY_ID_SIZE],
                                        struct registry_usage_seat *row, sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &seat_get, error);
    query_bind_bytes(&query, 1, seat, REGISTRY_ID_SIZE);
    bool found = query_row(&query);
    if (found)
        read_seat(&query, row);
    return query_end_one(&query, found, error);
}

sealring_status registry_usage_seat_put(struct registry *registry, const struct registry_usage_seat *row,
                                        sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &seat_put, error);
    query_bind_bytes(&query, 1, row->seat, sizeof row->seat);
    query_bind_int64(&query, 2, row->settled_hour);
    query_bind_bytes(&query, 3, row->finished, row->is_finished ? sizeof row->finished : 0);
    return query_run(&query, 1, error);
}

sealring_status registry_usage_seat_delete(struct registry *registry, const uint8_t seat[REGISTRY_ID_SIZE],
                                           sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &seat_delete, error);
    query_bind_bytes(&query, 1, seat, REGISTRY_ID_SIZE);
    return query_run(&query, 1, error);
}

sealring_status registry_usage_seat_each(struct registry *registry, registry_usage_seat_callback each, void *context,
                                         sealring_error *error)
{
    struct query query;
    struct registry_usage_seat row;
    query_start(&query, registry, &seat_all, error);
    while (query_row(&query)) {
        read_seat(&query, &row);
        if (query_enter(&query))
            query_leave(&query, each(&row, context, error));
    }
    return query_end(&query, error);
}

/* ---- A verifier's query --------------------------------------------------------------------------------------------- */

struct settled_question {
    const uint8_t *seat;
    uint32_t hour;
};

static sealring_status ask_settled(struct registry *registry, void *context, sealring_error *error)
{
    struct settled_question *question = context;
    struct registry_usage_seat row = {.settled_hour = 0};
    sealring_status status = registry_usage_seat_get(registry, question->seat, &row, error);
    question->hour = row.settled_hour;
    return status == SEALRING_NOT_FOUND ? SEALRING_OK : status;
}

sealring_status registry_usage_settled(struct registry *registry, const uint8_t seat[REGISTRY_ID_SIZE],
                                       uint32_t *settled_hour, sealring_error *error)
{
    struct settled_question question = {seat, 0};
    sealring_status status = registry_read(registry, ask_settled, &question, error);
    *settled_hour = question.hour;
    return status;
}
