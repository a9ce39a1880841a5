/* SPDX-License-Identifier: Apache-2.0 */
/* The versions that facts close, and in which state. */
#include "verifier/state/closed_versions.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

static struct closed_version *find_version(const struct closed_versions *versions, const uint8_t *ring_id,
                                           uint32_t number)
{
    for (size_t i = 0; i < versions->count; i++)
        if (versions->items[i].number == number && memcmp(versions->items[i].ring_id, ring_id, REGISTRY_ID_SIZE) == 0)
            return &versions->items[i];
    return NULL;
}

int closed_versions_state(const struct closed_versions *versions, const uint8_t ring_id[REGISTRY_ID_SIZE],
                          uint32_t number)
{
    const struct closed_version *known = find_version(versions, ring_id, number);
    return known != NULL ? known->state : 0;
}

bool closed_versions_set(struct closed_versions *versions, const struct closed_version *version)
{
    struct closed_version *known = find_version(versions, version->ring_id, version->number);
    bool closes = version->state >= SEALRING_VERSION_RETIRED;
    if (known != NULL && closes) {
        *known = *version;
    } else if (known != NULL) {
        *known = versions->items[--versions->count];
    } else if (closes) {
        if (!array_grow(&versions->items, versions->count))
            return false;
        versions->items[versions->count++] = *version;
    }
    return true;
}

bool closed_versions_close(struct closed_versions *versions, const struct closed_version *version)
{
    int state = closed_versions_state(versions, version->ring_id, version->number);
    return version->state <= state || version->state < SEALRING_VERSION_RETIRED ||
           closed_versions_set(versions, version);
}

void closed_versions_clear(struct closed_versions *versions)
{
    free(versions->items);
    memset(versions, 0, sizeof *versions);
}
