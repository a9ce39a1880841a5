/* SPDX-License-Identifier: Apache-2.0 */
/* Determines whether a change is effective at every verifier, and writes down what the roster learned about verifiers. */
#include "manage/fleet/effective.h"

#include "base/base62.h"

/* Records a verifier's alarms in the audit log: verifiers cannot write there themselves. */
static void record_alarms(sealring_manager *manager, struct roster_entry *entry)
{
    struct audit_act act = {.name = "alarm"};
    struct registry_verifier row = entry->row;
    char instance[2 * REGISTRY_ID_SIZE + 1];
    sealring_status status;
    hex_encode(row.instance, sizeof row.instance, instance);
    audit_detail(&act, "{s:s, s:s, s:s, s:s, s:I, s:I}", "act", "verify", "why",
                 entry->alarms == 0 ? "the registry's count of this verifier's alarms was altered" : entry->alarm,
                 "verifier", instance, "host", row.host, "process", (json_int_t)row.process, "alarms",
                 (json_int_t)(entry->alarms > row.alarms ? entry->alarms - row.alarms : entry->alarms));
    row.alarms = entry->alarms;
    struct commit commit = manager_commit(manager, false, &act, NULL);
    do {
        if (commit_begin(&commit, &status))
            status = registry_verifier_put(manager->registry, &row, NULL);
    } while (commit_again(&commit, &status));
    if (status == SEALRING_OK)
        entry->row.alarms = entry->alarms;
    audit_release(&act);
}

void effective_remember(sealring_manager *manager)
{
    sealring_status status;
    const struct roster *roster = &manager->roster;
    if (manager->dry_run)
        return;
    for (size_t i = 0; i < roster->count; i++)
        if (roster_has_alarms(&roster->entries[i]))
            record_alarms(manager, &roster->entries[i]);
    if (!roster_is_news(roster))
        return;
    struct commit commit = manager_commit(manager, false, NULL, NULL);
    do {
        if (commit_begin(&commit, &status))
            status = roster_remember(manager->registry, roster, NULL);
    } while (commit_again(&commit, &status));
}

bool effective_everywhere(const struct roster *roster, const struct roster_change *change)
{
    struct roster_count count;
    roster_count(roster, change, &count);
    return count.done == count.total;
}
