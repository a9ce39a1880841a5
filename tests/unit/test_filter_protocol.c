/* SPDX-License-Identifier: Apache-2.0 */
/* Every order of a verifier's polls, requests and new report files with an operator who commits a key, polls, waits and hands it over: no request
 * that begins after the hand-over is answered from a filter without the key. The rules are the product's own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/runner.h"
#include "lifecycle/verifier_liveness.h"
#include "verifier/state/filter_protocol.h"

#define STEP_MS  840 /* three of them are a little more than watch_silence(WATCH_FILTER_MS), two than WATCH_FILTER_MS */
#define TIME_MAX 6
#define POLLS    3
#define FILES    1 /* new ones */
#define TABLE    (UINT32_C(1) << 23)

enum polling { IDLE, BEGUN, SEEN, FOLLOWED, WRITTEN };
enum operating { WORKING, COMMITTED, LOOKED, HANDED_OVER };
enum requesting { NONE, ARRIVED, CLOCK_READ };

/* What one report contains. */
struct paper {
    uint8_t instance;
    uint8_t number;
    bool filter;
    uint8_t epoch;
};

/* The key is committed at epoch 1. */
struct world {
    uint8_t now;
    uint8_t polling, polls, files;
    uint8_t look_started, seen;
    bool has_key; /* the filter */
    struct paper paper;
    uint8_t operating, asked;
    struct paper copy; /* as read at the last poll */
    uint8_t requesting, request_clock;
    struct filter_protocol protocol;
    struct watch_memory own;
    uint8_t known_instance;
};

static uint64_t *visited;
static unsigned states, answers_by_filter, wrong;

static int64_t at(uint8_t steps)
{
    return 1000 + (int64_t)steps * STEP_MS;
}

