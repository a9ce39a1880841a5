/* SPDX-License-Identifier: Apache-2.0 */
/* Acts that set times want a wall clock that can be right. */
#include "audit/signed_time.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/timetext.h"
#include "lifecycle/clockwatch.h"
#include "vault/manager.h"

static sealring_status read_bound(struct registry *registry, void *context, sealring_error *error)
{
    struct clock_bound *bound = context;
    bool forged;
    return signed_time(registry, &bound->signed_ms, &forged, error);
}

static sealring_status refuse(const struct clock_bound *bound, int64_t wall, sealring_error *error)
{
    char now[TIMETEXT_SIZE], later[TIMETEXT_SIZE];
    bool unbuilt = wall < bound->built_ms;
    timetext_format(wall, now);
    timetext_format(unbuilt ? bound->built_ms : bound->signed_ms, later);
    if (unbuilt)
        return error_set(
            error, SEALRING_REFUSED,
            "this host's wall clock is wrong: it shows %s, before the date of this build of sealring (%s): set "
            "the clock and repeat the command",
            now, later);
    return error_set(
        error, SEALRING_REFUSED,
        "this host's wall clock is late, or the one before was ahead: it shows %s, and the latest checkpoint was "
        "signed at %s: set the clock and repeat the command; if it is right, add --trust-clock REASON",
        now, later);
}

sealring_status late_check_build(sealring_error *error)
{
    const struct clock_bound bound = {.built_ms = clock_build_ms()};
    int64_t wall = clock_wall_ms();
    return wall < bound.built_ms ? refuse(&bound, wall, error) : SEALRING_OK;
}

static sealring_status nothing(struct registry *registry, void *context, sealring_error *error)
{
    (void)registry;
    (void)context;
    (void)error;
    return SEALRING_OK;
}

/* The reason goes on the record, once for each manager. The checkpoint of the act has this clock's time again, so nobody is asked twice. */
static sealring_status record(sealring_manager *manager, const struct clock_bound *bound, sealring_error *error)
{
    char later[TIMETEXT_SIZE];
    struct audit_act act = {.name = "clock.confirmed"};
    if (manager->clock_recorded || manager->dry_run)
        return SEALRING_OK;
    timetext_format(bound->signed_ms, later);
    audit_detail(&act, "{s:s, s:s}", "checkpoint", later, "reason", manager->trust_clock);
    sealring_status status = manager_write(manager, false, &act, nothing, NULL, error);
    audit_release(&act);
    manager->clock_recorded = status == SEALRING_OK;
    manager->witness.clock_confirmed = manager->clock_recorded;
    return status;
}

static sealring_status check(sealring_manager *manager, bool locked, sealring_error *error)
{
    struct clock_bound bound = {.built_ms = clock_build_ms()};
    int64_t wall = clock_wall_ms();
    sealring_status status = manager_read(manager, read_bound, &bound, error);
    if (status != SEALRING_OK)
        return status;
    manager->bound_ms = clockwatch_bound(&bound);
    if (wall >= manager->bound_ms)
        return SEALRING_OK;
    if (wall < bound.built_ms || manager->trust_clock == NULL)
        return refuse(&bound, wall, error);
    manager->bound_ms = bound.built_ms;
    return locked ? record(manager, &bound, error) : SEALRING_OK;
}

sealring_status manager_check_clock(sealring_manager *manager, sealring_error *error)
{
    return check(manager, false, error);
}

sealring_status manager_begin_dated(sealring_manager *manager, const char *purpose, bool with_token,
                                    sealring_error *error)
{
    sealring_status status = manager_begin(manager, purpose, with_token, error);
    if (status != SEALRING_OK)
        return status;
    status = check(manager, true, error);
    if (status != SEALRING_OK)
        manager_end(manager);
    return status;
}
