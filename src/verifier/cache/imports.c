/* SPDX-License-Identifier: Apache-2.0 */
/* Imported credentials by key ID: the table finds them by their digest, but changes of the registry name their API key. */
#include "verifier/cache/imports.h"

#include <search.h>

static int order_by(const struct cache_entry *entry, const char *key_id, const uint8_t *digest)
{
    int order = memcmp(key_id, entry->key_id, sizeof entry->key_id);
    return order != 0 ? order : memcmp(digest, entry->digest, sizeof entry->digest);
}

static int entry_order(const void *wanted, const void *item)
{
    const struct cache_entry *entry = wanted;
    return order_by(item, entry->key_id, entry->digest);
}

static void keep(void *entry)
{
    (void)entry;
}

void imports_close(struct imports *imports)
{
    tdestroy(imports->root, keep);
    imports->root = NULL;
}

bool imports_add(struct imports *imports, struct cache_entry *entry)
{
    return tsearch(entry, &imports->root, entry_order) != NULL;
}

void imports_remove(struct imports *imports, const struct cache_entry *entry)
{
    tdelete(entry, &imports->root, entry_order);
}

void imports_replace(struct imports *imports, struct cache_entry *entry)
{
    *(struct cache_entry **)tfind(entry, &imports->root, entry_order) = entry;
}

struct successor {
    const char *key_id;
    const uint8_t *after;
    struct cache_entry *found;
};

/* Never finds an equal one: the last entry above the wanted place that the search passes is the next one in order. */
static int seek(const void *wanted, const void *item)
{
    struct successor *successor = (struct successor *)(uintptr_t)wanted;
    if (order_by(item, successor->key_id, successor->after) >= 0)
        return 1;
    successor->found = (struct cache_entry *)(uintptr_t)item;
    return -1;
}

struct cache_entry *imports_next(const struct imports *imports, const char key_id[SEALRING_KEY_ID_LENGTH],
                                 uint8_t after[TEXT_DIGEST_SIZE])
{
    struct successor successor = {key_id, after, NULL};
    tfind(&successor, &imports->root, seek);
    if (successor.found == NULL || !entry_has_key_id(successor.found, key_id))
        return NULL;
    memcpy(after, successor.found->digest, TEXT_DIGEST_SIZE);
    return successor.found;
}
