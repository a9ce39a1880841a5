/* SPDX-License-Identifier: Apache-2.0 */
/* What the registry has of versions and their keys, and what objects the token has, side by side. */
#ifndef MANAGE_TOKENS_KEY_INVENTORY_H
#define MANAGE_TOKENS_KEY_INVENTORY_H

#include "registry/rows/rows.h"
#include "token/key/key_object.h"

struct inventory_version {
    struct registry_version row;
    struct registry_ring ring;
};

/* All zero at the beginning. */
struct inventory {
    struct registry_vault vault;
    struct registry_ring *rings;
    size_t ring_count;
    struct inventory_version *versions; /* of all rings */
    size_t version_count;
    struct registry_intention *intentions;
    size_t intention_count;
    struct token_key_info *objects;
    size_t object_count;
};

/* The registry's side, in a transaction of its own; replaces what was read before. */
sealring_status inventory_read(struct inventory *inventory, struct registry *registry, sealring_error *error);

/* Adds an object of the token: the callback of token_key_each and token_key_examine, whose context is the inventory. */
sealring_status inventory_add_object(const struct token_key_info *object, void *context, sealring_error *error);

/* The number of objects with this ID. *first: one of them, in the order of the token, NULL: there is none. */
size_t inventory_count_objects(const struct inventory *inventory, const uint8_t *id, size_t length,
                               const struct token_key_info **first);

bool inventory_same_id(const struct token_key_info *object, const uint8_t *id, size_t length);

/* The version, or the intention, that has the object's ID; NULL: none has. */
const struct inventory_version *inventory_find_version(const struct inventory *inventory,
                                                       const struct token_key_info *object);
const struct registry_intention *inventory_find_intention(const struct inventory *inventory,
                                                          const struct token_key_info *object);

void inventory_release(struct inventory *inventory);

#endif
