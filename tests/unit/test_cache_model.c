/* SPDX-License-Identifier: Apache-2.0 */
/* The cache against a simple model of it, over many random operations. */
#include "lib/runner.h"
#include "unit/cached.h"

#define KEYS       300
#define SERIALS    3
#define OPERATIONS 100000
#define CRAMPED    150 /* capacity of the one that has to make room */

struct slot {
    bool there;
    int version; /* index in the world */
    unsigned bounds;
};

struct walk {
    struct cached_world world;
    struct lanes *lanes;
    struct cache *cache;
    struct slot slots[KEYS][SERIALS];
    struct registry_holder holder;
    uint64_t random;
    int step;
    bool evicts;
    uint64_t evicted;
    uint64_t hits, misses, altered;
};

static uint64_t first_seed;

static uint32_t below(struct walk *walk, uint32_t limit)
{
    return (uint32_t)(seeded_next(&walk->random) >> 16) % limit;
}

#define CHECK(walk, condition) ck_assert_msg(condition, "step %d: %s", (walk)->step, #condition)

static uint32_t version_number(int version)
{
    return (uint32_t)(version % 3 + 1);
}

static void drop_key(struct walk *walk, uint32_t key)
{
    for (int serial = 0; serial < SERIALS; serial++)
        walk->slots[key][serial].there = false;
}

/* The model learns from the cache what gave way, where that may be; a find counts as a presentation. */
static void do_find(struct walk *walk, uint32_t key, uint32_t serial)
{
    struct slot *slot = &walk->slots[key][serial - 1];
    struct lane *lane = lanes_enter(walk->lanes);
    const struct cache_entry *entry = cached_find(walk->cache, key, serial, version_number(slot->version));
    if (entry == NULL) {
        CHECK(walk, !slot->there || walk->evicts);
        walk->evicted += slot->there;
        slot->there = false;
        walk->misses++;
    } else {
        unsigned bounds = 0;
        const char *flaw = cached_flaw(entry, key, serial, &bounds);
        ck_assert_msg(flaw == NULL, "step %d: %s", walk->step, flaw);
        CHECK(walk, slot->there);
        CHECK(walk, entry->version == &walk->world.versions[cached_ring(key)][slot->version]);
        CHECK(walk, bounds == slot->bounds);
        walk->hits++;
    }
    lanes_leave(walk->lanes, lane);
}

static void do_wrong_find(struct walk *walk, uint32_t key, uint32_t serial)
{
    uint8_t digest[TEXT_DIGEST_SIZE];
    cached_holder(key, serial, 1, &walk->holder);
    memcpy(digest, walk->holder.credential.digest, sizeof digest);
    digest[below(walk, TEXT_DIGEST_SIZE)] ^= (uint8_t)(1u << below(walk, 8));
    struct lane *lane = lanes_enter(walk->lanes);
    CHECK(walk, cache_find(walk->cache, walk->holder.key.key_id, version_number((int)serial), digest) == NULL);
    CHECK(walk, cache_find_imported(walk->cache, digest) == NULL);
    lanes_leave(walk->lanes, lane);
}

static void do_insert(struct walk *walk, uint32_t key, uint32_t serial)
{
    struct slot *slot = &walk->slots[key][serial - 1];
    int version = (int)below(walk, CACHED_VERSIONS);
    unsigned bounds = below(walk, 3) == 0 ? below(walk, CACHED_BOUNDS) : 0;
    cached_holder(key, serial, version_number(version), &walk->holder);
    cached_bind(&walk->holder, bounds);
    CHECK(walk, cached_insert(walk->cache, &walk->world, &walk->holder, version));
    *slot = (struct slot){true, version, bounds};
}

static void do_update(struct walk *walk, uint32_t key, uint32_t serial)
{
    struct slot *slot = &walk->slots[key][serial - 1];
    if (walk->evicts)
        do_find(walk, key, serial);
    unsigned bounds = below(walk, CACHED_BOUNDS);
    cached_holder(key, serial, version_number(slot->version), &walk->holder);
    cached_bind(&walk->holder, bounds);
    uint32_t kind = below(walk, 20);
    if (kind == 0) {
        walk->holder.credential.scopes[0] ^= 1;
        CHECK(walk, cache_update(walk->cache, &walk->holder) == !slot->there);
        walk->altered += slot->there;
        slot->there = false;
    } else if (kind == 1) {
        walk->holder.key.state = SEALRING_KEY_REVOKED;
        CHECK(walk, cache_update(walk->cache, &walk->holder));
        drop_key(walk, key);
    } else {
        CHECK(walk, cache_update(walk->cache, &walk->holder));
        slot->bounds = bounds;
    }
}

