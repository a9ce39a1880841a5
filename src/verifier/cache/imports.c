/* SPDX-License-Identifier: Apache-2.0 */
/* Imported credentials by key ID: the table finds them by their digest, but changes of the registry name their API key. */
#include "verifier/cache/imports.h"

#include <stdlib.h>

#define IMPORTS_ROOM_FIRST 64

void imports_close(struct imports *imports)
{
    free(imports->places);
    *imports = (struct imports){NULL, 0, 0};
}

static size_t home_of(const struct imports *imports, const char key_id[SEALRING_KEY_ID_LENGTH])
{
    return (size_t)entry_hash_key_id(key_id) & (imports->room - 1);
}

bool imports_reserve(struct imports *imports)
{
    if (2 * (imports->count + 1) <= imports->room)
        return true;
    struct imports grown = {NULL, imports->room == 0 ? IMPORTS_ROOM_FIRST : 2 * imports->room, 0};
    grown.places = calloc(grown.room, sizeof grown.places[0]);
    if (grown.places == NULL)
        return false;
    for (size_t i = 0; i < imports->room; i++)
        if (imports->places[i] != NULL)
            imports_add(&grown, imports->places[i]);
    free(imports->places);
    *imports = grown;
    return true;
}

void imports_add(struct imports *imports, struct entry *entry)
{
    size_t place = home_of(imports, entry->key_id);
    while (imports->places[place] != NULL)
        place = (place + 1) & (imports->room - 1);
    imports->places[place] = entry;
    imports->count++;
}

/* Moves each following entry up, unless it would then precede its home slot. So no search ends too early, and there are no tombstones. */
static void close_gap(struct imports *imports, size_t gap)
{
    size_t mask = imports->room - 1;
    imports->places[gap] = NULL;
    for (size_t place = (gap + 1) & mask; imports->places[place] != NULL; place = (place + 1) & mask) {
        size_t home = home_of(imports, imports->places[place]->key_id);
        if (((place - home) & mask) < ((place - gap) & mask))
            continue;
        imports->places[gap] = imports->places[place];
        imports->places[place] = NULL;
        gap = place;
    }
}

void imports_remove(struct imports *imports, const struct entry *entry)
{
    size_t place = home_of(imports, entry->key_id);
    while (imports->places[place] != entry)
        place = (place + 1) & (imports->room - 1);
    imports->count--;
    close_gap(imports, place);
}

struct entry *imports_next(const struct imports *imports, const char key_id[SEALRING_KEY_ID_LENGTH], size_t *cursor)
{
    if (imports->room == 0)
        return NULL;
    for (;;) {
        struct entry *entry = imports->places[(home_of(imports, key_id) + *cursor) & (imports->room - 1)];
        ++*cursor;
        if (entry == NULL || entry_has_key_id(entry, key_id))
            return entry;
    }
}

size_t imports_memory(const struct imports *imports)
{
    return imports->room * sizeof imports->places[0];
}
