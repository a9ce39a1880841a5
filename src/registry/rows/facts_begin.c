/* SPDX-License-Identifier: Apache-2.0 */
/* The beginning of facts with values: the fact about no ring, and one about each ring and version that exists. */
#include <stdlib.h>

#include "base/array.h"
#include "base/error.h"
#include "registry/connection/handle.h"
#include "registry/rows/ring_facts.h"
#include "registry/rows/version_facts.h"

/* Rings and versions are few; nothing is written while a cursor is open. */
static sealring_status note_rings(struct registry *registry, sealring_error *error)
{
    struct registry_ring *rings = NULL, ring;
    size_t count = 0;
    sealring_status status = SEALRING_OK;
    struct registry_cursor cursor = registry_rings(registry, error);
    while (status == SEALRING_OK && registry_ring_next(&cursor, &ring))
        if (array_grow(&rings, count))
            rings[count++] = ring;
        else
            status = error_no_memory(error);
    status = registry_close_cursor(&cursor, status);
    for (size_t i = 0; status == SEALRING_OK && i < count; i++)
        status = ring_fact_note(registry, &rings[i], error);
    free(rings);
    return status;
}

static sealring_status note_versions(struct registry *registry, sealring_error *error)
{
    struct registry_version *versions = NULL, version;
    size_t count = 0;
    sealring_status status = SEALRING_OK;
    struct registry_cursor cursor = registry_versions(registry, 0, error);
    while (status == SEALRING_OK && registry_version_next(&cursor, &version))
        if (array_grow(&versions, count))
            versions[count++] = version;
        else
            status = error_no_memory(error);
    status = registry_close_cursor(&cursor, status);
    for (size_t i = 0; status == SEALRING_OK && i < count; i++)
        status = version_fact_note(registry, &versions[i], error);
    free(versions);
    return status;
}

sealring_status facts_begin(struct registry *registry, sealring_error *error)
{
    struct registry_closed fact = {.is_version = true, .state = SEALRING_VERSION_PENDING, .value = "1"};
    sealring_status status = closed_add(registry, &fact, error);
    if (status == SEALRING_OK)
        status = note_rings(registry, error);
    return status == SEALRING_OK ? note_versions(registry, error) : status;
}
