/* SPDX-License-Identifier: Apache-2.0 */
/* The single row about the relation of the two clocks. */
#include "registry/rows/rows.h"

#include <string.h>

#include "registry/connection/query.h"

#define CLOCK_COLUMNS "boot_id, boot_ms, wall_ms, held, steady_boot_ms, expectation, expected_ms"

static const struct db_query clock_get = {"SELECT " CLOCK_COLUMNS " FROM clock WHERE id = 1", false};

static const struct db_query clock_put = {
    "INSERT INTO clock (id, " CLOCK_COLUMNS ") VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)"
    " ON CONFLICT (id) DO UPDATE SET boot_id = ?1, boot_ms = ?2, wall_ms = ?3, held = ?4, steady_boot_ms = ?5,"
    " expectation = ?6, expected_ms = ?7",
    true};

sealring_status registry_clock_get(struct registry *registry, struct registry_clock *clock, sealring_error *error)
{
    struct query query;
    memset(clock, 0, sizeof *clock);
    query_start(&query, registry, &clock_get, error);
    if (query_row(&query)) {
        query_ascii(&query, clock->boot_id, sizeof clock->boot_id);
        clock->boot_ms = query_time(&query);
        clock->wall_ms = query_int64(&query);
        clock->held = query_bool(&query);
        clock->steady_boot_ms = query_time(&query);
        clock->expectation = query_small(&query, 0, 2);
        clock->expected_ms = query_int64(&query);
    }
    return query_end(&query, error);
}

sealring_status registry_clock_put(struct registry *registry, const struct registry_clock *clock, sealring_error *error)
{
    struct query query;
    query_start(&query, registry, &clock_put, error);
    query_bind_text(&query, 1, clock->boot_id);
    query_bind_int64(&query, 2, clock->boot_ms);
    query_bind_int64(&query, 3, clock->wall_ms);
    query_bind_bool(&query, 4, clock->held);
    query_bind_int64(&query, 5, clock->steady_boot_ms);
    query_bind_int64(&query, 6, clock->expectation);
    query_bind_int64(&query, 7, clock->expected_ms);
    return query_run(&query, error);
}
