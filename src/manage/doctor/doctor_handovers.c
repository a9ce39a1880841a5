/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor finds about successors that nobody took: one finding for each ring. */
#include <stdio.h>
#include <string.h>

#include "manage/doctor/doctor_parts.h"
#include "registry/handover/handover_rows.h"

static void report_ring(struct doctor *doctor, const struct registry_handover_info *first, uint64_t count)
{
    char object[SEALRING_NAME_LENGTH_MAX + 8];
    if (count == 0)
        return;
    (void)snprintf(object, sizeof object, "ring %s", first->ring);
    struct doctor_finding *finding =
        doctor_find(doctor, DOCTOR_SUCCESSOR_UNDELIVERED, object,
                    "the successors of %llu of its API keys were not delivered; the first is %s of %s: %s",
                    (unsigned long long)count, first->key.key_id, first->client, first->row.failure);
    memcpy(finding->ring, first->ring, sizeof finding->ring);
}

static sealring_status look(struct doctor *doctor, sealring_error *error)
{
    struct registry_handover_info info, first = {.ring = ""};
    uint64_t failed = 0;
    struct registry_cursor handovers = registry_handovers(doctor->manager->registry, 0, false, error);
    while (registry_handover_next(&handovers, &info)) {
        if (info.row.failure[0] == 0)
            continue;
        if (strcmp(info.ring, first.ring) != 0) {
            report_ring(doctor, &first, failed);
            first = info;
            failed = 0;
        }
        failed++;
    }
    sealring_status status = registry_close_cursor(&handovers, SEALRING_OK);
    if (status == SEALRING_OK)
        report_ring(doctor, &first, failed);
    return status;
}

void doctor_look_at_handovers(struct doctor *doctor)
{
    sealring_error error = {.message = ""};
    const size_t before = doctor->findings.count;
    sealring_status status;
    struct registry_transaction reading = registry_reading(doctor->manager->registry, &error);
    do {
        doctor_forget(&doctor->findings, before);
        if (registry_begin(&reading, &status))
            status = look(doctor, &error);
    } while (registry_again(&reading, &status));
    if (status != SEALRING_OK)
        doctor_unseen(doctor, SEALRING_REGISTRY, "which successors were not delivered: %s", error.message);
}
