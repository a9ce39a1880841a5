/* SPDX-License-Identifier: Apache-2.0 */
/* verifier/state/closed_chain: what was closed stays closed, whatever becomes of the facts; a sound chain that is signed reinstates. */
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

/* The new values of a key; of its credentials' ends: as text. */
static void key_ends(const char *key_id, sealring_key_state state, const char *scopes, const char *ends)
{
    facts[count] = (struct registry_closed){.state = (int)state};
    snprintf(facts[count].key_id, sizeof facts[count].key_id, "%s", key_id);
    snprintf(facts[count].value, sizeof facts[count].value, "%d\n%s\nlabel\n%s", scopes != NULL,
             scopes != NULL ? scopes : "", ends);
    count++;
    chain_up();
}

static void key_has(const char *key_id, sealring_key_state state, const char *scopes)
{
    key_ends(key_id, state, scopes, "");
}

/* The state of an active key of all scopes after the facts, in words. */
static const char *restricted(const char *key_id)
{
    static char words[16 + SEALRING_SCOPES_LENGTH_MAX];
    struct registry_key key = {.state = SEALRING_KEY_ACTIVE};
    snprintf(key.key_id, sizeof key.key_id, "%s", key_id);
    (void)key_facts_restrict(&chain.restricted, &key, NULL);
    snprintf(words, sizeof words, "%s %s", sealring_key_state_name(key.state),
             key.narrowed ? key.narrowed_scopes : "all");
    return words;
}

#define EVERYTHING UINT64_MAX

static uint64_t begin(struct closed_reading *reading)
{
    static const uint8_t none[REGISTRY_DIGEST_SIZE];
    const uint8_t *at = chain.sound.count == 0       ? none
                        : chain.sound.count <= count ? facts[chain.sound.count - 1].hash
                                                     : NULL;
    return closed_reading_begin(reading, &chain, at);
}

/* One reading of the registry's first `end` facts, of which a checkpoint covers the first `covered`, as follow_closed does it. Returns whether the
 * chain broke. */
static bool read_up_to(uint64_t end, uint64_t covered)
{
    struct closed_reading reading = {.chain = NULL};
    bool broke = false;
    for (uint64_t i = begin(&reading); i < end; i++)
        closed_reading_take(&reading, &facts[i]);
    uint64_t length = closed_reading_length(&reading);
    ck_assert(closed_reading_end(&reading, covered < length ? covered : length, &broke));
    closed_reading_drop(&reading);
    return broke;
}

static bool read_all(void)
{
    return read_up_to(count, EVERYTHING);
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
    ck_assert_uint_eq(chain.versions.count, 1);
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
        strcpy(facts[2].value, "2\n\nlabel\n");
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
    ck_assert(!key_facts_restrict(&chain.restricted, &key, NULL));
    ck_assert_int_eq(key.state, SEALRING_KEY_SUSPENDED);
    ck_assert_str_eq(key.narrowed_scopes, "read");
}
END_TEST

/* Of a row and a fact the earlier end counts. */
START_TEST(facts_end_credentials_whatever_their_rows_contain)
{
    struct registry_key key = {.key_id = "aaaaaaaaaaaaaaaa", .state = SEALRING_KEY_ACTIVE};
    struct registry_credential open = {.serial = 5}, earlier_row = {.serial = 4, .replaced = true, .retire_at = 200},
                               later_row = {.serial = 1, .replaced = true, .retire_at = 400}, next = {.serial = 6};
    key_ends("aaaaaaaaaaaaaaaa", SEALRING_KEY_ACTIVE, NULL, "5:300");
    ck_assert(!read_all());
    ck_assert(key_facts_restrict(&chain.restricted, &key, &open) && open.replaced && open.retire_at == 300);
    ck_assert(key_facts_restrict(&chain.restricted, &key, &later_row) && later_row.retire_at == 300);
    ck_assert(!key_facts_restrict(&chain.restricted, &key, &open));
    ck_assert(!key_facts_restrict(&chain.restricted, &key, &earlier_row) && earlier_row.retire_at == 200);
    ck_assert(!key_facts_restrict(&chain.restricted, &key, &next) && !next.replaced);
    count = 0; /* the fact disappears */
    (void)read_all();
    open.retire_at = 500;
    ck_assert(key_facts_restrict(&chain.restricted, &key, &open) && open.retire_at == 300);
}
END_TEST

