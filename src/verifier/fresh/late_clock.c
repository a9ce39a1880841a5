/* SPDX-License-Identifier: Apache-2.0 */
/* Detects a wall clock that is certainly late: credentials that can expire are unavailable until it is right. */
#include "verifier/fresh/late_clock.h"

#include "base/clock.h"
#include "base/fork.h"
#include "base/timetext.h"
#include "log/signed_time.h"

#define OFFSET_MAX (INT64_MAX / 4) /* ms: some seventy million years */

static sealring_status read_signed(struct registry *registry, int64_t *signed_ms, bool *forged, sealring_error *error)
{
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, error);
    fork_guard_enter();
    do {
        if (registry_begin(&reading, &status))
            status = signed_time(registry, signed_ms, forged, error);
    } while (registry_again(&reading, &status));
    fork_guard_leave();
    return status;
}

static void tell(struct verifier *verifier, const struct clock_bound *bound)
{
    char time[TIMETEXT_SIZE];
    bool built = bound->signed_ms - CLOCKWATCH_BOUND_SLACK_MS <= bound->built_ms;
    timetext_format(built ? bound->built_ms : bound->signed_ms, time);
    if (verifier->late)
        messages_add(verifier->messages, SEALRING_LOG_ALARM,
                     "ALARM: this host's wall clock is late: it is before %s, %s: credentials that can expire are "
                     "unavailable until it is set; check the host's time service",
                     time, built ? "the date of this build of sealring" : "when the latest checkpoint was signed");
    else
        messages_add(verifier->messages, SEALRING_LOG_WARNING,
                     "this host's wall clock is not late any more: credentials that can expire are judged again");
}

sealring_status late_clock_judge(struct verifier *verifier, sealring_error *error)
{
    int64_t wall = verifier->protocol.look_wall;
    int64_t boot = verifier->protocol.look_started;
    struct clock_bound bound = {.built_ms = clock_build_ms()};
    bool forged = false;
    bool before = verifier->late;
    verifier->wall_ms = wall;
    verifier->late = wall < bound.built_ms;
    if (verifier->late || clockwatch_needs_signed(&verifier->trust, wall, boot, bound.built_ms)) {
        sealring_status status = read_signed(verifier->looker, &bound.signed_ms, &forged, error);
        if (status != SEALRING_OK)
            return status;
        verifier->late = !clockwatch_trusts(&verifier->trust, wall, boot, &bound);
    }
    if (forged)
        messages_add(
            verifier->messages, SEALRING_LOG_ALARM,
            "ALARM: the latest checkpoint in the registry %s is not signed by this vault's key for checkpoints: "
            "it does not count; see `sealring audit verify`",
            verifier->setup.registry);
    if (verifier->late && clockwatch_bound(&bound) > wall)
        verifier->wall_ms = clockwatch_bound(&bound);
    if (verifier->late != before)
        tell(verifier, &bound);
    return SEALRING_OK;
}

void late_clock_publish(struct verifier *verifier)
{
    int64_t offset = verifier->wall_ms - verifier->protocol.look_started;
    if (offset > OFFSET_MAX)
        offset = OFFSET_MAX;
    if (offset < -OFFSET_MAX)
        offset = -OFFSET_MAX;
    int64_t published = 2 * offset + (verifier->late ? 1 : 0);
    if (published < atomic_load(&verifier->wall_offset))
        atomic_store(&verifier->no_detail_until, 0); /* it may be far ahead now */
    atomic_store(&verifier->wall_offset, published);
}

static void limit_use(struct known_version *version, void *context)
{
    const struct verifier *verifier = context;
    struct report_version *record = atomic_load(&version->usage);
    if (record == NULL)
        return;
    int64_t last = atomic_load(&record->last_use_ms);
    /* a use that is counted meanwhile takes precedence */
    if (last > verifier->wall_ms + CLOCKWATCH_BOUND_SLACK_MS)
        (void)atomic_compare_exchange_strong(&record->last_use_ms, &last, verifier->wall_ms);
}

void late_clock_limit_uses(struct verifier *verifier)
{
    if (!verifier->late)
        snapshot_each(atomic_load(&verifier->snapshot), limit_use, verifier);
}
