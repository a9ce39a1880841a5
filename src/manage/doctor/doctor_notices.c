/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor's examination of the outbox: notices that could not be sent. */
#include <inttypes.h>

#include "manage/doctor/doctor_parts.h"
#include "registry/notices/outbox_rows.h"

void doctor_look_at_notices(struct doctor *doctor)
{
    struct registry *registry = doctor->manager->registry;
    uint64_t waiting = 0, dead = 0;
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, NULL);
    do {
        if (registry_begin(&reading, &status))
            status = registry_notices_count(registry, &waiting, &dead, NULL);
    } while (registry_again(&reading, &status));
    if (status == SEALRING_OK && dead > 0)
        doctor_find(doctor, DOCTOR_NOTICES_DEAD, "outbox", "%" PRIu64 " notice%s to clients could not be sent", dead,
                    dead == 1 ? "" : "s");
}
