/* SPDX-License-Identifier: Apache-2.0 */
/* The set of revoked API keys that a verifier knows of. It only grows, so no row of the registry opens a key again. */
#include "verifier/state/closed_keys.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "verifier/state/key_filter.h"

#define ROOM_MIN 64

/* With the mutex held, all of them. The place of the key, or the free one where it belongs: there always is one. */
static char *find_place(const struct closed_keys *keys, const char *key_id)
{
    size_t at = (size_t)key_filter_hash(keys->secret, key_id) & (keys->room - 1);
    while (keys->places[at][0] != '\0' && memcmp(keys->places[at], key_id, SEALRING_KEY_ID_LENGTH) != 0)
        at = (at + 1) & (keys->room - 1);
    return keys->places[at];
}

static bool grow(struct closed_keys *keys)
{
    struct closed_keys larger = {.room = keys->room == 0 ? ROOM_MIN : 2 * keys->room};
    memcpy(larger.secret, keys->secret, sizeof larger.secret);
    if (keys->room == 0 && getrandom(larger.secret, sizeof larger.secret, 0) != (ssize_t)sizeof larger.secret)
        return false;
    larger.places = calloc(larger.room, sizeof *larger.places);
    if (larger.places == NULL)
        return false;
    for (size_t i = 0; i < keys->room; i++)
        if (keys->places[i][0] != '\0')
            memcpy(find_place(&larger, keys->places[i]), keys->places[i], sizeof *larger.places);
    free(keys->places);
    keys->places = larger.places;
    keys->room = larger.room;
    memcpy(keys->secret, larger.secret, sizeof keys->secret);
    return true;
}

static bool add(struct closed_keys *keys, const char *key_id)
{
    if (keys->count >= keys->room / 4 * 3 && !grow(keys))
        return false;
    char *place = find_place(keys, key_id);
    if (place[0] == '\0') {
        memcpy(place, key_id, SEALRING_KEY_ID_LENGTH);
        keys->count++;
    }
    return true;
}

void closed_keys_clear(struct closed_keys *keys)
{
    pthread_mutex_lock(&keys->mutex);
    free(keys->places);
    keys->places = NULL;
    keys->room = keys->count = 0;
    pthread_mutex_unlock(&keys->mutex);
}

bool closed_keys_add(struct closed_keys *keys, const char *key_id)
{
    pthread_mutex_lock(&keys->mutex);
    bool added =
        key_id[0] == '\0' || add(keys, key_id); /* what begins with NUL is no key's, and nobody can present it */
    pthread_mutex_unlock(&keys->mutex);
    return added;
}

bool closed_keys_has(struct closed_keys *keys, const char *key_id)
{
    pthread_mutex_lock(&keys->mutex);
    bool has = keys->room > 0 && key_id[0] != '\0' && find_place(keys, key_id)[0] != '\0';
    pthread_mutex_unlock(&keys->mutex);
    return has;
}