static void key_is_bound(const char *networks)
{
    char ends[NETWORKS_TEXT_SIZE + 1];
    snprintf(ends, sizeof ends, "%s%s", networks != NULL ? "\n" : "", networks != NULL ? networks : "");
    key_ends("aaaaaaaaaaaaaaaa", SEALRING_KEY_ACTIVE, NULL, ends);
}

/* The networks of the key, whose row was read with these (NULL: with none). */
static const char *bound_to(const char *row)
{
    static char text[NETWORKS_TEXT_SIZE];
    char problem[128];
    struct registry_key key = {.key_id = "aaaaaaaaaaaaaaaa", .state = SEALRING_KEY_ACTIVE, .bound = row != NULL};
    ck_assert_ptr_null(networks_parse(row, &key.networks, problem));
    (void)key_facts_restrict(&chain.restricted, &key, NULL);
    networks_format(&key.networks, text);
    return !key.bound ? "any" : text[0] == '\0' ? "none" : text;
}

START_TEST(networks_restrict_at_once_and_widen_when_they_are_covered)
{
    key_is_bound("10.0.0.0/8,2001:db8::/48");
    ck_assert(!read_up_to(1, 0));
    ck_assert_str_eq(bound_to(NULL), "10.0.0.0/8,2001:db8::/48");
    key_is_bound("10.0.0.0/7"); /* which is not signed */
    ck_assert(!read_up_to(2, 1));
    ck_assert_uint_eq(closed_chain_waiting(&chain), 1);
    ck_assert_str_eq(bound_to(NULL), "10.0.0.0/8");
    key_is_bound(NULL);
    ck_assert(!read_up_to(3, 1));
    ck_assert_str_eq(bound_to(NULL), "10.0.0.0/8");
    ck_assert(!read_up_to(3, 2));
    ck_assert_str_eq(bound_to(NULL), "10.0.0.0/7");
    ck_assert(!read_all());
    ck_assert_str_eq(bound_to(NULL), "any");
    ck_assert_uint_eq(closed_chain_waiting(&chain), 0);
}
END_TEST

