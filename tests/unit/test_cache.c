/* SPDX-License-Identifier: Apache-2.0 */
/* The cache: what is found, what bounds it, what drops it, who gives way, what it weighs. */
#include "lib/runner.h"
#include "unit/cached.h"

struct fixture {
    struct cached_world world;
    struct lanes *lanes;
    struct cache *cache;
    struct registry_holder holder;
};

static struct fixture *set_up(uint32_t capacity)
{
    struct fixture *f = calloc(1, sizeof *f);
    ck_assert_ptr_nonnull(f);
    cached_world_open(&f->world);
    ck_assert_int_eq(lanes_new(&f->lanes, NULL), SEALRING_OK);
    ck_assert_int_eq(cache_new(f->lanes, capacity, &f->cache, NULL), SEALRING_OK);
    return f;
}

static void tear_down(struct fixture *f)
{
    cache_free(f->cache);
    lanes_free(f->lanes);
    free(f);
}

/* version: index into the world's; the number follows. */
static void insert(struct fixture *f, uint32_t number, uint32_t serial, int version, unsigned bounds)
{
    cached_holder(number, serial, (uint32_t)(version % 3 + 1), &f->holder);
    cached_bind(&f->holder, bounds);
    ck_assert(cached_insert(f->cache, &f->world, &f->holder, version));
}

static struct cache_entry *find(struct fixture *f, uint32_t number, uint32_t serial, uint32_t version)
{
    struct lane *lane = lanes_enter(f->lanes);
    struct cache_entry *entry = cached_find(f->cache, number, serial, version);
    lanes_leave(f->lanes, lane);
    return entry; /* nothing is reclaimed by another thread */
}

static void expect(struct fixture *f, uint32_t number, uint32_t serial, uint32_t version, unsigned bounds)
{
    const struct cache_entry *entry = find(f, number, serial, version);
    ck_assert_msg(entry != NULL, "number %u serial %u is not there", number, serial);
    unsigned found = 0;
    const char *flaw = cached_flaw(entry, number, serial, &found);
    ck_assert_msg(flaw == NULL, "number %u serial %u: %s", number, serial, flaw);
    ck_assert_uint_eq(found, bounds);
}

#define PLAIN    1 /* numbers: of a key that is not imported, and of one that is */
#define IMPORTED 4

START_TEST(finds_what_was_inserted_and_nothing_else)
{
    struct fixture *f = set_up(1000);
    char key_id[SEALRING_KEY_ID_LENGTH + 1], other_id[SEALRING_KEY_ID_LENGTH + 1];
    uint8_t digest[TEXT_DIGEST_SIZE];
    ck_assert_ptr_null(find(f, PLAIN, 1, 1));
    insert(f, PLAIN, 1, 0, 0);
    expect(f, PLAIN, 1, 1, 0);
    ck_assert_ptr_eq(find(f, PLAIN, 1, 1)->version, &f->world.versions[cached_ring(PLAIN)][0]);
    ck_assert_uint_eq(cache_count(f->cache), 1);
    cached_key_id(PLAIN, key_id);
    cached_key_id(PLAIN + 1, other_id);
    cached_digest(PLAIN, 1, digest);
    ck_assert(cache_likely(f->cache, key_id, 1));
    ck_assert(!cache_likely(f->cache, key_id, 2));
    ck_assert(!cache_likely(f->cache, other_id, 1));
    ck_assert_ptr_null(cache_find(f->cache, key_id, 2, digest));
    ck_assert_ptr_null(cache_find(f->cache, other_id, 1, digest));
    ck_assert_ptr_null(cache_find_imported(f->cache, digest));
    for (size_t i = 0; i < sizeof digest; i++) { /* every byte counts */
        digest[i] ^= 0x80;
        ck_assert_ptr_null(cache_find(f->cache, key_id, 1, digest));
        digest[i] ^= 0x80;
    }
    ck_assert_ptr_nonnull(cache_find(f->cache, key_id, 1, digest));
    ck_assert(cache_has_key(f->cache, key_id));
    ck_assert(!cache_has_key(f->cache, other_id));
    tear_down(f);
}
END_TEST

