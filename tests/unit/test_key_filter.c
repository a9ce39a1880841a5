/* SPDX-License-Identifier: Apache-2.0 */
/* verifier/state/key_filter: what was added is always found, also while it grows and beside threads; strangers almost never. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/runner.h"
#include "unit/seeded.h"
#include "verifier/state/key_filter.h"

#define MANY 300000

static struct key_filter filter;

static void setup(void)
{
    ck_assert(key_filter_open(&filter));
}

static void teardown(void)
{
    key_filter_close(&filter);
}

/* Key IDs that are as different as possible for a hash to mix up: they differ in the last digits only. */
static const char *key_id_of(char kind, unsigned number, char key_id[SEALRING_KEY_ID_LENGTH + 1])
{
    snprintf(key_id, SEALRING_KEY_ID_LENGTH + 1, "%c%015u", kind, number);
    return key_id;
}

static void add(char kind, unsigned from, unsigned to)
{
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    for (unsigned i = from; i < to; i++)
        if (!key_filter_add(&filter, key_id_of(kind, i, key_id)))
            ck_abort_msg("key %u was not added", i);
}

static unsigned found(char kind, unsigned count)
{
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    unsigned hits = 0;
    for (unsigned i = 0; i < count; i++)
        hits += key_filter_may_have(&filter, key_id_of(kind, i, key_id));
    return hits;
}

/* The reference implementation's vector for 16 bytes, whose words are little-endian. */
START_TEST(the_hash_is_siphash)
{
    uint8_t secret_bytes[16], message[16];
    uint64_t secret[2];
    const uint8_t expected_bytes[8] = {0xdb, 0x9b, 0xc2, 0x57, 0x7f, 0xcc, 0x2a, 0x3f};
    uint64_t expected;
    for (uint8_t i = 0; i < 16; i++)
        secret_bytes[i] = message[i] = i;
    memcpy(secret, secret_bytes, sizeof secret);
    memcpy(&expected, expected_bytes, sizeof expected);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    ck_assert_uint_eq(key_filter_hash(secret, (const char *)message), expected);
#endif
    message[15] ^= 1;
    ck_assert_uint_ne(key_filter_hash(secret, (const char *)message), expected);
}
END_TEST

START_TEST(an_empty_filter_has_nothing)
{
    ck_assert_uint_eq(found('a', 1000), 0);
    ck_assert_uint_eq(key_filter_bytes(&filter), 0);
}
END_TEST

/* Grown from nothing, and expected: 16 bits for each key, at most twice that after growing. */
static const struct {
    uint64_t expected;
    unsigned rate;       /* false positives: at most one in so many */
    unsigned bytes_most; /* for each key, in tenths */
} sizes[] = {{0, 60, 40}, {MANY, 400, 26}, {MANY / 2, 200, 40}};

START_TEST(unknown_key_ids_are_seldom_found)
{
    if (sizes[_i].expected != 0)
        key_filter_expect(&filter, sizes[_i].expected);
    add('a', 0, MANY);
    ck_assert_uint_eq(found('a', MANY), MANY);
    unsigned wrong = found('b', MANY);
    printf("# figure: filter-%d %u false of %u, %u bytes a key/100\n", _i, wrong, MANY,
           (unsigned)(key_filter_bytes(&filter) * 100 / MANY));
    ck_assert_uint_gt(wrong, 0); /* or the test would not measure */
    ck_assert_msg(wrong * sizes[_i].rate <= MANY, "%u of %u", wrong, MANY);
    ck_assert_uint_le(key_filter_bytes(&filter) * 10, (uint64_t)MANY * sizes[_i].bytes_most);
}
END_TEST

START_TEST(nothing_is_lost_while_it_grows)
{
    for (unsigned i = 0; i < 20000; i += 500) {
        add('a', i, i + 500);
        ck_assert_uint_eq(found('a', i + 500), i + 500);
    }
    ck_assert_uint_gt(atomic_load(&filter.layers), 3);
}
END_TEST