/* Of a row and a fact the more restricted counts, and a fact that disappears goes on. */
START_TEST(networks_of_row_and_facts_both_count)
{
    key_is_bound("10.0.0.0/8,2001:db8::/48");
    ck_assert(!read_all());
    ck_assert_str_eq(bound_to("10.1.0.0/16,11.0.0.0/8"), "10.1.0.0/16");
    ck_assert_str_eq(bound_to("0.0.0.0/0"), "10.0.0.0/8");
    ck_assert_str_eq(bound_to("11.0.0.0/8"), "none");
    count = 0;
    (void)read_all();
    ck_assert_str_eq(bound_to(NULL), "10.0.0.0/8,2001:db8::/48");
    key_is_bound("12.0.0.0/8"); /* instead of what disappeared */
    (void)read_all();
    ck_assert_str_eq(bound_to(NULL), "none");
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

/* ---- Permissions count once they are covered */

/* What the tests compare with: a key's or a version's facts, read in the obvious way. Scopes are bits. */
struct model {
    bool suspended;
    bool narrowed;
    unsigned scopes;
    int closed;      /* of a version, or 0 */
    int64_t ends[2]; /* of credentials 5 and 10; 0: none */
};

static int64_t earlier(int64_t one, int64_t other)
{
    return one == 0 || (other != 0 && other < one) ? other : one;
}

static void read_ends(const struct key_ends *ends, struct model *model)
{
    model->ends[0] = ends_of(ends, 5);
    model->ends[1] = ends_of(ends, 10);
}

static unsigned scope_bits(const char *scopes)
{
    size_t length = strcspn(scopes, "\n");
    return (memchr(scopes, 'a', length) != NULL ? 1u : 0) | (memchr(scopes, 'b', length) != NULL ? 2u : 0) |
           (memchr(scopes, 'c', length) != NULL ? 4u : 0);
}

static bool is_about(const struct registry_closed *fact, const char *key_id, uint32_t version)
{
    return key_id != NULL ? strcmp(fact->key_id, key_id) == 0 : fact->is_version && fact->version == version;
}

static void model_take(struct model *model, const struct registry_closed *fact, bool covered)
{
    struct model own = {.suspended = fact->state == SEALRING_KEY_SUSPENDED,
                        .narrowed = fact->value[0] == '1',
                        .scopes = fact->value[0] == '1' ? scope_bits(fact->value + 2) : 0,
                        .closed = fact->state >= SEALRING_VERSION_RETIRED ? fact->state : 0};
    struct key_ends ends;
    const char *last = strrchr(fact->value, '\n');
    if (!fact->is_version && last != NULL && ends_parse(last + 1, &ends))
        read_ends(&ends, &own);
    if (covered) {
        *model = own;
        return;
    }
    model->suspended = model->suspended || own.suspended;
    if (own.narrowed)
        model->scopes = model->narrowed ? model->scopes & own.scopes : own.scopes;
    model->narrowed = model->narrowed || own.narrowed;
    model->closed = own.closed > model->closed ? own.closed : model->closed;
    for (int i = 0; i < 2; i++)
        model->ends[i] = earlier(model->ends[i], own.ends[i]);
}

static struct model expected(const char *key_id, uint32_t version, uint64_t end, uint64_t covered)
{
    struct model model = {.closed = 0};
    for (uint64_t i = 0; i < end; i++)
        if (is_about(&facts[i], key_id, version))
            model_take(&model, &facts[i], i < covered);
    return model;
}

static struct model key_now(const char *key_id)
{
    struct registry_key key = {.state = SEALRING_KEY_ACTIVE};
    snprintf(key.key_id, sizeof key.key_id, "%s", key_id);
    (void)key_facts_restrict(&chain.restricted, &key, NULL);
    struct model now = {.suspended = key.state == SEALRING_KEY_SUSPENDED,
                        .narrowed = key.narrowed,
                        .scopes = key.narrowed ? scope_bits(key.narrowed_scopes) : 0};
    read_ends(&key.ends, &now);
    return now;
}

static bool is_within(const struct model *one, const struct model *other)
{
    return (one->suspended || !other->suspended) &&
           (!other->narrowed || (one->narrowed && (one->scopes & ~other->scopes) == 0)) &&
           (one->closed != 0 || other->closed == 0) && earlier(one->ends[0], other->ends[0]) == one->ends[0] &&
           earlier(one->ends[1], other->ends[1]) == one->ends[1];
}

static void expect_key(const char *key_id, uint64_t end, uint64_t covered)
{
    struct model is = key_now(key_id), should = expected(key_id, 0, end, covered);
    ck_assert_msg(is.suspended == should.suspended && is.narrowed == should.narrowed && is.scopes == should.scopes,
                  "%s after %d facts, %d covered: suspended %d narrowed %d scopes %u, expected %d %d %u", key_id,
                  (int)end, (int)covered, is.suspended, is.narrowed, is.scopes, should.suspended, should.narrowed,
                  should.scopes);
    ck_assert_msg(is.ends[0] == should.ends[0] && is.ends[1] == should.ends[1],
                  "%s after %d facts, %d covered: ends %d %d, expected %d %d", key_id, (int)end, (int)covered,
                  (int)is.ends[0], (int)is.ends[1], (int)should.ends[0], (int)should.ends[1]);
}

static void expect_version(uint32_t number, uint64_t end, uint64_t covered)
{
    int is = closed_chain_version(&chain, ring_id, number), should = expected(NULL, number, end, covered).closed;
    ck_assert_msg(is == should, "version %u after %d facts, %d covered: %d, expected %d", number, (int)end,
                  (int)covered, is, should);
}

#define KEY_ONE "aaaaaaaaaaaaaaaa"
#define ACTS    8
#define LENGTH  4

/* Suspend, resume, narrow in three ways, and both at once; end some credentials, and others while it is narrowed. */
static void act_on_key(const char *key_id, unsigned act)
{
    static const struct {
        sealring_key_state state;
        const char *scopes, *ends;
    } acts[ACTS] = {{SEALRING_KEY_SUSPENDED, NULL, ""},
                    {SEALRING_KEY_ACTIVE, NULL, ""},
                    {SEALRING_KEY_ACTIVE, "a", ""},
                    {SEALRING_KEY_ACTIVE, "a b", "5:300"},
                    {SEALRING_KEY_ACTIVE, "b c", ""},
                    {SEALRING_KEY_SUSPENDED, "c", "10:400"},
                    {SEALRING_KEY_ACTIVE, NULL, "5:200 10:500"},
                    {SEALRING_KEY_ACTIVE, "a", "10:250"}};
    key_ends(key_id, acts[act].state, acts[act].scopes, acts[act].ends);
}

static void act_on_version(uint32_t number, unsigned act)
{
    static const int states[ACTS] = {SEALRING_VERSION_RETIRED,     SEALRING_VERSION_PENDING,
                                     SEALRING_VERSION_ACTIVE,      SEALRING_VERSION_RETIRED,
                                     SEALRING_VERSION_COMPROMISED, SEALRING_VERSION_DESTROYED,
                                     SEALRING_VERSION_RETIRING,    SEALRING_VERSION_COMPROMISED};
    version_enters(number, states[act]);
}

static void begin_anew(void)
{
    closed_chain_forget(&chain);
    count = 0;
}

/* Whether a fact that is not covered would permit something. */
static bool is_waiting(uint64_t covered)
{
    for (uint64_t i = covered; i < count; i++) {
        struct model before = expected(KEY_ONE, 0, i + 1, covered), alone = {.closed = 0};
        struct model version = expected(NULL, 1, i + 1, covered);
        model_take(&alone, &facts[i], true);
        if (facts[i].is_version ? facts[i].state < version.closed : !is_within(&alone, &before))
            return true;
    }
    return false;
}

/* Every order of acts on a key and a version, every place of the checkpoint: all read at once, and then the checkpoint moves on; and from fact
 * to fact, each covered or not. */
static void try_order(void (*act)(void))
{
    for (uint64_t covered = 0; covered <= LENGTH; covered++) {
        for (uint64_t later = covered; later <= LENGTH; later++) {
            begin_anew();
            act();
            ck_assert(!read_up_to(count, covered));
            expect_key(KEY_ONE, count, covered);
            expect_version(1, count, covered);
            ck_assert_int_eq(closed_chain_waiting(&chain) > 0, is_waiting(covered));
            ck_assert_uint_eq(chain.tail.length, count - covered);
            ck_assert_uint_eq(chain.sound.count, count); /* what is reported waits for no signature */
            ck_assert(!read_up_to(count, later));
            expect_key(KEY_ONE, count, later);
            expect_version(1, count, later);
            ck_assert_int_eq(closed_chain_waiting(&chain) > 0, is_waiting(later));
        }
        begin_anew();
        act();
        for (uint64_t end = 0; end <= LENGTH; end++) {
            uint64_t now = covered < end ? covered : end;
            ck_assert(!read_up_to(end, now));
            expect_key(KEY_ONE, end, now);
            expect_version(1, end, now);
        }
    }
}

static unsigned order_of_acts;

static void act_in_order_on_key(void)
{
    for (unsigned i = 0, order = order_of_acts; i < LENGTH; i++, order /= ACTS)
        act_on_key(KEY_ONE, order % ACTS);
}

static void act_in_order_on_version(void)
{
    for (unsigned i = 0, order = order_of_acts; i < LENGTH; i++, order /= ACTS)
        act_on_version(1, order % ACTS);
}

START_TEST(every_order_is_followed_as_far_as_it_is_covered)
{
    for (order_of_acts = 0; order_of_acts < ACTS * ACTS * ACTS * ACTS; order_of_acts++) {
        try_order(act_in_order_on_key);
        try_order(act_in_order_on_version);
    }
}
END_TEST

#define WALK_KEYS   3
#define WALK_LENGTH 40

static void walk_fact(void)
{
    unsigned kind = (unsigned)rand() % 8, act = (unsigned)rand() % ACTS;
    char key_id[SEALRING_KEY_ID_LENGTH + 1] = "aaaaaaaaaaaaaaaa";
    key_id[0] = (char)('a' + rand() % WALK_KEYS);
    if (kind < 4)
        act_on_key(key_id, act);
    else if (kind < 6)
        act_on_version((uint32_t)(1 + rand() % 2), act);
    else if (kind == 6)
        version_enters(0, SEALRING_VERSION_PENDING);
    else
        close_key("zzzzzzzzzzzzzzzz");
}

/* Reads, also only a part before the transaction fails. While it reads nothing is ever wider than it was before. */
static void walk_read(uint64_t end, uint64_t covered, bool fails)
{
    struct closed_reading reading = {.chain = NULL};
    struct model before[WALK_KEYS];
    bool broke;
    char key_ids[WALK_KEYS][SEALRING_KEY_ID_LENGTH + 1] = {"aaaaaaaaaaaaaaaa", "baaaaaaaaaaaaaaa", "caaaaaaaaaaaaaaa"};
    for (int i = 0; i < WALK_KEYS; i++)
        before[i] = key_now(key_ids[i]);
    for (uint64_t at = begin(&reading); at < end; at++) {
        closed_reading_take(&reading, &facts[at]);
        for (int i = 0; i < WALK_KEYS; i++) {
            struct model now = key_now(key_ids[i]);
            ck_assert(is_within(&now, &before[i]));
            before[i] = now;
        }
    }
    ck_assert(fails || closed_reading_end(&reading, covered, &broke));
    closed_reading_drop(&reading);
    for (int i = 0; !fails && i < WALK_KEYS; i++)
        expect_key(key_ids[i], end, covered);
    for (uint32_t number = 1; !fails && number <= 2; number++)
        expect_version(number, end, covered);
}

START_TEST(random_walks_agree_with_the_model)
{
    srand((unsigned)_i + 1);
    for (unsigned walk = 0; walk < 200; walk++) {
        uint64_t end = 0, covered = 0;
        begin_anew();
        while (count < WALK_LENGTH)
            walk_fact();
        while (covered < WALK_LENGTH) {
            uint64_t next = end + (uint64_t)rand() % (WALK_LENGTH - end + 1);
            if (rand() % 4 == 0)
                walk_read(next, covered, true);
            end = next > end ? next : end;
            covered += (uint64_t)rand() % (end - covered + 1);
            walk_read(end, covered, false);
        }
        ck_assert_uint_eq(chain.tail.length, 0);
        ck_assert_uint_eq(closed_chain_waiting(&chain), 0);
    }
}
END_TEST

/* The hashes that a checkpoint is compared with are those that the verifier computed, up to where its chain is sound. */
START_TEST(hashes_behind_the_covered_facts_are_known)
{
    struct closed_reading reading = {.chain = NULL};
    for (unsigned i = 0; i < 6; i++)
        act_on_key(KEY_ONE, i);
    ck_assert(!read_up_to(4, 2));
    for (uint64_t i = begin(&reading); i < count; i++)
        closed_reading_take(&reading, &facts[i]);
    ck_assert_uint_eq(closed_reading_covered(&reading), 2);
    ck_assert_uint_eq(closed_reading_length(&reading), 6);
    ck_assert_ptr_null(closed_reading_head(&reading, 1));
    for (uint64_t i = 2; i <= 6; i++)
        ck_assert_mem_eq(closed_reading_head(&reading, i), facts[i - 1].hash, REGISTRY_DIGEST_SIZE);
    ck_assert_ptr_null(closed_reading_head(&reading, 7));
    closed_reading_drop(&reading);
    facts[4].hash[0] ^= 1; /* the fifth is not sound, so neither is the sixth */
    for (uint64_t i = begin(&reading); i < count; i++)
        closed_reading_take(&reading, &facts[i]);
    ck_assert_uint_eq(closed_reading_length(&reading), 4);
    ck_assert_ptr_null(closed_reading_head(&reading, 5));
    closed_reading_drop(&reading);
    facts[4].hash[0] ^= 1;
    facts[3].hash[0] ^= 1; /* the registry has not what was read before */
    ck_assert_uint_eq(begin(&reading), 0);
    ck_assert_ptr_null(closed_reading_head(&reading, 2));
    closed_reading_drop(&reading);
}
END_TEST

/* A broken chain permits nothing any more, even if a checkpoint covers what had been read. What is covered before the break counts. */
START_TEST(a_break_ends_all_waiting)
{
    act_on_key(KEY_ONE, 0);
    act_on_key(KEY_ONE, 1);
    act_on_key(KEY_ONE, 5);
    ck_assert(!read_up_to(2, 1));
    ck_assert_uint_eq(closed_chain_waiting(&chain), 1);
    facts[1].hash[0] ^= 1;
    ck_assert(read_up_to(2, EVERYTHING));
    ck_assert_uint_eq(closed_chain_waiting(&chain), 0);
    facts[1].hash[0] ^= 1;
    ck_assert(!read_up_to(2, EVERYTHING));
    ck_assert_str_eq(restricted(KEY_ONE), "suspended all");
    begin_anew();
    act_on_key(KEY_ONE, 0);
    act_on_key(KEY_ONE, 1);
    act_on_key("bbbbbbbbbbbbbbbb", 0);
    facts[2].hash[0] ^= 1;
    ck_assert(read_up_to(3, 2));
    ck_assert_str_eq(restricted(KEY_ONE), "active all");
    ck_assert_str_eq(restricted("bbbbbbbbbbbbbbbb"), "suspended all");
    ck_assert_uint_eq(chain.sound.count, 2);
}
END_TEST

/* The facts after a break are taken by their last values, and restrict a key whose covered facts permit it. */
START_TEST(what_follows_a_break_restricts_what_is_covered)
{
    act_on_key(KEY_ONE, 0);
    act_on_key(KEY_ONE, 1);
    act_on_key(KEY_ONE, 2);
    version_enters(1, SEALRING_VERSION_RETIRED);
    version_enters(1, SEALRING_VERSION_PENDING);
    facts[2].hash[0] ^= 1;
    ck_assert(read_up_to(count, 2));
    ck_assert_str_eq(restricted(KEY_ONE), "active a");
    ck_assert_int_eq(closed_chain_version(&chain, ring_id, 1), 0);
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
    tcase_add_test(cases, facts_end_credentials_whatever_their_rows_contain);
    tcase_add_test(cases, damaged_key_id_closes_nothing);
    tcase_add_test(cases, readers_find_what_was_added);
    tcase_add_test(cases, every_order_is_followed_as_far_as_it_is_covered);
    tcase_add_loop_test(cases, random_walks_agree_with_the_model, 0, 5);
    tcase_add_test(cases, hashes_behind_the_covered_facts_are_known);
    tcase_add_test(cases, a_break_ends_all_waiting);
    tcase_add_test(cases, what_follows_a_break_restricts_what_is_covered);
    tcase_add_test(cases, networks_restrict_at_once_and_widen_when_they_are_covered);
    tcase_add_test(cases, networks_of_row_and_facts_both_count);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