START_TEST(one_key_has_several_credentials)
{
    struct fixture *f = set_up(1000);
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    for (uint32_t serial = 1; serial <= 9; serial++)
        insert(f, PLAIN, serial, (int)serial % 3, serial % CACHED_BOUNDS);
    for (uint32_t serial = 1; serial <= 9; serial++)
        expect(f, PLAIN, serial, serial % 3 + 1, serial % CACHED_BOUNDS);
    ck_assert_uint_eq(cache_count(f->cache), 9);
    cached_key_id(PLAIN, key_id);
    cache_drop_key(f->cache, key_id);
    ck_assert_uint_eq(cache_count(f->cache), 0);
    ck_assert(!cache_has_key(f->cache, key_id));
    tear_down(f);
}
END_TEST

START_TEST(inserting_again_renews_bounds)
{
    struct fixture *f = set_up(1000);
    for (uint32_t number = PLAIN; number <= IMPORTED; number += IMPORTED - PLAIN) {
        insert(f, number, 1, 0, CACHED_SUSPENDED);
        const struct cache_entry *entry = find(f, number, 1, 1);
        insert(f, number, 1, 0, CACHED_SUSPENDED);
        ck_assert_ptr_eq(find(f, number, 1, 1), entry); /* nothing new: nothing is made */
        insert(f, number, 1, 0, CACHED_NARROWED);
        expect(f, number, 1, 1, CACHED_NARROWED);
        insert(f, number, 1, 0, 0);
        expect(f, number, 1, 1, 0);
    }
    ck_assert_uint_eq(cache_count(f->cache), 2);
    tear_down(f);
}
END_TEST

START_TEST(a_reinstated_version_replaces_the_entry)
{
    struct fixture *f = set_up(1000);
    for (uint32_t number = PLAIN; number <= IMPORTED; number += IMPORTED - PLAIN) {
        struct known_version *versions = f->world.versions[cached_ring(number)];
        insert(f, number, 1, 0, 0);
        insert(f, number, 1, 3, CACHED_REPLACED);
        expect(f, number, 1, 1, CACHED_REPLACED);
        ck_assert_ptr_eq(find(f, number, 1, 1)->version, &versions[3]);
        cache_drop_version(f->cache, &versions[0]); /* the old object's are gone already */
        expect(f, number, 1, 1, CACHED_REPLACED);
    }
    ck_assert_uint_eq(cache_count(f->cache), 2);
    tear_down(f);
}
END_TEST

START_TEST(imported_ones_are_known_by_their_digest)
{
    struct fixture *f = set_up(1000);
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    uint8_t digest[TEXT_DIGEST_SIZE];
    cached_key_id(IMPORTED, key_id);
    for (uint32_t serial = 1; serial <= 3; serial++)
        insert(f, IMPORTED, serial, 0, 0);
    insert(f, IMPORTED + 5, 1, 0, 0);
    cached_digest(IMPORTED, 2, digest);
    ck_assert_ptr_nonnull(cache_find_imported(f->cache, digest));
    ck_assert_ptr_null(cache_find(f->cache, key_id, 1, digest));
    ck_assert(!cache_likely(f->cache, key_id, 1));
    ck_assert(cache_has_key(f->cache, key_id)); /* the look asks by key */
    cached_holder(IMPORTED, 2, 1, &f->holder);
    cached_bind(&f->holder, CACHED_NARROWED);
    ck_assert(cache_update(f->cache, &f->holder));
    expect(f, IMPORTED, 1, 1, 0);
    expect(f, IMPORTED, 2, 1, CACHED_NARROWED);
    cache_drop_key(f->cache, key_id);
    ck_assert(!cache_has_key(f->cache, key_id));
    for (uint32_t serial = 1; serial <= 3; serial++)
        ck_assert_ptr_null(find(f, IMPORTED, serial, 1));
    expect(f, IMPORTED + 5, 1, 1, 0);
    ck_assert_uint_eq(cache_count(f->cache), 1);
    tear_down(f);
}
END_TEST

START_TEST(dropping_by_version_and_all)
{
    struct fixture *f = set_up(10000);
    for (uint32_t number = 0; number < 9000; number++)
        insert(f, number, 1, (int)(number / 3 % 3), number % CACHED_BOUNDS);
    cache_drop_version(f->cache, &f->world.versions[1][2]);
    uint64_t left = 0;
    for (uint32_t number = 0; number < 9000; number++) {
        bool dropped = cached_ring(number) == 1 && number / 3 % 3 == 2;
        ck_assert_int_eq(find(f, number, 1, number / 3 % 3 + 1) == NULL, dropped);
        left += !dropped;
    }
    ck_assert_uint_eq(cache_count(f->cache), left);
    ck_assert_uint_eq(left, 8000);
    cache_drop_version(f->cache, NULL);
    ck_assert_uint_eq(cache_count(f->cache), 0);
    for (uint32_t number = 0; number < 9000; number++)
        ck_assert_ptr_null(find(f, number, 1, number / 3 % 3 + 1));
    insert(f, 7, 1, 0, 0);
    expect(f, 7, 1, 1, 0);
    tear_down(f);
}
END_TEST

