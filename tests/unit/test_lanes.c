/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes: who is in, who has left, and that nothing is freed under a reader. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/runner.h"
#include "verifier/cache/reader_lanes.h"

static struct lanes *new_lanes(void)
{
    struct lanes *lanes = NULL;
    ck_assert_int_eq(lanes_new(&lanes, NULL), SEALRING_OK);
    ck_assert_ptr_nonnull(lanes);
    return lanes;
}

START_TEST(a_lane_is_held_by_one_at_a_time)
{
    struct lanes *lanes = new_lanes();
    struct lane *held[LANES_COUNT];
    bool taken[LANES_COUNT] = {false};
    for (int i = 0; i < LANES_COUNT; i++) {
        held[i] = lanes_enter(lanes);
        ck_assert_uint_lt(held[i]->index, LANES_COUNT);
        ck_assert(!taken[held[i]->index]);
        taken[held[i]->index] = true;
    }
    ck_assert_ptr_null(lanes_try_enter(lanes));
    lanes_leave(lanes, held[LANES_COUNT / 2]);
    ck_assert_ptr_eq(lanes_try_enter(lanes), held[LANES_COUNT / 2]);
    for (int i = 0; i < LANES_COUNT; i++)
        lanes_leave(lanes, held[i]);
    struct lane *again = lanes_enter(lanes);
    ck_assert(taken[again->index]);
    lanes_leave(lanes, again);
    lanes_free(lanes);
}
END_TEST

START_TEST(a_turn_passes_when_those_inside_have_left)
{
    struct lanes *lanes = new_lanes();
    uint64_t idle = lanes_turn(lanes);
    ck_assert(lanes_passed(lanes, idle));
    struct lane *early = lanes_enter(lanes);
    ck_assert(lanes_passed(lanes, idle)); /* came in after that turn */
    uint64_t first = lanes_turn(lanes);
    ck_assert_uint_gt(first, idle);
    ck_assert(!lanes_passed(lanes, first));
    struct lane *late = lanes_enter(lanes);
    uint64_t second = lanes_turn(lanes);
    ck_assert(!lanes_passed(lanes, first));
    lanes_leave(lanes, early);
    ck_assert(lanes_passed(lanes, first)); /* the later one does not hold it up */
    ck_assert(!lanes_passed(lanes, second));
    lanes_leave(lanes, late);
    ck_assert(lanes_passed(lanes, second));
    lanes_wait(lanes);
    lanes_free(lanes);
}
END_TEST

struct crowd {
    struct lanes *lanes;
    atomic_int arrived;
    atomic_bool got;
    unsigned index;
};

static void *enter_full(void *context)
{
    struct crowd *crowd = context;
    atomic_fetch_add(&crowd->arrived, 1);
    struct lane *lane = lanes_enter(crowd->lanes);
    crowd->index = lane->index;
    atomic_store(&crowd->got, true);
    lanes_leave(crowd->lanes, lane);
    return NULL;
}

START_TEST(who_finds_all_taken_gets_the_first_that_is_left)
{
    struct crowd crowd = {.lanes = new_lanes()};
    struct lane *held[LANES_COUNT];
    for (int i = 0; i < LANES_COUNT; i++)
        held[i] = lanes_enter(crowd.lanes);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, enter_full, &crowd), 0);
    while (atomic_load(&crowd.arrived) == 0)
        sched_yield();
    for (int i = 0; i < 1000; i++)
        sched_yield();
    ck_assert(!atomic_load(&crowd.got));
    lanes_leave(crowd.lanes, held[LANES_COUNT / 2]);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert(atomic_load(&crowd.got));
    ck_assert_uint_eq(crowd.index, held[LANES_COUNT / 2]->index);
    for (int i = 0; i < LANES_COUNT; i++)
        if (i != LANES_COUNT / 2)
            lanes_leave(crowd.lanes, held[i]);
    lanes_free(crowd.lanes);
}
END_TEST

static void *wait_for_all(void *context)
{
    struct crowd *crowd = context;
    lanes_wait(crowd->lanes);
    atomic_store(&crowd->got, true);
    return NULL;
}

