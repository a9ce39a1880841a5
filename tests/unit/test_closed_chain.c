/* SPDX-License-Identifier: Apache-2.0 */
/* verifier/state/closed_chain: what was closed stays closed, whatever becomes of the facts; a sound chain reinstates. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/runner.h"
#include "verifier/state/closed_chain.h"

#define FACTS 64

static struct closed_chain chain;
static struct registry_closed facts[FACTS];
static size_t count;
static const uint8_t ring_id[REGISTRY_ID_SIZE] = {7};

static void setup(void)
{
    memset(&chain, 0, sizeof chain);
    memset(facts, 0, sizeof facts);
    count = 0;
    closed_chain_open(&chain);
}

static void teardown(void)
{
    closed_chain_forget(&chain);
}

/* Hashes all facts again, as whoever forges a chain does. */
static void chain_up(void)
{
    uint8_t before[REGISTRY_DIGEST_SIZE] = {0};
    for (size_t i = 0; i < count; i++) {
        facts[i].sequence = i + 1;
        registry_closed_hash(before, &facts[i], facts[i].hash);
        memcpy(before, facts[i].hash, sizeof before);
    }
}

static void close_key(const char *key_id)
{
    facts[count] = (struct registry_closed){.state = SEALRING_KEY_REVOKED};
    snprintf(facts[count].key_id, sizeof facts[count].key_id, "%s", key_id);
    count++;
    chain_up();
}

static void version_enters(uint32_t number, int state)
{
    facts[count] = (struct registry_closed){.is_version = true, .version = number, .state = state};
    memcpy(facts[count].ring_id, ring_id, sizeof ring_id);
    count++;
    chain_up();
}

/* The new values of a key. */
static void key_has(const char *key_id, sealring_key_state state, const char *scopes)
{
    facts[count] = (struct registry_closed){.state = (int)state};
    snprintf(facts[count].key_id, sizeof facts[count].key_id, "%s", key_id);
    snprintf(facts[count].value, sizeof facts[count].value, "%d\n%s\nlabel", scopes != NULL,
             scopes != NULL ? scopes : "");
    count++;
    chain_up();
}

/* The state of an active key of all scopes after the facts, in words. */
static const char *restricted(const char *key_id)
{
    static char words[16 + SEALRING_SCOPES_LENGTH_MAX];
    struct registry_key key = {.state = SEALRING_KEY_ACTIVE};
    snprintf(key.key_id, sizeof key.key_id, "%s", key_id);
    (void)key_facts_restrict(&chain.restricted, &key);
    snprintf(words, sizeof words, "%s %s", sealring_key_state_name(key.state),
             key.narrowed ? key.narrowed_scopes : "all");
    return words;
}

/* One reading of the registry, as follow_closed does it. Returns whether the chain broke. */
static bool read_all(void)
{
    struct closed_reading reading = {.chain = NULL};
    bool broke = false;
    static const uint8_t none[REGISTRY_DIGEST_SIZE];
    const uint8_t *at = chain.sound.count == 0       ? none
                        : chain.sound.count <= count ? facts[chain.sound.count - 1].hash
                                                     : NULL;
    for (uint64_t i = closed_reading_begin(&reading, &chain, at); i < count; i++)
        closed_reading_take(&reading, &facts[i]);
    ck_assert(closed_reading_end(&reading, &broke));
    return broke;
}

static bool is_closed(const char *key_id)
{
    return closed_keys_has(&chain.keys, key_id);
}

START_TEST(facts_are_followed)
{
    ck_assert(!closed_chain_differs(&chain, 0, facts[0].hash));
    close_key("aaaaaaaaaaaaaaaa");
    ck_assert(closed_chain_differs(&chain, 1, facts[0].hash));
    ck_assert(!read_all());
    ck_assert(!closed_chain_differs(&chain, 1, facts[0].hash));
    ck_assert(is_closed("aaaaaaaaaaaaaaaa"));
    ck_assert(!is_closed("aaaaaaaaaaaaaaab"));
    close_key("bbbbbbbbbbbbbbbb");
    version_enters(3, SEALRING_VERSION_RETIRED);
    ck_assert(!read_all());
    ck_assert_uint_eq(chain.sound.count, 3);
    ck_assert_mem_eq(chain.sound.head, facts[2].hash, sizeof chain.sound.head);
    ck_assert(is_closed("bbbbbbbbbbbbbbbb"));
    ck_assert_int_eq(closed_chain_version(&chain, ring_id, 3), SEALRING_VERSION_RETIRED);
    ck_assert_int_eq(closed_chain_version(&chain, ring_id, 2), 0);
}
END_TEST

START_TEST(last_fact_of_a_version_counts)
{
    version_enters(1, SEALRING_VERSION_RETIRED);
    version_enters(2, SEALRING_VERSION_COMPROMISED);
    version_enters(1, SEALRING_VERSION_PENDING);
    ck_assert(!read_all());
    ck_assert_int_eq(closed_chain_version(&chain, ring_id, 1), 0);
    version_enters(1, SEALRING_VERSION_RETIRED);
    version_enters(1, SEALRING_VERSION_DESTROYED);
    ck_assert(!read_all());
    ck_assert_int_eq(closed_chain_version(&chain, ring_id, 1), SEALRING_VERSION_DESTROYED);
    ck_assert_int_eq(closed_chain_version(&chain, ring_id, 2), SEALRING_VERSION_COMPROMISED);
}
END_TEST