/* FNV-1a with a final mix; two states of one hash in some ten million are very unlikely. */
static uint64_t hash(const struct world *world)
{
    uint64_t value = UINT64_C(0xcbf29ce484222325);
    const uint8_t *bytes = (const uint8_t *)world;
    for (size_t i = 0; i < sizeof *world; i++)
        value = (value ^ bytes[i]) * UINT64_C(0x100000001b3);
    value = (value ^ value >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return (value ^ value >> 29) | 1;
}

static bool is_new(const struct world *world)
{
    uint64_t value = hash(world);
    for (uint32_t i = (uint32_t)(value >> 40) % TABLE;; i = (i + 1) % TABLE) {
        if (visited[i] == value)
            return false;
        if (visited[i] != 0)
            continue;
        visited[i] = value;
        states++;
        ck_assert_uint_lt(states, TABLE / 4 * 3);
        return true;
    }
}

/* ---- the verifier's steps */

static bool poll_step(struct world *world, bool sound)
{
    switch ((enum polling)world->polling) {
    case IDLE:
        if (world->polls == POLLS)
            return false;
        world->polls++;
        filter_begin_poll(&world->protocol);
        world->look_started = world->now;
        world->polling = BEGUN;
        return true;
    case BEGUN:
        world->seen = world->operating >= COMMITTED;
        world->polling = SEEN;
        return true;
    case SEEN: /* sound: the bell works, all keys were read */
        world->has_key = world->has_key || (sound && world->operating >= COMMITTED);
        filter_followed(&world->protocol, sound);
        world->polling = FOLLOWED;
        return true;
    case FOLLOWED:
        world->paper.number++;
        world->paper.filter = world->protocol.sound;
        world->paper.epoch = world->seen;
        world->seen = 0;
        world->polling = WRITTEN;
        return true;
    case WRITTEN:
    default:
        filter_reported(&world->protocol, at(world->look_started), at(world->now));
        world->look_started = 0;
        world->polling = IDLE;
        return true;
    }
}

/* The report file was removed: a poll takes another one before it writes. */
static bool renew_step(struct world *world)
{
    if (world->polling != FOLLOWED || world->files == FILES)
        return false;
    world->files++;
    filter_withdraw(&world->protocol);
    world->paper = (struct paper){.instance = world->files};
    return true;
}

static bool request_step(struct world *world)
{
    if (world->requesting == NONE) {
        world->requesting = ARRIVED;
        return world->operating == HANDED_OVER;
    }
    if (world->requesting == ARRIVED) {
        world->request_clock = world->now;
        world->requesting = CLOCK_READ;
        return true;
    }
    bool used = filter_may_be_used(&world->protocol, at(world->request_clock));
    answers_by_filter += used;
    wrong += used && !world->has_key;
    world->requesting = NONE;
    world->request_clock = 0;
    return true;
}

/* ---- the operator's steps */

static bool judge(struct world *world)
{
    static const uint8_t era[WATCH_ID_SIZE] = {0};
    struct watch_end end = {.ended = 0};
    struct watched watched = {
        .file_there = true,
        .held = true,
        .joining = world->copy.number == 0,
        .filter = world->copy.filter,
        .number = world->copy.number,
        .epoch = world->copy.epoch,
    };
    if (world->known_instance != world->copy.instance)
        memset(&world->own, 0, sizeof world->own);
    world->known_instance = world->copy.instance;
    watched.own = world->own;
    watch_look(&watched, at(world->now), 1, WATCH_LEASE_DEFAULT_MS, &end);
    world->own = watched.own;
    return !watch_may_exclude(&watched, era, 1, at(world->asked), at(world->now));
}

/* What has no effect any more makes no states. */
static void forget_operator(struct world *world)
{
    world->asked = world->known_instance = 0;
    memset(&world->copy, 0, sizeof world->copy);
    memset(&world->own, 0, sizeof world->own);
}

/* It may poll once before it commits, so that it has measured some silence. */
static bool operate_step(struct world *world, bool looks)
{
    switch ((enum operating)world->operating) {
    case WORKING:
        if (looks && !world->own.seen) {
            world->copy = world->paper;
            (void)judge(world);
            return true;
        }
        world->operating = COMMITTED;
        world->asked = world->now;
        return !looks;
    case COMMITTED:
        world->copy = world->paper;
        world->operating = LOOKED;
        return looks;
    case LOOKED: /* the clock is read after the file */
        world->operating = judge(world) ? HANDED_OVER : COMMITTED;
        if (world->operating == HANDED_OVER)
            forget_operator(world);
        return looks;
    case HANDED_OVER:
    default:
        return false;
    }
}

static bool time_step(struct world *world)
{
    return world->now++ < TIME_MAX;
}

/* ---- all orders */

static void explore(const struct world *world)
{
    for (int step = 0; step < 7; step++) {
        struct world next;
        memcpy(&next, world, sizeof next); /* padding included, for the hash */
        bool possible = step < 2   ? poll_step(&next, step == 0)
                        : step < 4 ? operate_step(&next, step == 2)
                        : step < 5 ? request_step(&next)
                        : step < 6 ? renew_step(&next)
                                   : time_step(&next);
        if (possible && is_new(&next))
            explore(&next);
    }
}

START_TEST(no_order_lets_a_filter_reject_what_was_handed_over)
{
    struct world world;
    memset(&world, 0, sizeof world);
    visited = calloc(TABLE, sizeof *visited);
    ck_assert_ptr_nonnull(visited);
    explore(&world);
    free(visited);
    printf("# figure: filter-worlds %u states, %u answers from a filter\n", states, answers_by_filter);
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_gt(answers_by_filter, 1000);
}
END_TEST

START_TEST(a_filter_is_used_one_poll_after_it_was_announced)
{
    struct filter_protocol filter = {.sound = false};
    for (int i = 0; i < 2; i++) {
        filter_begin_poll(&filter);
        filter_followed(&filter, true);
        ck_assert(!filter_may_be_used(&filter, 100));
        filter_reported(&filter, 100, 100);
    }
    ck_assert(filter_may_be_used(&filter, 100 + WATCH_FILTER_MS - 1));
    ck_assert(!filter_may_be_used(&filter, 100 + WATCH_FILTER_MS));
    filter_begin_poll(&filter);
    ck_assert(filter_may_be_used(&filter, 100)); /* a poll does not interrupt it */
    filter_followed(&filter, false);
    ck_assert(!filter_may_be_used(&filter, 100));
    filter_reported(&filter, 200, 200);
    ck_assert(!filter_may_be_used(&filter, 200));
}
END_TEST

/* Somebody may have waited in vain for it meanwhile. */
START_TEST(a_report_that_comes_late_extends_no_use)
{
    struct filter_protocol filter = {.sound = false};
    for (int i = 0; i < 2; i++) {
        filter_begin_poll(&filter);
        filter_followed(&filter, true);
        filter_reported(&filter, 100, 100);
    }
    filter_begin_poll(&filter);
    filter_followed(&filter, true);
    filter_reported(&filter, 1000, 100 + WATCH_FILTER_MS);
    ck_assert(!filter_may_be_used(&filter, 100 + WATCH_FILTER_MS));
    filter_begin_poll(&filter);
    filter_followed(&filter, true);
    filter_reported(&filter, 1700, 1000 + WATCH_FILTER_MS - 1); /* in time */
    ck_assert(filter_may_be_used(&filter, 1700 + WATCH_FILTER_MS - 1));
    ck_assert(!filter_may_be_used(&filter, 1700 + WATCH_FILTER_MS)); /* from the beginning of the poll */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("filter_protocol");
    TCase *cases = tcase_create("filter_protocol");
    tcase_add_test(cases, a_filter_is_used_one_poll_after_it_was_announced);
    tcase_add_test(cases, a_report_that_comes_late_extends_no_use);
    tcase_add_test(cases, no_order_lets_a_filter_reject_what_was_handed_over);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
