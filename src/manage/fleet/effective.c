/* SPDX-License-Identifier: Apache-2.0 */
/* Determines whether a change is effective at every verifier, and writes down what the roster learned about verifiers. */
#include "manage/fleet/effective.h"

#include "base/base62.h"

static sealring_status remember(struct registry *registry, void *context, sealring_error *error)
{
    return roster_remember(registry, context, error);
}

struct alarmed {
    struct roster_entry *entry;
    struct audit_act act;
};

static sealring_status record_alarm(struct registry *registry, void *context, sealring_error *error)
{
    struct alarmed *alarmed = context;
    const struct roster_entry *entry = alarmed->entry;
    struct registry_verifier row = entry->row;
    char instance[2 * REGISTRY_ID_SIZE + 1];
    hex_encode(row.instance, sizeof row.instance, instance);
    audit_detail(&alarmed->act, "{s:s, s:s, s:s, s:s, s:I, s:I}", "act", "verify", "why", entry->alarm, "verifier",
                 instance, "host", row.host, "process", (json_int_t)row.process, "alarms",
                 (json_int_t)(entry->alarms - row.alarms));
    row.alarms = entry->alarms;
    return registry_verifier_put(registry, &row, error);
}

/* Records verifiers' alarms in the audit log: verifiers cannot write there themselves. */
static void record_alarms(sealring_manager *manager)
{
    size_t index = 0;
    struct alarmed alarmed = {.act = {.name = "alarm"}};
    while ((alarmed.entry = roster_next_alarm(&manager->roster, &index)) != NULL) {
        if (manager_write(manager, false, &alarmed.act, record_alarm, &alarmed, NULL) == SEALRING_OK)
            alarmed.entry->row.alarms = alarmed.entry->alarms;
        audit_release(&alarmed.act);
    }
}

void effective_remember(sealring_manager *manager)
{
    if (!manager->dry_run)
        record_alarms(manager);
    if (!manager->dry_run && roster_is_news(&manager->roster))
        (void)manager_write(manager, false, NULL, remember, &manager->roster, NULL);
}

bool effective_everywhere(const struct roster *roster, uint64_t epoch, int64_t committed_boot_ms)
{
    struct roster_count count;
    roster_count(roster, epoch, committed_boot_ms, &count);
    return count.done == count.total;
}
