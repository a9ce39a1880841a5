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

static void clock_read(struct query *query, void *row)
{
    struct registry_clock *clock = row;
    query_ascii(query, clock->boot_id, sizeof clock->boot_id);
    clock->boot_ms = query_time(query);
    clock->wall_ms = query_int64(query);
    clock->held = query_bool(query);
    clock->steady_boot_ms = query_time(query);
    clock->expectation = query_small(query, 0, 2);
    clock->expected_ms = query_int64(query);
}

sealring_status registry_clock_get(struct registry *registry, struct registry_clock *clock, sealring_error *error)
{
    bool found;
    memset(clock, 0, sizeof *clock);
    return query_find(registry, &clock_get, NULL, clock_read, clock, &found, error);
}

sealring_status registry_clock_put(struct registry *registry, const struct registry_clock *clock, sealring_error *error)
{
    return query_change(registry, &clock_put,
                        PARAMETERS(TEXT(clock->boot_id), INTEGER(clock->boot_ms), INTEGER(clock->wall_ms),
                                   INTEGER(clock->held), INTEGER(clock->steady_boot_ms), INTEGER(clock->expectation),
                                   INTEGER(clock->expected_ms)),
                        error);
}