/* ---- Changed rows ---- */

START_TEST(an_update_sets_every_mix_of_bounds)
{
    struct fixture *f = set_up(1000);
    insert(f, PLAIN, 1, 1, 0);
    for (unsigned before = 0; before < CACHED_BOUNDS; before++) {
        for (unsigned after = 0; after < CACHED_BOUNDS; after++) {
            cached_holder(PLAIN, 1, 2, &f->holder);
            memset(&f->holder.ring, 0xa5, sizeof f->holder.ring); /* need not be filled */
            memset(&f->holder.version, 0xa5, sizeof f->holder.version);
            cached_bind(&f->holder, before);
            ck_assert(cache_update(f->cache, &f->holder));
            expect(f, PLAIN, 1, 2, before);
            cached_bind(&f->holder, after);
            ck_assert(cache_update(f->cache, &f->holder));
            expect(f, PLAIN, 1, 2, after);
        }
        cache_reclaim(f->cache);
    }
    tear_down(f);
}
END_TEST

START_TEST(narrowing_never_widens)
{
    struct fixture *f = set_up(1000);
    insert(f, PLAIN, 1, 0, 0);
    cached_holder(PLAIN, 1, 1, &f->holder);
    cached_bind(&f->holder, CACHED_NARROWED);
    strcpy(f->holder.key.narrowed_scopes, "admin everything");
    ck_assert(cache_update(f->cache, &f->holder));
    ck_assert_str_eq(entry_left_scopes(find(f, PLAIN, 1, 1)), "");
    tear_down(f);
}
END_TEST

START_TEST(a_later_end_is_taken_over)
{
    struct fixture *f = set_up(1000);
    insert(f, PLAIN, 1, 0, CACHED_REPLACED);
    cached_holder(PLAIN, 1, 1, &f->holder);
    cached_bind(&f->holder, CACHED_REPLACED);
    f->holder.credential.retire_at = 123;
    ck_assert(cache_update(f->cache, &f->holder));
    ck_assert_int_eq(find(f, PLAIN, 1, 1)->retire_at, 123);
    tear_down(f);
}
END_TEST

START_TEST(a_renewed_entry_keeps_its_uses)
{
    struct fixture *f = set_up(1000);
    struct report_credential record = {.hour = 7};
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    cached_key_id(PLAIN, key_id);
    insert(f, PLAIN, 1, 0, 0);
    struct cache_entry *former = find(f, PLAIN, 1, 1);
    atomic_store(&former->usage, &record);
    atomic_store(&former->recent, false);
    cached_holder(PLAIN, 1, 1, &f->holder);
    cached_bind(&f->holder, CACHED_REPLACED);
    ck_assert(cache_update(f->cache, &f->holder));
    const struct cache_entry *renewed = cache_likely(f->cache, key_id, 1);
    ck_assert_ptr_ne(renewed, former);
    ck_assert_ptr_eq(atomic_load(&renewed->usage), &record);
    ck_assert(!atomic_load(&renewed->recent));
    cache_forget_hours(f->cache, 7);
    ck_assert_ptr_null(atomic_load(&renewed->usage));
    tear_down(f);
}
END_TEST

