/* SPDX-License-Identifier: Apache-2.0 */
/* Made-up credentials for the cache's tests: each of a number and a serial, all of whose fields can be told from these. */
#ifndef TESTS_CACHED_H
#define TESTS_CACHED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/rows/rows.h"
#include "unit/seeded.h"
#include "verifier/cache/cache.h"

#define CACHED_RINGS    2
#define CACHED_VERSIONS 4 /* of each ring: numbers 1, 2, 3, and 1 again, as if it had been reinstated */
#define CACHED_RETIRE   INT64_C(7000000)

struct cached_world {
    struct registry_ring rings[CACHED_RINGS];
    struct known_version versions[CACHED_RINGS][CACHED_VERSIONS];
};

static inline void cached_world_open(struct cached_world *world)
{
    memset(world, 0, sizeof *world);
    for (int ring = 0; ring < CACHED_RINGS; ring++) {
        world->rings[ring].id = 11 + ring;
        for (int i = 0; i < CACHED_VERSIONS; i++) {
            world->versions[ring][i].ring = &world->rings[ring];
            world->versions[ring][i].number = (uint32_t)(i % 3 + 1);
        }
    }
}

static inline bool cached_is_imported(uint32_t number)
{
    return number % 5 == 4;
}

static inline int cached_ring(uint32_t number)
{
    return number % 3 == 0;
}

static inline void cached_key_id(uint32_t number, char key_id[SEALRING_KEY_ID_LENGTH + 1])
{
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    uint64_t state = number;
    for (int i = 0; i < SEALRING_KEY_ID_LENGTH; i++)
        key_id[i] = alphabet[seeded_next(&state) % 62];
    key_id[SEALRING_KEY_ID_LENGTH] = '\0';
}

static inline void cached_digest(uint32_t number, uint32_t serial, uint8_t digest[TEXT_DIGEST_SIZE])
{
    uint64_t state = UINT64_C(0x100000000) * serial + number;
    seeded_fill(&state, digest, TEXT_DIGEST_SIZE);
}

/* The row, whole. */
static inline void cached_holder(uint32_t number, uint32_t serial, uint32_t version, struct registry_holder *holder)
{
    memset(holder, 0, sizeof *holder);
    cached_key_id(number, holder->key.key_id);
    holder->key.id = 1000 + number;
    holder->key.ring = holder->ring.id = holder->version.ring = 11 + cached_ring(number);
    holder->key.state = SEALRING_KEY_ACTIVE;
    holder->version.number = version;
    holder->credential.key = holder->key.id;
    holder->credential.serial = serial;
    holder->credential.version = version;
    holder->credential.state = SEALRING_CREDENTIAL_CURRENT;
    holder->credential.imported = cached_is_imported(number);
    holder->credential.not_before = number;
    holder->credential.expires = INT64_C(1) << 40 | number;
    cached_digest(number, serial, holder->credential.digest);
    snprintf(holder->client.name, sizeof holder->client.name, "of-%s", holder->key.key_id);
    snprintf(holder->credential.scopes, sizeof holder->credential.scopes, "%s:read %s:write", holder->key.key_id,
             holder->key.key_id);
}

enum cached_bounds { CACHED_SUSPENDED = 1, CACHED_REPLACED = 2, CACHED_NARROWED = 4, CACHED_BOUNDS = 8 };

/* Bounds of a row, as bits. Narrowed: only reading is left. */
static inline void cached_bind(struct registry_holder *holder, unsigned bounds)
{
    holder->key.state = (bounds & CACHED_SUSPENDED) != 0 ? SEALRING_KEY_SUSPENDED : SEALRING_KEY_ACTIVE;
    holder->credential.replaced = (bounds & CACHED_REPLACED) != 0;
    holder->credential.retire_at = holder->credential.replaced ? CACHED_RETIRE + holder->key.id : 0;
    holder->key.narrowed = (bounds & CACHED_NARROWED) != 0;
    snprintf(holder->key.narrowed_scopes, sizeof holder->key.narrowed_scopes, "%s:read zzz:other",
             holder->key.narrowed ? holder->key.key_id : "none");
}

static inline bool cached_insert(struct cache *cache, struct cached_world *world, struct registry_holder *holder,
                                 int version)
{
    return cache_insert(cache, holder, &world->versions[holder->key.ring - 11][version], holder->credential.digest);
}

/* Inside a lane. */
static inline struct cache_entry *cached_find(const struct cache *cache, uint32_t number, uint32_t serial,
                                              uint32_t version)
{
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    uint8_t digest[TEXT_DIGEST_SIZE];
    cached_key_id(number, key_id);
    cached_digest(number, serial, digest);
    return cached_is_imported(number) ? cache_find_imported(cache, digest) : cache_find(cache, key_id, version, digest);
}

/* What is wrong with an entry that was found, NULL if nothing. *found_bounds: its bounds as bits. */
static inline const char *cached_flaw(const struct cache_entry *entry, uint32_t number, uint32_t serial,
                                      unsigned *found_bounds)
{
    struct registry_holder expected;
    cached_holder(number, serial, entry->version->number, &expected);
    cached_bind(&expected, CACHED_BOUNDS - 1);
    if (memcmp(entry->key_id, expected.key.key_id, sizeof entry->key_id) != 0)
        return "key ID";
    if (memcmp(entry->digest, expected.credential.digest, sizeof entry->digest) != 0)
        return "digest";
    if (entry->key != expected.key.id || entry->serial != serial || entry->not_before != number ||
        entry->expires != expected.credential.expires || entry->imported != cached_is_imported(number))
        return "numbers";
    if (entry->version->ring->id != expected.key.ring)
        return "ring";
    if (strcmp(entry_client(entry), expected.client.name) != 0)
        return "client";
    if (strcmp(entry_scopes(entry), expected.credential.scopes) != 0)
        return "scopes";
    bool narrowed = entry_left_scopes(entry) != entry_scopes(entry);
    *found_bounds = (entry->suspended ? CACHED_SUSPENDED : 0) | (entry->replaced ? CACHED_REPLACED : 0) |
                    (narrowed ? CACHED_NARROWED : 0);
    if (entry->retire_at != (entry->replaced ? expected.credential.retire_at : 0))
        return "end";
    char left[SEALRING_KEY_ID_LENGTH + 16] = "";
    snprintf(left, sizeof left, "%s:read", expected.key.key_id);
    return !narrowed || strcmp(entry_left_scopes(entry), left) == 0 ? NULL : "narrowed scopes";
}

#endif