START_TEST(the_same_keys_again_take_no_memory)
{
    add('a', 0, 20000);
    uint64_t bytes = key_filter_bytes(&filter);
    for (int i = 0; i < 5; i++)
        add('a', 0, 20000);
    ck_assert_uint_eq(key_filter_bytes(&filter), bytes);
}
END_TEST

/* A number that nobody can mean, from an edited row. */
START_TEST(an_absurd_expectation_takes_little_memory)
{
    key_filter_expect(&filter, UINT64_MAX);
    ck_assert_uint_le(key_filter_bytes(&filter), 16u << 20);
    add('a', 0, 1000);
    ck_assert_uint_eq(found('a', 1000), 1000);
}
END_TEST

/* Whoever knows one filter's false positives cannot use them with another. */
START_TEST(each_filter_has_its_own_hash)
{
    struct key_filter other;
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    unsigned both = 0, one = 0;
    ck_assert(key_filter_open(&other));
    add('a', 0, 50000);
    for (unsigned i = 0; i < 50000; i++)
        key_filter_add(&other, key_id_of('a', i, key_id));
    for (unsigned i = 0; i < MANY; i++) {
        bool here = key_filter_may_have(&filter, key_id_of('b', i, key_id));
        one += here;
        both += here && key_filter_may_have(&other, key_id);
    }
    key_filter_close(&other);
    ck_assert_uint_gt(one, 10);
    ck_assert_uint_le(both, one / 10);
}
END_TEST

/* ---- threads */

static _Atomic(unsigned) added;
static _Atomic(bool) ended;

static void *add_all(void *unused)
{
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    (void)unused;
    for (unsigned i = 0; i < 60000; i++) {
        key_filter_add(&filter, key_id_of('a', i, key_id));
        atomic_store_explicit(&added, i + 1, memory_order_release);
    }
    atomic_store(&ended, true);
    return NULL;
}

static void *add_others(void *unused)
{
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    (void)unused;
    for (unsigned i = 0; i < 60000; i++)
        key_filter_add(&filter, key_id_of('c', i, key_id));
    return NULL;
}

/* Every key that was added before the search begins is found, whatever other threads add. */
static void *search(void *missed)
{
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    uint64_t seed = (uintptr_t)missed;
    while (!atomic_load(&ended)) {
        unsigned known = atomic_load_explicit(&added, memory_order_acquire);
        if (known == 0)
            continue;
        unsigned number = seeded_next(&seed) % 2 == 0 ? known - 1 : (unsigned)(seeded_next(&seed) % known);
        *(unsigned *)missed += !key_filter_may_have(&filter, key_id_of('a', number, key_id));
    }
    return NULL;
}

START_TEST(readers_miss_nothing_beside_writers)
{
    enum { READERS = 3 };
    pthread_t writers[2], readers[READERS];
    unsigned missed[READERS] = {0};
    for (int i = 0; i < READERS; i++)
        ck_assert_int_eq(pthread_create(&readers[i], NULL, search, &missed[i]), 0);
    ck_assert_int_eq(pthread_create(&writers[0], NULL, add_all, NULL), 0);
    ck_assert_int_eq(pthread_create(&writers[1], NULL, add_others, NULL), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(writers[i], NULL);
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    for (int i = 0; i < READERS; i++)
        ck_assert_uint_eq(missed[i], 0);
    ck_assert_uint_eq(found('a', 60000), 60000);
    ck_assert_uint_eq(found('c', 60000), 60000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("key_filter");
    TCase *cases = tcase_create("key_filter");
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, the_hash_is_siphash);
    tcase_add_test(cases, an_empty_filter_has_nothing);
    tcase_add_loop_test(cases, unknown_key_ids_are_seldom_found, 0, sizeof sizes / sizeof sizes[0]);
    tcase_add_test(cases, nothing_is_lost_while_it_grows);
    tcase_add_test(cases, the_same_keys_again_take_no_memory);
    tcase_add_test(cases, an_absurd_expectation_takes_little_memory);
    tcase_add_test(cases, each_filter_has_its_own_hash);
    tcase_add_test(cases, readers_miss_nothing_beside_writers);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
