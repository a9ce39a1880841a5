/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the clients of a ring that renew by themselves. */
#include <sealring/renew.h>

#include "base/error.h"
#include "manage/session/manager.h"
#include "registry/usage/renewal_counts.h"

static sealring_status count(struct registry *registry, const char *name, struct registry_renewal_counts *counts,
                             sealring_error *error)
{
    struct registry_ring ring;
    sealring_status status = manager_get_ring(registry, name, &ring, error);
    return status == SEALRING_OK ? registry_renewal_count(registry, ring.id, counts, error) : status;
}

sealring_status sealring_count_renewing(sealring_manager *manager, const char *ring, sealring_renewing *renewing,
                                        sealring_error *error)
{
    struct registry_renewal_counts counts = {.longest = -1};
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, error);
    if (renewing->size < sizeof *renewing)
        return error_set(error, SEALRING_INVALID, "sealring_renewing has another size");
    do {
        if (registry_begin(&reading, &status))
            status = count(manager->registry, ring, &counts, error);
    } while (registry_again(&reading, &status));
    renewing->clients = counts.clients;
    renewing->renewing = counts.renewing;
    renewing->longest = counts.longest;
    return status;
}
