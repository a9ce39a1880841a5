/* SPDX-License-Identifier: Apache-2.0 */
/* The set of revoked API keys that a verifier knows of. It only grows, so no row of the registry opens a key again. */
#include "verifier/state/closed_keys.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

static int order(const void *one, const void *other)
{
    return memcmp(one, other, SEALRING_KEY_ID_LENGTH);
}

void closed_keys_clear(struct closed_keys *keys)
{
    pthread_mutex_lock(&keys->mutex);
    tdestroy(keys->root, free);
    keys->root = NULL;
    pthread_mutex_unlock(&keys->mutex);
}

bool closed_keys_add(struct closed_keys *keys, const char *key_id)
{
    char *copy = malloc(SEALRING_KEY_ID_LENGTH);
    if (copy == NULL)
        return false;
    memcpy(copy, key_id, SEALRING_KEY_ID_LENGTH);
    pthread_mutex_lock(&keys->mutex);
    char **node = tsearch(copy, &keys->root, order);
    if (node == NULL || *node != copy) /* no memory, or it is there already */
        free(copy);
    pthread_mutex_unlock(&keys->mutex);
    return node != NULL;
}

bool closed_keys_has(struct closed_keys *keys, const char *key_id)
{
    pthread_mutex_lock(&keys->mutex);
    bool has = tfind(key_id, &keys->root, order) != NULL;
    pthread_mutex_unlock(&keys->mutex);
    return has;
}
