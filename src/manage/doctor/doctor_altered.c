/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's repair of edited rows: they become what the last facts about them contain. */
#include <stdatomic.h>
#include <string.h>

#include "base/error.h"
#include "manage/act/act.h"
#include "manage/doctor/doctor_parts.h"
#include "manage/versions/ring_correction.h"
#include "registry/rows/closed_facts.h"

static sealring_status correct_key(struct registry *registry, const char *key_id, sealring_error *error)
{
    struct registry_key key;
    bool found = false, differs;
    sealring_status status = registry_key_find(registry, key_id, &key, &found, error);
    if (status == SEALRING_OK && !found)
        status = error_set(error, SEALRING_REFUSED, "the row is missing by now");
    if (status == SEALRING_OK)
        status = registry_key_follow(registry, &key, &differs, error);
    return status == SEALRING_OK ? registry_key_update(registry, &key, error) : status;
}

/* As the acts that correct a row do. */
static void raise_alarm(sealring_manager *manager, const struct doctor_finding *finding)
{
    struct audit_act act = {.name = "alarm", .version = finding->version};
    bool described = atomic_exchange(&manager->alarmed, false);
    memcpy(act.ring, finding->ring, sizeof act.ring);
    memcpy(act.key_id, finding->key_id, sizeof act.key_id);
    audit_detail(&act, "{s:s, s:s}", "act", "doctor.repair", "why", described ? manager->correction : finding->what);
    (void)manager_record(manager, &act, NULL);
    audit_release(&act);
}

/* By the facts, which the beginning of the repair has checked. In a transaction without the triggers that keep final states. */
sealring_status mend_altered(struct doctor *doctor, struct doctor_finding *finding, sealring_error *error)
{
    sealring_manager *manager = doctor->manager;
    sealring_status status = doctor_record(doctor, finding, "its row is corrected by the facts", error);
    if (status != SEALRING_OK)
        return status;
    struct commit commit = manager_commit(manager, true, NULL, error);
    commit.corrects = true;
    do {
        if (commit_begin(&commit, &status))
            status = finding->key_id[0] != '\0' ? correct_key(manager->registry, finding->key_id, error)
                                                : ring_write_facts(manager->registry, finding->ring, error);
    } while (commit_again(&commit, &status));
    if (status == SEALRING_OK)
        raise_alarm(manager, finding);
    return status;
}