static void do_drop_version(struct walk *walk)
{
    int ring = (int)below(walk, CACHED_RINGS), version = (int)below(walk, CACHED_VERSIONS);
    cache_drop_version(walk->cache, &walk->world.versions[ring][version]);
    for (uint32_t key = 0; key < KEYS; key++)
        for (int serial = 0; serial < SERIALS; serial++)
            if (cached_ring(key) == ring && walk->slots[key][serial].version == version)
                walk->slots[key][serial].there = false;
}

static void do_ask(struct walk *walk, uint32_t key)
{
    bool any = false, known[4] = {false};
    for (uint32_t serial = 1; serial <= SERIALS; serial++) {
        if (walk->evicts)
            do_find(walk, key, serial);
        const struct slot *slot = &walk->slots[key][serial - 1];
        any = any || slot->there;
        if (slot->there && !cached_is_imported(key))
            known[version_number(slot->version)] = true;
    }
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    cached_key_id(key, key_id);
    CHECK(walk, cache_has_key(walk->cache, key_id) == any);
    for (uint32_t number = 0; number < 4; number++)
        CHECK(walk, (cache_likely(walk->cache, key_id, number) != NULL) == known[number]);
}

static void do_drop_key(struct walk *walk, uint32_t key)
{
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    cached_key_id(key, key_id);
    cache_drop_key(walk->cache, key_id);
    drop_key(walk, key);
}

static void do_drop_all(struct walk *walk)
{
    cache_drop_version(walk->cache, NULL);
    for (uint32_t key = 0; key < KEYS; key++)
        drop_key(walk, key);
}

static void check_all(struct walk *walk)
{
    uint64_t there = 0;
    for (uint32_t key = 0; key < KEYS; key++) {
        for (uint32_t serial = 1; serial <= SERIALS; serial++) {
            do_find(walk, key, serial);
            there += walk->slots[key][serial - 1].there;
        }
    }
    CHECK(walk, cache_count(walk->cache) == there);
}

static void one_step(struct walk *walk)
{
    uint32_t kind = below(walk, 1000), key = below(walk, KEYS), serial = 1 + below(walk, SERIALS);
    if (kind < 400)
        do_insert(walk, key, serial);
    else if (kind < 600)
        do_find(walk, key, serial);
    else if (kind < 650)
        do_wrong_find(walk, key, serial);
    else if (kind < 850)
        do_update(walk, key, serial);
    else if (kind < 900)
        do_ask(walk, key);
    else if (kind < 950)
        do_drop_key(walk, key);
    else if (kind < 996)
        cache_reclaim(walk->cache);
    else if (kind < 999)
        do_drop_version(walk);
    else
        do_drop_all(walk);
}

static void run_walk(uint32_t capacity, bool evicts, uint64_t seed)
{
    struct walk *walk = calloc(1, sizeof *walk);
    ck_assert_ptr_nonnull(walk);
    cached_world_open(&walk->world);
    ck_assert_int_eq(lanes_new(&walk->lanes, NULL), SEALRING_OK);
    ck_assert_int_eq(cache_new(walk->lanes, capacity, &walk->cache, NULL), SEALRING_OK);
    walk->evicts = evicts;
    walk->random = seed;
    for (walk->step = 0; walk->step < OPERATIONS; walk->step++) {
        one_step(walk);
        CHECK(walk, cache_count(walk->cache) <= capacity);
        if (walk->step % 1000 == 999)
            check_all(walk);
    }
    /* it was about something */
    CHECK(walk, walk->hits > 10000 && walk->misses > 10000 && walk->altered > 50);
    CHECK(walk, (walk->evicted > 1000) == evicts);
    do_drop_all(walk);
    cache_reclaim(walk->cache);
    cache_reclaim(walk->cache);
    CHECK(walk, cache_count(walk->cache) == 0);
    CHECK(walk, cache_bytes(walk->cache) < 8 * KEYS * SERIALS + 16 * 1024); /* empty tables */
    cache_free(walk->cache);
    lanes_free(walk->lanes);
    free(walk);
}

START_TEST(a_roomy_cache_does_as_its_model)
{
    run_walk(KEYS * SERIALS, false, first_seed);
}
END_TEST

START_TEST(a_cramped_cache_does_as_its_model)
{
    run_walk(CRAMPED, true, first_seed + 1);
}
END_TEST

int main(void)
{
    first_seed = seeded_choose();
    Suite *suite = suite_create("cache_model");
    TCase *cases = tcase_create("cache_model");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, a_roomy_cache_does_as_its_model);
    tcase_add_test(cases, a_cramped_cache_does_as_its_model);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
