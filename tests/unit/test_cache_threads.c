/* SPDX-License-Identifier: Apache-2.0 */
/* Readers and writers in the cache at once. For ThreadSanitizer and AddressSanitizer above all; LONG=1 makes it go on longer. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "lib/runner.h"
#include "unit/cached.h"

#define READERS 4
#define WRITERS 2
#define SERIALS 2

struct arena {
    struct cached_world world;
    struct lanes *lanes;
    struct cache *cache;
    uint32_t numbers;    /* of keys that come and go */
    uint32_t permanent;  /* further ones that stay in from the start to the end */
    bool growing;        /* nothing goes, and readers look for what stays */
    unsigned operations; /* of each writer */
    atomic_uint writing;
    atomic_uint turn, writer; /* number the threads */
    atomic_uint_fast64_t found, missed, gone;
    atomic_uint flaws;
    _Atomic(const char *) flaw;
};

static uint64_t first_seed;

static unsigned times(unsigned often)
{
    const char *wish = getenv("LONG");
    return wish != NULL && wish[0] != '\0' && strcmp(wish, "0") != 0 ? 20 * often : often;
}

static void note_flaw(struct arena *arena, const char *flaw)
{
    atomic_fetch_add(&arena->flaws, 1);
    atomic_store(&arena->flaw, flaw);
}

/* All that a verification reads of an entry, and what it writes. */
static void read_whole(struct arena *arena, struct cache_entry *entry, uint32_t number, uint32_t serial)
{
    unsigned bounds = 0;
    const char *flaw = cached_flaw(entry, number, serial, &bounds);
    if (flaw != NULL)
        note_flaw(arena, flaw);
    atomic_store_explicit(&entry->usage, atomic_load_explicit(&entry->usage, memory_order_relaxed),
                          memory_order_relaxed);
}

static struct cache_entry *find_any(struct arena *arena, uint32_t number, uint32_t serial)
{
    for (uint32_t version = 1; version <= 3; version++) {
        struct cache_entry *entry = cached_find(arena->cache, number, serial, version);
        if (entry != NULL)
            return entry;
    }
    return NULL;
}

static void read_once(struct arena *arena, uint64_t *random)
{
    uint32_t choice = (uint32_t)(seeded_next(random) >> 32);
    uint32_t number = arena->growing ? arena->numbers + choice % arena->permanent : choice % arena->numbers;
    uint32_t serial = number < arena->numbers ? 1 + (uint32_t)(seeded_next(random) >> 32) % SERIALS : 1;
    struct lane *lane = lanes_enter(arena->lanes);
    struct cache_entry *entry = find_any(arena, number, serial);
    atomic_fetch_add(entry != NULL ? &arena->found : &arena->missed, 1);
    if (entry != NULL)
        read_whole(arena, entry, number, serial);
    else if (number >= arena->numbers)
        atomic_fetch_add(&arena->gone, 1);
    lanes_leave(arena->lanes, lane);
}

static void *read_on(void *context)
{
    struct arena *arena = context;
    uint64_t random = first_seed + atomic_fetch_add(&arena->turn, 1);
    while (atomic_load(&arena->writing) > 0) {
        for (int i = 0; i < 100; i++)
            read_once(arena, &random);
        sched_yield();
    }
    return NULL;
}

static void drop_key(struct arena *arena, uint32_t number)
{
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    cached_key_id(number, key_id);
    cache_drop_key(arena->cache, key_id);
}

static void write_once(struct arena *arena, uint64_t *random, struct registry_holder *holder)
{
    uint32_t number = (uint32_t)(seeded_next(random) >> 32) % arena->numbers;
    uint32_t serial = 1 + (uint32_t)(seeded_next(random) >> 32) % SERIALS;
    uint32_t kind = (uint32_t)(seeded_next(random) >> 32) % 1000;
    int version = (int)((seeded_next(random) >> 32) % CACHED_VERSIONS);
    cached_holder(number, serial, (uint32_t)(version % 3 + 1), holder);
    cached_bind(holder, (unsigned)(seeded_next(random) >> 32) % CACHED_BOUNDS);
    if (kind < 550) {
        if (!cached_insert(arena->cache, &arena->world, holder, version))
            note_flaw(arena, "an insertion failed");
    } else if (kind < 850) {
        cache_update(arena->cache, holder); /* drops it if it is under another version, as altered */
    } else if (kind < 950) {
        drop_key(arena, number);
    } else if (kind < 995) {
        cache_reclaim(arena->cache);
    } else if (kind < 999) {
        cache_drop_version(arena->cache, &arena->world.versions[number % 2][1]);
    } else {
        cache_drop_version(arena->cache, NULL);
    }
}

