/* SPDX-License-Identifier: Apache-2.0 */
/* Acts that set times need a wall clock that can be right. */
#include "manage/act/clock_check.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/timetext.h"
#include "log/signed_time.h"
#include "manage/act/act.h"

sealring_status late_judge(sealring_manager *manager, struct late_judgement *judgement, sealring_error *error)
{
    *judgement = (struct late_judgement){.bound = {.built_ms = clock_build_ms()}, .wall_ms = clock_wall_ms()};
    sealring_status status = SEALRING_OK;
    if (manager != NULL) {
        struct registry_transaction reading = registry_reading(manager->registry, error);
        do {
            bool forged;
            if (registry_begin(&reading, &status))
                status = signed_time(manager->registry, &judgement->bound.signed_ms, &forged, error);
        } while (registry_again(&reading, &status));
    }
    judgement->late = judgement->wall_ms < clockwatch_bound(&judgement->bound);
    return status;
}

bool late_is_unbuilt(const struct late_judgement *judgement)
{
    return judgement->wall_ms < judgement->bound.built_ms;
}

void late_times(const struct late_judgement *judgement, char shown[TIMETEXT_SIZE], char known[TIMETEXT_SIZE])
{
    const struct clock_bound *bound = &judgement->bound;
    timetext_format(judgement->wall_ms, shown);
    timetext_format(late_is_unbuilt(judgement) ? bound->built_ms : bound->signed_ms, known);
}

static sealring_status refuse(const struct late_judgement *judgement, sealring_error *error)
{
    char shown[TIMETEXT_SIZE], known[TIMETEXT_SIZE];
    late_times(judgement, shown, known);
    if (late_is_unbuilt(judgement))
        return error_set(
            error, SEALRING_REFUSED,
            "this host's wall clock is wrong: it shows %s, before the date of this build of sealring (%s): set "
            "the clock and repeat the command",
            shown, known);
    return error_set(
        error, SEALRING_REFUSED,
        "this host's wall clock is late, or the one before was ahead: it shows %s, and the latest checkpoint was "
        "signed at %s: set the clock and repeat the command; if it is right, add --trust-clock REASON",
        shown, known);
}

sealring_status late_check_build(sealring_error *error)
{
    struct late_judgement judgement;
    sealring_status status = late_judge(NULL, &judgement, error);
    return status == SEALRING_OK && judgement.late ? refuse(&judgement, error) : status;
}

/* Records the reason in the audit log, once for each manager. The act's checkpoint has this clock's time again, so the operator need not confirm
 * twice. */
static sealring_status record(sealring_manager *manager, const struct clock_bound *bound, sealring_error *error)
{
    char later[TIMETEXT_SIZE];
    struct audit_act act = {.name = "clock.confirmed"};
    if (manager->clock_recorded || manager->dry_run)
        return SEALRING_OK;
    timetext_format(bound->signed_ms, later);
    audit_detail(&act, "{s:s, s:s}", "checkpoint", later, "reason", manager->trust_clock);
    sealring_status status = manager_record(manager, &act, error);
    audit_release(&act);
    manager->clock_recorded = status == SEALRING_OK;
    manager->witness.clock_confirmed = manager->clock_recorded;
    return status;
}

sealring_status late_check(sealring_manager *manager, bool records, sealring_error *error)
{
    struct late_judgement judgement;
    sealring_status status = late_judge(manager, &judgement, error);
    if (status != SEALRING_OK)
        return status;
    manager->bound_ms = clockwatch_bound(&judgement.bound);
    if (!judgement.late)
        return SEALRING_OK;
    if (late_is_unbuilt(&judgement) || manager->trust_clock == NULL)
        return refuse(&judgement, error);
    manager->bound_ms = judgement.bound.built_ms;
    return records ? record(manager, &judgement.bound, error) : SEALRING_OK;
}
