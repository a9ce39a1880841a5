/* SPDX-License-Identifier: Apache-2.0 */
/* What the registry has of versions and their keys, and what objects the token has, side by side. */
#include "manage/tokens/key_inventory.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"

static sealring_status inventory_add_ring(struct inventory *inventory, struct registry *registry,
                                          const struct registry_ring *ring, sealring_error *error)
{
    struct registry_version version;
    sealring_status status = SEALRING_OK;
    if (!array_grow(&inventory->rings, inventory->ring_count))
        return error_no_memory(error);
    inventory->rings[inventory->ring_count++] = *ring;
    struct registry_cursor versions = registry_versions(registry, ring->id, error);
    while (status == SEALRING_OK && registry_version_next(&versions, &version))
        if (array_grow(&inventory->versions, inventory->version_count))
            inventory->versions[inventory->version_count++] = (struct inventory_version){version, *ring};
        else
            status = error_no_memory(error);
    return registry_close_cursor(&versions, status);
}

static sealring_status inventory_read_rings(struct inventory *inventory, struct registry *registry,
                                            sealring_error *error)
{
    struct registry_ring ring;
    sealring_status status = SEALRING_OK;
    struct registry_cursor rings = registry_rings(registry, error);
    while (status == SEALRING_OK && registry_ring_next(&rings, &ring))
        status = inventory_add_ring(inventory, registry, &ring, error);
    return registry_close_cursor(&rings, status);
}

static sealring_status inventory_read_intentions(struct inventory *inventory, struct registry *registry,
                                                 sealring_error *error)
{
    struct registry_intention intention;
    sealring_status status = SEALRING_OK;
    struct registry_cursor intentions = registry_intentions(registry, error);
    while (status == SEALRING_OK && registry_intention_next(&intentions, &intention))
        if (array_grow(&inventory->intentions, inventory->intention_count))
            inventory->intentions[inventory->intention_count++] = intention;
        else
            status = error_no_memory(error);
    return registry_close_cursor(&intentions, status);
}

sealring_status inventory_read(struct inventory *inventory, struct registry *registry, sealring_error *error)
{
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        inventory->ring_count = inventory->version_count = inventory->intention_count = 0;
        if (!registry_begin(&reading, &status))
            continue;
        inventory->vault = *registry_vault_row(registry);
        status = inventory_read_rings(inventory, registry, error);
        if (status == SEALRING_OK)
            status = inventory_read_intentions(inventory, registry, error);
    } while (registry_again(&reading, &status));
    return status;
}

sealring_status inventory_add_object(const struct token_key_info *object, void *context, sealring_error *error)
{
    struct inventory *inventory = context;
    if (!array_grow(&inventory->objects, inventory->object_count))
        return error_no_memory(error);
    inventory->objects[inventory->object_count++] = *object;
    return SEALRING_OK;
}

bool inventory_same_id(const struct token_key_info *object, const uint8_t *id, size_t length)
{
    return object->object_id_length == length && memcmp(object->object_id, id, length) == 0;
}

size_t inventory_count_objects(const struct inventory *inventory, const uint8_t *id, size_t length,
                               const struct token_key_info **first)
{
    size_t count = 0;
    *first = NULL;
    for (size_t i = 0; i < inventory->object_count; i++)
        if (inventory_same_id(&inventory->objects[i], id, length) && count++ == 0)
            *first = &inventory->objects[i];
    return count;
}

const struct inventory_version *inventory_find_version(const struct inventory *inventory,
                                                       const struct token_key_info *object)
{
    for (size_t i = 0; i < inventory->version_count; i++) {
        const struct registry_version *row = &inventory->versions[i].row;
        if (inventory_same_id(object, row->object_id, row->object_id_length))
            return &inventory->versions[i];
    }
    return NULL;
}

const struct registry_intention *inventory_find_intention(const struct inventory *inventory,
                                                          const struct token_key_info *object)
{
    for (size_t i = 0; i < inventory->intention_count; i++) {
        const struct registry_intention *intention = &inventory->intentions[i];
        if (inventory_same_id(object, intention->object_id, intention->object_id_length))
            return intention;
    }
    return NULL;
}

void inventory_release(struct inventory *inventory)
{
    free(inventory->rings);
    free(inventory->versions);
    free(inventory->intentions);
    free(inventory->objects);
    *inventory = (struct inventory){.rings = NULL};
}