static void grow_once(struct arena *arena, uint32_t number, struct registry_holder *holder)
{
    cached_holder(number, 1, 1, holder);
    if (!cached_insert(arena->cache, &arena->world, holder, 0))
        note_flaw(arena, "an insertion failed");
}

static void *write_on(void *context)
{
    struct arena *arena = context;
    uint32_t self = atomic_fetch_add(&arena->writer, 1);
    uint64_t random = first_seed + READERS + self;
    struct registry_holder *holder = malloc(sizeof *holder);
    ck_assert_ptr_nonnull(holder);
    for (unsigned i = 0; i < arena->operations; i++) {
        if (arena->growing)
            grow_once(arena, i * WRITERS + self, holder);
        else
            write_once(arena, &random, holder);
        if (i % 64 == 0)
            sched_yield();
    }
    free(holder);
    atomic_fetch_sub(&arena->writing, 1);
    return NULL;
}

static void run_all(struct arena *arena)
{
    pthread_t readers[READERS], writers[WRITERS];
    atomic_store(&arena->writing, WRITERS);
    for (int i = 0; i < READERS; i++)
        ck_assert_int_eq(pthread_create(&readers[i], NULL, read_on, arena), 0);
    for (int i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_create(&writers[i], NULL, write_on, arena), 0);
    for (int i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_join(writers[i], NULL), 0);
    for (int i = 0; i < READERS; i++)
        ck_assert_int_eq(pthread_join(readers[i], NULL), 0);
    printf("# found %llu, missed %llu, gone %llu\n", (unsigned long long)atomic_load(&arena->found),
           (unsigned long long)atomic_load(&arena->missed), (unsigned long long)atomic_load(&arena->gone));
    fflush(stdout);
    ck_assert_msg(atomic_load(&arena->flaws) == 0, "%u flaws, the last one: %s", atomic_load(&arena->flaws),
                  atomic_load(&arena->flaw));
}

static struct arena *arena_new(uint32_t capacity, uint32_t numbers, uint32_t permanent, unsigned operations)
{
    struct arena *arena = calloc(1, sizeof *arena);
    ck_assert_ptr_nonnull(arena);
    cached_world_open(&arena->world);
    ck_assert_int_eq(lanes_new(&arena->lanes, NULL), SEALRING_OK);
    ck_assert_int_eq(cache_new(arena->lanes, capacity, &arena->cache, NULL), SEALRING_OK);
    arena->numbers = numbers;
    arena->permanent = permanent;
    arena->operations = operations;
    struct registry_holder holder;
    for (uint32_t number = numbers; number < numbers + permanent; number++) {
        cached_holder(number, 1, 1, &holder);
        ck_assert(cached_insert(arena->cache, &arena->world, &holder, 0));
    }
    return arena;
}

/* Everything is freed in the end: nobody holds a lane any more. */
static void arena_free(struct arena *arena)
{
    cache_drop_version(arena->cache, NULL);
    cache_reclaim(arena->cache);
    cache_reclaim(arena->cache);
    ck_assert_uint_eq(cache_count(arena->cache), 0);
    ck_assert_uint_lt(cache_bytes(arena->cache), 32 * (arena->numbers * SERIALS + arena->permanent) + 16 * 1024);
    cache_free(arena->cache);
    lanes_free(arena->lanes);
    free(arena);
}

START_TEST(readers_and_writers_where_entries_give_way)
{
    struct arena *arena = arena_new(200, 400, 0, times(20000));
    run_all(arena);
    ck_assert_uint_gt(atomic_load(&arena->found), 100);
    ck_assert_uint_gt(atomic_load(&arena->missed), 100);
    arena_free(arena);
}
END_TEST

/* While the table grows under them, readers find what is there all the time, also if a writer is preempted in the middle of a split. */
START_TEST(what_stays_is_found_while_the_table_grows)
{
    for (unsigned round = 0; round < times(3); round++) {
        struct arena *arena = arena_new(100000, 20000, 500, 20000 / WRITERS);
        arena->growing = true;
        run_all(arena);
        ck_assert_uint_eq(cache_count(arena->cache), 20500);
        ck_assert_uint_gt(atomic_load(&arena->found), 100);
        ck_assert_uint_eq(atomic_load(&arena->gone), 0);
        arena_free(arena);
    }
}
END_TEST

int main(void)
{
    first_seed = seeded_choose();
    Suite *suite = suite_create("cache_threads");
    TCase *cases = tcase_create("cache_threads");
    tcase_set_timeout(cases, 600);
    tcase_add_test(cases, readers_and_writers_where_entries_give_way);
    tcase_add_test(cases, what_stays_is_found_while_the_table_grows);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
