/* SPDX-License-Identifier: Apache-2.0 */
/* The set of revoked API keys that a verifier knows of. It only grows, so no row of the registry opens a key again. */
#include "verifier/state/closed_keys.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define ROOM_FIRST 64

/* A key ID is two words. A place is free while its first word is 0; no key ID contains a NUL. The second word is stored before the
 * first, so a reader that sees the first sees both. */
struct place {
    _Atomic(uint64_t) first;
    _Atomic(uint64_t) second;
};
_Static_assert(SEALRING_KEY_ID_LENGTH == 2 * sizeof(uint64_t), "a key ID is two words");

/* Open addressing with linear probing, at most half full. A table that was too small is kept until the set is freed: a reader may still
 * be in it. All together they are no larger than the present one. */
struct key_table {
    struct key_table *former;
    size_t room; /* a power of two */
    struct place places[];
};

struct closed_keys {
    struct closed_keys *former;
    _Atomic(struct key_table *) table;
    size_t count;
    uint64_t seed; /* whoever writes the registry chooses key IDs, and must not choose where they collide */
};

struct words {
    uint64_t first;
    uint64_t second;
};

static struct words words_of(const char *key_id)
{
    struct words words;
    memcpy(&words.first, key_id, sizeof words.first);
    memcpy(&words.second, key_id + sizeof words.first, sizeof words.second);
    return words;
}

static uint64_t mix(uint64_t word)
{
    word = (word ^ word >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return word ^ word >> 32;
}

static size_t place_of(const struct closed_keys *keys, struct words words, size_t room)
{
    return (size_t)mix(mix(words.first ^ keys->seed) ^ words.second) & (room - 1);
}

static struct key_table *table_new(size_t room, struct key_table *former)
{
    struct key_table *table = calloc(1, sizeof *table + room * sizeof table->places[0]);
    if (table != NULL) {
        table->room = room;
        table->former = former;
    }
    return table;
}

struct closed_keys *closed_keys_new(struct closed_keys *former)
{
    struct closed_keys *keys = calloc(1, sizeof *keys);
    struct key_table *table = table_new(ROOM_FIRST, NULL);
    if (keys == NULL || table == NULL || getrandom(&keys->seed, sizeof keys->seed, 0) != (ssize_t)sizeof keys->seed) {
        free(keys);
        free(table);
        return NULL;
    }
    atomic_init(&keys->table, table);
    keys->former = former;
    return keys;
}

void closed_keys_free(struct closed_keys *keys)
{
    if (keys == NULL)
        return;
    closed_keys_free(keys->former);
    for (struct key_table *table = atomic_load(&keys->table), *former; table != NULL; table = former) {
        former = table->former;
        free(table);
    }
    free(keys);
}

/* Whether it is there; otherwise *place is the free place for it. */
static bool find(const struct closed_keys *keys, const struct key_table *table, struct words words, size_t *place)
{
    size_t index = place_of(keys, words, table->room);
    for (;; index = (index + 1) & (table->room - 1)) {
        uint64_t first = atomic_load_explicit(&table->places[index].first, memory_order_acquire);
        if (first == words.first &&
            atomic_load_explicit(&table->places[index].second, memory_order_relaxed) == words.second)
            return true;
        if (first == 0) {
            *place = index;
            return false;
        }
    }
}

static void put(struct key_table *table, size_t place, struct words words)
{
    atomic_store_explicit(&table->places[place].second, words.second, memory_order_relaxed);
    atomic_store_explicit(&table->places[place].first, words.first, memory_order_release);
}

static bool grow(struct closed_keys *keys)
{
    struct key_table *small = atomic_load(&keys->table);
    struct key_table *table = table_new(2 * small->room, small);
    if (table == NULL)
        return false;
    for (size_t i = 0; i < small->room; i++) {
        struct words words = {atomic_load(&small->places[i].first), atomic_load(&small->places[i].second)};
        size_t place;
        if (words.first != 0 && !find(keys, table, words, &place))
            put(table, place, words);
    }
    atomic_store(&keys->table, table);
    return true;
}

bool closed_keys_add(struct closed_keys *keys, const char *key_id)
{
    struct words words = words_of(key_id);
    size_t place;
    if (words.first == 0 || find(keys, atomic_load(&keys->table), words, &place))
        return true;
    if (2 * (keys->count + 1) > atomic_load(&keys->table)->room && !grow(keys))
        return false;
    struct key_table *table = atomic_load(&keys->table);
    if (!find(keys, table, words, &place))
        put(table, place, words);
    keys->count++;
    return true;
}

bool closed_keys_has(const struct closed_keys *keys, const char *key_id)
{
    size_t place;
    return find(keys, atomic_load(&keys->table), words_of(key_id), &place);
}

size_t closed_keys_count(const struct closed_keys *keys)
{
    return keys->count;
}