/* They are links of the chain, and nothing else: whoever forges one closes nothing by it. */
START_TEST(facts_about_rings_decide_nothing)
{
    version_enters(0, SEALRING_VERSION_PENDING);
    version_enters(0, SEALRING_VERSION_COMPROMISED);
    version_enters(1, SEALRING_VERSION_RETIRED);
    version_enters(0, SEALRING_VERSION_PENDING);
    ck_assert(!read_all());
    ck_assert_uint_eq(chain.sound.count, 4);
    ck_assert_uint_eq(chain.version_count, 1);
    ck_assert_int_eq(closed_chain_version(&chain, ring_id, 0), 0);
    facts[1].state = SEALRING_VERSION_PENDING;
    chain_up();
    ck_assert(read_all());
}
END_TEST

/* 0: the last fact is cut off. 1: all are gone. 2: one is replaced, and the chain is made again. 3: a hash differs. 4: one in the middle is
 * removed, and the numbers have a gap. */
START_TEST(broken_chain_opens_nothing)
{
    close_key("aaaaaaaaaaaaaaaa");
    close_key("bbbbbbbbbbbbbbbb");
    version_enters(1, SEALRING_VERSION_RETIRED);
    ck_assert(!read_all());
    switch (_i) {
    case 0:
        count = 2;
        break;
    case 1:
        count = 0;
        break;
    case 2:
        memset(facts[0].key_id, 'c', SEALRING_KEY_ID_LENGTH);
        chain_up();
        break;
    case 3:
        facts[2].hash[0] ^= 1;
        break;
    default:
        memmove(&facts[1], &facts[2], sizeof facts[0]);
        count = 2;
        break;
    }
    ck_assert(
        closed_chain_differs(&chain, count, count == 0 ? (uint8_t[REGISTRY_DIGEST_SIZE]){0} : facts[count - 1].hash));
    ck_assert(read_all());
    ck_assert(chain.broken);
    ck_assert(!read_all()); /* it is said once */
    ck_assert(is_closed("aaaaaaaaaaaaaaaa") && is_closed("bbbbbbbbbbbbbbbb"));
    ck_assert_int_eq(closed_chain_version(&chain, ring_id, 1), SEALRING_VERSION_RETIRED);
    ck_assert_uint_eq(chain.sound.count, 3); /* what is reported stays where it was sound */
    /* restrictions are taken all the same, and nothing else */
    close_key("dddddddddddddddd");
    version_enters(2, SEALRING_VERSION_COMPROMISED);
    version_enters(1, SEALRING_VERSION_PENDING);
    (void)read_all();
    ck_assert(is_closed("dddddddddddddddd"));
    ck_assert_int_eq(closed_chain_version(&chain, ring_id, 2), SEALRING_VERSION_COMPROMISED);
    ck_assert_int_eq(closed_chain_version(&chain, ring_id, 1), SEALRING_VERSION_RETIRED);
    ck_assert_uint_eq(chain.sound.count, 3);
}
END_TEST

START_TEST(last_fact_of_a_key_counts)
{
    key_has("aaaaaaaaaaaaaaaa", SEALRING_KEY_SUSPENDED, NULL);
    key_has("bbbbbbbbbbbbbbbb", SEALRING_KEY_ACTIVE, "read");
    ck_assert(!read_all());
    ck_assert_str_eq(restricted("aaaaaaaaaaaaaaaa"), "suspended all");
    ck_assert_str_eq(restricted("bbbbbbbbbbbbbbbb"), "active read");
    ck_assert_str_eq(restricted("cccccccccccccccc"), "active all");
    key_has("aaaaaaaaaaaaaaaa", SEALRING_KEY_ACTIVE, NULL);
    key_has("bbbbbbbbbbbbbbbb", SEALRING_KEY_SUSPENDED, "read");
    key_has("bbbbbbbbbbbbbbbb", SEALRING_KEY_SUSPENDED, "read write");
    ck_assert(!read_all());
    ck_assert_str_eq(restricted("aaaaaaaaaaaaaaaa"), "active all");
    ck_assert_str_eq(restricted("bbbbbbbbbbbbbbbb"), "suspended read write");
    closed_chain_forget(&chain);
    ck_assert_str_eq(restricted("bbbbbbbbbbbbbbbb"), "active all");
}
END_TEST