static void alter_client(struct registry_holder *holder)
{
    strcpy(holder->client.name, "somebody-else");
}
static void alter_client_case(struct registry_holder *holder)
{
    holder->client.name[0] ^= 0x20;
}
static void alter_scopes(struct registry_holder *holder)
{
    strcat(holder->credential.scopes, " zzz:admin");
}
static void alter_scopes_less(struct registry_holder *holder)
{
    holder->credential.scopes[strlen(holder->credential.scopes) / 2] = '\0';
}
static void alter_not_before(struct registry_holder *holder)
{
    holder->credential.not_before--;
}
static void alter_expires(struct registry_holder *holder)
{
    holder->credential.expires++;
}
static void alter_serial(struct registry_holder *holder)
{
    holder->credential.serial++;
}
static void alter_version(struct registry_holder *holder)
{
    holder->credential.version++;
}
static void alter_digest(struct registry_holder *holder)
{
    holder->credential.digest[31] ^= 1;
}
static void alter_key(struct registry_holder *holder)
{
    holder->key.id++;
}
static void alter_key_of_credential(struct registry_holder *holder)
{
    holder->credential.key++;
}
static void alter_ring(struct registry_holder *holder)
{
    holder->key.ring++;
}
static void alter_imported(struct registry_holder *holder)
{
    holder->credential.imported = !holder->credential.imported;
}

typedef void (*alteration)(struct registry_holder *holder);
static const alteration alterations[] = {alter_client,     alter_client_case, alter_scopes, alter_scopes_less,
                                         alter_not_before, alter_expires,     alter_serial, alter_version,
                                         alter_digest,     alter_key,         alter_ring,   alter_key_of_credential,
                                         alter_imported};
#define ALTERATIONS (int)(sizeof alterations / sizeof alterations[0])

START_TEST(an_altered_row_drops_the_entry)
{
    struct fixture *f = set_up(1000);
    for (uint32_t number = PLAIN; number <= IMPORTED; number += IMPORTED - PLAIN) {
        insert(f, number, 1, 1, CACHED_NARROWED);
        insert(f, number, 7, 1, 0);
        cached_holder(number, 1, 2, &f->holder);
        alterations[_i](&f->holder);
        ck_assert(!cache_update(f->cache, &f->holder));
        ck_assert_ptr_null(find(f, number, 1, 2));
        expect(f, number, 7, 2, 0);                    /* the key's other one is another row */
        ck_assert(cache_update(f->cache, &f->holder)); /* nothing is left to differ */
    }
    ck_assert_uint_eq(cache_count(f->cache), 2);
    tear_down(f);
}
END_TEST

START_TEST(an_altered_row_is_not_inserted_beside_the_old_one)
{
    struct fixture *f = set_up(1000);
    insert(f, PLAIN, 1, 0, 0);
    cached_holder(PLAIN, 1, 1, &f->holder);
    f->holder.credential.expires += 5; /* with a digest that the token confirmed for these claims */
    ck_assert(cached_insert(f->cache, &f->world, &f->holder, 0));
    ck_assert_uint_eq(cache_count(f->cache), 1);
    ck_assert_int_eq(find(f, PLAIN, 1, 1)->expires, f->holder.credential.expires);
    tear_down(f);
}
END_TEST

START_TEST(rows_without_an_entry_are_ignored)
{
    struct fixture *f = set_up(1000);
    insert(f, PLAIN, 1, 0, 0);
    cached_holder(PLAIN, 2, 1, &f->holder);
    ck_assert(cache_update(f->cache, &f->holder));
    cached_holder(PLAIN + 1, 1, 1, &f->holder);
    ck_assert(cache_update(f->cache, &f->holder));
    cached_holder(IMPORTED, 1, 1, &f->holder);
    ck_assert(cache_update(f->cache, &f->holder));
    ck_assert_uint_eq(cache_count(f->cache), 1);
    expect(f, PLAIN, 1, 1, 0);
    tear_down(f);
}
END_TEST

START_TEST(a_revoked_key_is_dropped_and_not_let_in)
{
    struct fixture *f = set_up(1000);
    for (uint32_t number = PLAIN; number <= IMPORTED; number += IMPORTED - PLAIN) {
        insert(f, number, 1, 0, 0);
        insert(f, number, 2, 0, 0);
        cached_holder(number, 1, 1, &f->holder);
        f->holder.key.state = SEALRING_KEY_REVOKED;
        ck_assert(cache_update(f->cache, &f->holder));
        ck_assert_ptr_null(find(f, number, 1, 1));
        ck_assert_ptr_null(find(f, number, 2, 1));
        insert(f, number, 2, 0, 0);
        cached_holder(number, 1, 1, &f->holder);
        f->holder.key.state = SEALRING_KEY_REVOKED;
        ck_assert(!cached_insert(f->cache, &f->world, &f->holder, 0));
        ck_assert_ptr_null(find(f, number, 1, 1));
        ck_assert_ptr_null(find(f, number, 2, 1));
    }
    ck_assert_uint_eq(cache_count(f->cache), 0);
    tear_down(f);
}
END_TEST

