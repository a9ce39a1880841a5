/* SPDX-License-Identifier: Apache-2.0 */
/* The era of the registry: whether every verifier has applied it after a restore or a take-over. */
#include "manage/act/era_check.h"

#include "base/clock.h"
#include "base/error.h"

sealring_status era_check(struct registry *registry, sealring_manager *manager, sealring_error *error)
{
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
        "the registry was restored or taken over, and %u of %u verifiers still use what was before, at the latest until %s: what they "
        "would reject is not issued yet; try again, or let `sealring run --once` wait for it (%s)",
        count.total - count.done, count.total, latest, count.missing);
}

/* Once every verifier has applied the registry's era, this is recorded, so that it is not checked again: later verifiers start in this era. A
 * registry that cannot record it reports that when the act itself is written. */
void era_follow(sealring_manager *manager)
{
    struct registry *registry = manager->registry;
    sealring_status status;
    bool in_force = false;
    if (manager->dry_run)
        return;
    struct registry_transaction reading = registry_reading(registry, NULL);
    do {
        if (!registry_begin(&reading, &status))
            continue;
        in_force = registry_vault_row(registry)->era_in_force;
        status = era_check(registry, manager, NULL);
    } while (registry_again(&reading, &status));
    if (status != SEALRING_OK || in_force)
        return;
    struct commit commit = manager_commit(manager, false, NULL, NULL);
    do {
        if (commit_begin(&commit, &status))
            status = registry_vault_set_era_in_force(registry, NULL);
    } while (commit_again(&commit, &status));
}