START_TEST(waiting_ends_when_the_last_has_left)
{
    struct crowd crowd = {.lanes = new_lanes()};
    struct lane *inside = lanes_enter(crowd.lanes);
    uint64_t turn = lanes_turn(crowd.lanes);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_all, &crowd), 0);
    while (lanes_turn(crowd.lanes) == ++turn) /* until the other one has its turn */
        sched_yield();
    for (int i = 0; i < 1000; i++)
        sched_yield();
    ck_assert(!atomic_load(&crowd.got));
    lanes_leave(crowd.lanes, inside);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert(atomic_load(&crowd.got));
    lanes_free(crowd.lanes);
}
END_TEST

/* Readers read a block that the writer replaces and frees. A reader that was missed finds a block freed (AddressSanitizer,
 * ThreadSanitizer) or scribbled on. They yield outside, so that the writer seldom waits for one that
 * was preempted inside. */
#define BLOCK_WORDS  64
#define READERS      4
#define REPLACEMENTS 500

struct block {
    uint64_t words[BLOCK_WORDS];
};

struct exchange {
    struct lanes *lanes;
    _Atomic(struct block *) block;
    atomic_bool over;
    atomic_uint_fast64_t reads;
    atomic_uint_fast64_t torn;
    uint64_t in_lane[LANES_COUNT]; /* written without atomics by the holder only */
};

static void *read_blocks(void *context)
{
    struct exchange *exchange = context;
    while (!atomic_load(&exchange->over)) {
        struct lane *lane = lanes_enter(exchange->lanes);
        const struct block *block = atomic_load(&exchange->block);
        for (int i = 1; i < BLOCK_WORDS; i++)
            if (block->words[i] != block->words[0])
                atomic_fetch_add(&exchange->torn, 1);
        exchange->in_lane[lane->index]++;
        atomic_fetch_add(&exchange->reads, 1);
        lanes_leave(exchange->lanes, lane);
        sched_yield();
    }
    return NULL;
}

static struct block *new_block(uint64_t value)
{
    struct block *block = malloc(sizeof *block);
    ck_assert_ptr_nonnull(block);
    for (int i = 0; i < BLOCK_WORDS; i++)
        block->words[i] = value;
    return block;
}

static void free_block(struct block *block)
{
    for (int i = 0; i < BLOCK_WORDS; i++)
        block->words[i] = UINT64_MAX - (uint64_t)i;
    free(block);
}

START_TEST(nothing_is_freed_under_a_reader)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);
    ck_assert_ptr_nonnull(exchange);
    pthread_t readers[READERS];
    exchange->lanes = new_lanes();
    atomic_store(&exchange->block, new_block(0));
    for (int i = 0; i < READERS; i++)
        ck_assert_int_eq(pthread_create(&readers[i], NULL, read_blocks, exchange), 0);
    for (uint64_t i = 1; i <= REPLACEMENTS || atomic_load(&exchange->reads) < REPLACEMENTS; i++) {
        struct block *old = atomic_exchange(&exchange->block, new_block(i));
        if (i % 2 == 0) {
            lanes_wait(exchange->lanes);
        } else {
            uint64_t stamp = lanes_turn(exchange->lanes);
            while (!lanes_passed(exchange->lanes, stamp))
                sched_yield();
        }
        free_block(old);
    }
    atomic_store(&exchange->over, true);
    for (int i = 0; i < READERS; i++)
        ck_assert_int_eq(pthread_join(readers[i], NULL), 0);
    ck_assert_uint_eq(atomic_load(&exchange->torn), 0);
    uint64_t counted = 0;
    for (int i = 0; i < LANES_COUNT; i++)
        counted += exchange->in_lane[i];
    ck_assert_uint_eq(counted, atomic_load(&exchange->reads)); /* nobody counted beside somebody else in one lane */
    free(atomic_load(&exchange->block));
    lanes_free(exchange->lanes);
    free(exchange);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lanes");
    TCase *cases = tcase_create("lanes");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, a_lane_is_held_by_one_at_a_time);
    tcase_add_test(cases, a_turn_passes_when_those_inside_have_left);
    tcase_add_test(cases, who_finds_all_taken_gets_the_first_that_is_left);
    tcase_add_test(cases, waiting_ends_when_the_last_has_left);
    tcase_add_test(cases, nothing_is_freed_under_a_reader);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
