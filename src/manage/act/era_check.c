/* SPDX-License-Identifier: Apache-2.0 */
/* The era of the registry: whether every verifier has applied it after a restore or a take-over. */
#include "manage/act/era_check.h"

#include "base/clock.h"
#include "base/error.h"

sealring_status era_check(struct registry *registry, void *context, sealring_error *error)
{
    sealring_manager *manager = context;
    struct roster_count count;
    char latest[SEALRING_TIME_SIZE];
    if (registry_vault_row(registry)->era_in_force)
        return SEALRING_OK;
    sealring_status status = manager_read_roster(manager, registry, error);
    if (status != SEALRING_OK)
        return status;
    roster_count(&manager->roster, 0, 0, &count);
    if (count.done == count.total)
        return SEALRING_OK;
    sealring_time_format((clock_wall_ms() + count.at_most + 999) / 1000 * 1000, latest);
    return error_set(
        error, SEALRING_WAITING,
        "the registry was put back, and %u of %u verifiers still go by what was before, at the latest until %s: what they "
        "would reject is not issued yet; try again, or let `sealring run --once` wait for it (%s)",
        count.total - count.done, count.total, latest, count.missing);
}

static sealring_status set_era_in_force(struct registry *registry, void *context, sealring_error *error)
{
    (void)context;
    return registry_vault_set_era_in_force(registry, error);
}

/* Once every verifier has applied the registry's era, this is recorded, so that it is not checked again: later verifiers start in this era. A
 * registry that cannot record it reports that when the act itself is written. */
void era_follow(sealring_manager *manager)
{
    struct registry_vault vault;
    if (manager->dry_run || manager_read_vault(manager, &vault, NULL) != SEALRING_OK || vault.era_in_force ||
        manager_read(manager, era_check, manager, NULL) != SEALRING_OK)
        return;
    (void)manager_write(manager, false, NULL, set_era_in_force, NULL, NULL);
}