/* ---- Room ---- */

START_TEST(a_capacity_must_make_sense)
{
    struct fixture *f = set_up(1);
    struct cache *cache = f->cache;
    sealring_error error;
    ck_assert_int_eq(cache_new(f->lanes, 0, &cache, &error), SEALRING_INVALID);
    ck_assert_ptr_null(cache);
    ck_assert_str_eq(error.message, "a cache of 0 credentials: choose from 1 to 16777216");
    ck_assert_int_eq(cache_new(f->lanes, (1u << 24) + 1, &cache, &error), SEALRING_INVALID);
    ck_assert_int_eq(cache_new(f->lanes, 1u << 24, &cache, &error), SEALRING_OK);
    ck_assert_uint_lt(cache_bytes(cache), 4096); /* room is taken as entries come */
    cache_free(cache);
    cache_free(NULL);
    tear_down(f);
}
END_TEST

START_TEST(a_full_cache_keeps_its_size)
{
    static const uint32_t capacities[] = {1, 2, 63, 64, 65, 1000};
    struct fixture *f = set_up(capacities[_i]);
    for (uint32_t number = 0; number < 5000; number++) {
        insert(f, number, 1, 0, number % CACHED_BOUNDS);
        expect(f, number, 1, 1, number % CACHED_BOUNDS);
        ck_assert_uint_eq(cache_count(f->cache), number < capacities[_i] ? number + 1 : capacities[_i]);
    }
    uint64_t there = 0;
    for (uint32_t number = 0; number < 5000; number++)
        there += find(f, number, 1, 1) != NULL;
    ck_assert_uint_eq(there, capacities[_i]);
    tear_down(f);
}
END_TEST

#define HALF 500

START_TEST(what_is_presented_stays)
{
    struct fixture *f = set_up(2 * HALF);
    for (uint32_t number = 0; number < 2 * HALF; number++)
        insert(f, number, 1, 0, 0);
    insert(f, 2 * HALF, 1, 0, 0); /* everybody has had a chance now, and one is gone */
    ck_assert_uint_eq(cache_count(f->cache), 2 * HALF);
    bool kept[2 * HALF + 1] = {false};
    unsigned touched = 0;
    for (uint32_t number = 0; number <= 2 * HALF && touched < HALF; number += 1 + number % 2)
        if (find(f, number, 1, 1) != NULL) {
            kept[number] = true;
            touched++;
        }
    for (uint32_t number = 0; number < HALF - 1; number++)
        insert(f, 10000 + number, 1, 0, 0);
    for (uint32_t number = 0; number <= 2 * HALF; number++)
        if (kept[number])
            expect(f, number, 1, 1, 0);
    for (uint32_t number = 0; number < HALF - 1; number++)
        expect(f, 10000 + number, 1, 1, 0);
    tear_down(f);
}
END_TEST

START_TEST(a_wrong_digest_is_no_presentation)
{
    struct fixture *f = set_up(100);
    for (uint32_t number = 0; number < 101; number++)
        insert(f, number, 1, 0, 0);
    struct cache_entry *entry = NULL;
    uint32_t plain = 0;
    for (uint32_t number = 0; number < 100 && entry == NULL; number++) {
        plain = number;
        entry = cached_is_imported(number) ? NULL : find(f, number, 1, 1);
    }
    ck_assert_ptr_nonnull(entry);
    atomic_store(&entry->recent, false);
    ck_assert_ptr_null(find(f, plain, 2, 1));
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    cached_key_id(plain, key_id);
    ck_assert(cache_likely(f->cache, key_id, 1));
    ck_assert(!atomic_load(&entry->recent));
    ck_assert_ptr_eq(find(f, plain, 1, 1), entry);
    ck_assert(atomic_load(&entry->recent));
    tear_down(f);
}
END_TEST

/* ---- Memory ---- */