/* 0: the facts are gone. 1: the last one is replaced. 2: one is added that does not continue the chain. 3: a value is none. */
START_TEST(broken_chain_permits_nothing)
{
    key_has("aaaaaaaaaaaaaaaa", SEALRING_KEY_SUSPENDED, "read");
    key_has("bbbbbbbbbbbbbbbb", SEALRING_KEY_ACTIVE, NULL);
    ck_assert(!read_all());
    if (_i < 2)
        count = (size_t)_i;
    key_has("aaaaaaaaaaaaaaaa", SEALRING_KEY_ACTIVE, "read write");
    key_has("bbbbbbbbbbbbbbbb", SEALRING_KEY_SUSPENDED, "write");
    if (_i == 2)
        facts[2].hash[0] ^= 1;
    if (_i == 3) {
        strcpy(facts[2].value, "2\n\nlabel");
        chain_up();
    }
    ck_assert(read_all());
    ck_assert(chain.broken);
    for (int again = 0; again < 2; again++) {
        ck_assert_str_eq(restricted("aaaaaaaaaaaaaaaa"), "suspended read");
        ck_assert_str_eq(restricted("bbbbbbbbbbbbbbbb"), "suspended write");
        ck_assert(!read_all());
    }
}
END_TEST

/* A row may be newer than the last fact that was read. */
START_TEST(a_row_that_is_more_restricted_stays_so)
{
    struct registry_key key = {.key_id = "aaaaaaaaaaaaaaaa", .state = SEALRING_KEY_SUSPENDED, .narrowed = true};
    strcpy(key.narrowed_scopes, "read");
    key_has("aaaaaaaaaaaaaaaa", SEALRING_KEY_ACTIVE, "read write");
    ck_assert(!read_all());
    ck_assert(!key_facts_restrict(&chain.restricted, &key));
    ck_assert_int_eq(key.state, SEALRING_KEY_SUSPENDED);
    ck_assert_str_eq(key.narrowed_scopes, "read");
}
END_TEST

START_TEST(forgetting_begins_anew)
{
    close_key("aaaaaaaaaaaaaaaa");
    version_enters(1, SEALRING_VERSION_RETIRED);
    ck_assert(!read_all());
    count = 0;
    close_key("bbbbbbbbbbbbbbbb");
    closed_chain_forget(&chain);
    ck_assert(!read_all());
    ck_assert(!is_closed("aaaaaaaaaaaaaaaa") && is_closed("bbbbbbbbbbbbbbbb"));
    ck_assert_int_eq(closed_chain_version(&chain, ring_id, 1), 0);
}
END_TEST

/* A key ID of a row that somebody edited may be shorter: it is nobody's. */
START_TEST(damaged_key_id_closes_nothing)
{
    close_key("short");
    close_key("aaaaaaaaaaaaaaaa");
    ck_assert(!read_all());
    ck_assert(is_closed("aaaaaaaaaaaaaaaa") && !is_closed("short\0\0\0\0\0\0\0\0\0\0"));
}
END_TEST

#define MANY    200000
#define READERS 4

static void name_key(unsigned number, char key_id[SEALRING_KEY_ID_LENGTH + 1])
{
    snprintf(key_id, SEALRING_KEY_ID_LENGTH + 1, "%016u", number);
}

static struct closed_keys shared = {.mutex = PTHREAD_MUTEX_INITIALIZER};
static _Atomic(unsigned) added;

/* What was added before is found, in every moment; what was not is not. */
static void *search(void *context)
{
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    (void)context;
    for (unsigned have = 0, at = 0; have < MANY; at++) {
        have = atomic_load(&added);
        name_key(have == 0 ? 0 : at % have, key_id);
        if (have > 0 && !closed_keys_has(&shared, key_id))
            return "a key that was added is missing";
        name_key(MANY + at % MANY, key_id);
        if (closed_keys_has(&shared, key_id))
            return "a key that was never added is there";
    }
    return NULL;
}

START_TEST(readers_find_what_was_added)
{
    pthread_t readers[READERS];
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    void *wrong;
    for (unsigned i = 0; i < READERS; i++)
        ck_assert_int_eq(pthread_create(&readers[i], NULL, search, NULL), 0);
    for (unsigned i = 0; i < MANY; i++) {
        name_key(i, key_id);
        ck_assert(closed_keys_add(&shared, key_id));
        atomic_store(&added, i + 1);
    }
    for (unsigned i = 0; i < READERS; i++) {
        ck_assert_int_eq(pthread_join(readers[i], &wrong), 0);
        ck_assert_msg(wrong == NULL, "%s", (const char *)wrong);
    }
    name_key(1, key_id);
    ck_assert(closed_keys_add(&shared, key_id)); /* again */
    closed_keys_clear(&shared);
    ck_assert(!closed_keys_has(&shared, key_id));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("closed chain");
    TCase *cases = tcase_create("chain");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, facts_are_followed);
    tcase_add_test(cases, last_fact_of_a_version_counts);
    tcase_add_test(cases, facts_about_rings_decide_nothing);
    tcase_add_loop_test(cases, broken_chain_opens_nothing, 0, 5);
    tcase_add_test(cases, forgetting_begins_anew);
    tcase_add_test(cases, last_fact_of_a_key_counts);
    tcase_add_loop_test(cases, broken_chain_permits_nothing, 0, 4);
    tcase_add_test(cases, a_row_that_is_more_restricted_stays_so);
    tcase_add_test(cases, damaged_key_id_closes_nothing);
    tcase_add_test(cases, readers_find_what_was_added);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
