/* SPDX-License-Identifier: Apache-2.0 */
/* Hours of usage: those that a verifier counts in, those that it has closed permanently, and those whose cells it reuses. */
#include "verifier/fresh/usage_hours.h"

#include "base/clock.h"
#include "base/fork.h"
#include "registry/usage/usage_rows.h"

#define HOUR_MS 3600000

static sealring_status read_settled(struct registry *registry, const struct report *report, uint32_t *settled,
                                    sealring_error *error)
{
    fork_guard_enter();
    sealring_status status = registry_usage_settled(registry, report_seat_id(report), settled, error);
    fork_guard_leave();
    return status;
}

sealring_status hours_begin(struct registry *registry, struct report *report, sealring_error *error)
{
    uint32_t settled = 0;
    sealring_status status = read_settled(registry, report, &settled, error);
    if (status == SEALRING_OK)
        report_close_hours(report, settled);
    return status;
}

void hours_raise(struct verifier *verifier, const struct report *fresh)
{
    uint32_t first = report_closed_hour(fresh) + 1;
    if (atomic_load(&verifier->first_hour) >= first)
        return;
    atomic_store(&verifier->first_hour, first);
    lanes_wait(verifier->lanes);
}

void hours_settle(struct verifier *verifier, const struct report *fresh)
{
    atomic_store(&verifier->first_hour, report_closed_hour(fresh) + 1);
    verifier->reuse_due = 0;
}

bool hours_are_ahead(const struct verifier *verifier, int64_t wall_ms)
{
    return (int64_t)atomic_load(&verifier->first_hour) > wall_ms / HOUR_MS + 1;
}

static void close_hours(struct verifier *verifier, int64_t boot_ms)
{
    int64_t hour = verifier_wall(verifier, boot_ms) / HOUR_MS;
    if (hour <= (int64_t)atomic_load(&verifier->first_hour) || hour > UINT32_MAX)
        return;
    atomic_store(&verifier->first_hour, (uint32_t)hour);
    lanes_wait(verifier->lanes);
    report_close_hours(atomic_load(&verifier->report), (uint32_t)hour - 1);
}

/* First makes such records unreachable, then waits until every thread that had found one has left its lane. Otherwise a thread could
 * count in a reused cell, for the wrong credential, if the cell's new hour is the present one. */
static void reuse(struct verifier *verifier)
{
    struct report *report = atomic_load(&verifier->report);
    uint32_t closed = report_closed_hour(report);
    uint32_t settled = 0;
    if (read_settled(verifier->looker, report, &settled, NULL) != SEALRING_OK)
        return;
    uint32_t hour = settled < closed ? settled : closed;
    if (hour == 0)
        return;
    cache_forget_hours(verifier->cache, hour);
    lanes_wait(verifier->lanes);
    report_reuse(report, hour);
}

void hours_turn(struct verifier *verifier)
{
    int64_t boot = clock_boot_ms();
    close_hours(verifier, boot);
    if (boot < verifier->reuse_due)
        return;
    verifier->reuse_due = boot + HOUR_MS;
    reuse(verifier);
}