START_TEST(nothing_is_freed_while_a_reader_is_inside)
{
    struct fixture *f = set_up(1000);
    uint64_t empty = cache_bytes(f->cache);
    insert(f, PLAIN, 1, 0, CACHED_NARROWED);
    uint64_t filled = cache_bytes(f->cache);
    ck_assert_uint_gt(filled, empty);
    struct lane *lane = lanes_enter(f->lanes);
    const struct cache_entry *entry = cached_find(f->cache, PLAIN, 1, 1);
    cached_holder(PLAIN, 1, 1, &f->holder);
    cached_bind(&f->holder, CACHED_SUSPENDED);
    ck_assert(cache_update(f->cache, &f->holder));
    cache_drop_version(f->cache, NULL);
    for (int i = 0; i < 3; i++)
        cache_reclaim(f->cache);
    ck_assert_uint_gt(cache_bytes(f->cache), filled); /* and the second entry */
    unsigned found = 0;
    ck_assert_ptr_null(cached_flaw(entry, PLAIN, 1, &found)); /* AddressSanitizer looks, too */
    ck_assert_uint_eq(found, CACHED_NARROWED);
    lanes_leave(f->lanes, lane);
    cache_reclaim(f->cache);
    ck_assert_uint_eq(cache_bytes(f->cache), empty);
    tear_down(f);
}
END_TEST

START_TEST(insertions_reclaim_by_themselves)
{
    struct fixture *f = set_up(100);
    for (uint32_t number = 0; number < 100; number++)
        insert(f, number, 1, 0, 0);
    uint64_t full = cache_bytes(f->cache);
    for (uint32_t number = 100; number < 20000; number++)
        insert(f, number, 1, 0, 0);
    ck_assert_uint_lt(cache_bytes(f->cache), 20 * full);
    cache_reclaim(f->cache);
    cache_reclaim(f->cache);
    ck_assert_uint_le(cache_bytes(f->cache), full + full / 10);
    tear_down(f);
}
END_TEST

/* An aim of 256 bytes for a cached credential, of which 64 are its counters in the report. */
#define ENTRY_MEMORY_MAX 192
#define MEASURED         100000

START_TEST(an_entry_is_small)
{
    struct fixture *f = set_up(1000000);
    for (uint32_t number = 0; number < MEASURED; number++) {
        cached_holder(number, 1, 1, &f->holder);
        f->holder.credential.imported = false;
        strcpy(f->holder.client.name, "client-123456789");                     /* 16 bytes */
        strcpy(f->holder.credential.scopes, "orders:read orders:write users"); /* 30 bytes */
        ck_assert(cached_insert(f->cache, &f->world, &f->holder, 0));
    }
    ck_assert_uint_eq(cache_count(f->cache), MEASURED);
    printf("# %.1f bytes for each of %d cached credentials\n", (double)cache_bytes(f->cache) / MEASURED, MEASURED);
    fflush(stdout);
    ck_assert_uint_le(cache_bytes(f->cache), (uint64_t)ENTRY_MEMORY_MAX * MEASURED);
    ck_assert_uint_ge(cache_bytes(f->cache), (uint64_t)MEASURED * (sizeof(struct cache_entry) + 8 + 48));
    tear_down(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cache");
    TCase *cases = tcase_create("cache");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, finds_what_was_inserted_and_nothing_else);
    tcase_add_test(cases, one_key_has_several_credentials);
    tcase_add_test(cases, inserting_again_renews_bounds);
    tcase_add_test(cases, a_reinstated_version_replaces_the_entry);
    tcase_add_test(cases, imported_ones_are_known_by_their_digest);
    tcase_add_test(cases, dropping_by_version_and_all);
    tcase_add_test(cases, an_update_sets_every_mix_of_bounds);
    tcase_add_test(cases, narrowing_never_widens);
    tcase_add_test(cases, a_later_end_is_taken_over);
    tcase_add_test(cases, a_renewed_entry_keeps_its_uses);
    tcase_add_loop_test(cases, an_altered_row_drops_the_entry, 0, ALTERATIONS);
    tcase_add_test(cases, an_altered_row_is_not_inserted_beside_the_old_one);
    tcase_add_test(cases, rows_without_an_entry_are_ignored);
    tcase_add_test(cases, a_revoked_key_is_dropped_and_not_let_in);
    tcase_add_test(cases, a_capacity_must_make_sense);
    tcase_add_loop_test(cases, a_full_cache_keeps_its_size, 0, 6);
    tcase_add_test(cases, what_is_presented_stays);
    tcase_add_test(cases, a_wrong_digest_is_no_presentation);
    tcase_add_test(cases, nothing_is_freed_while_a_reader_is_inside);
    tcase_add_test(cases, insertions_reclaim_by_themselves);
    tcase_add_test(cases, an_entry_is_small);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
