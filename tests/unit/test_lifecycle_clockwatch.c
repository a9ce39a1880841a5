/* SPDX-License-Identifier: Apache-2.0 */
/* The clock rule: steps of every kind, both ways, across boots, and how a hold ends. */
#include <string.h>

#include "lib/runner.h"
#include "lifecycle/clockwatch.h"

#define WALL   INT64_C(1795292100000) /* 2026-11-21T20:15:00Z */
#define SECOND INT64_C(1000)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

/* A host: its real time since boot, and by how much its wall clock is off. */
static struct host {
    char boot_id[CLOCK_BOOT_ID_SIZE];
    int64_t boot_ms;
    int64_t real_ms;
    int64_t off;
} host;
static struct clock_memory memory;
static struct clock_judgement judgement;
static int64_t quiet;

static void fresh(void)
{
    memset(&memory, 0, sizeof(memory));
    host = (struct host){.boot_id = "first", .boot_ms = 5 * HOUR, .real_ms = WALL};
    quiet = DAY;
}

static void pass(int64_t duration)
{
    host.boot_ms += duration;
    host.real_ms += duration;
}

static void boot(const char *boot_id, int64_t down)
{
    strcpy(host.boot_id, boot_id);
    host.boot_ms = 20 * SECOND;
    host.real_ms += down;
}

/* One run of the automation; what it remembers. */
static bool run(void)
{
    struct clock_reading now = {.boot_ms = host.boot_ms, .wall_ms = host.real_ms + host.off};

    strcpy(now.boot_id, host.boot_id);
    memset(&judgement, 0x5A, sizeof(judgement));
    clockwatch_judge(&memory, &now, quiet, &judgement);
    memory = judgement.memory;
    ck_assert_int_eq(judgement.text[0] != '\0', memory.held || judgement.stepped || judgement.released);
    ck_assert(memory.held || judgement.held_for == 0);
    return memory.held;
}

START_TEST(the_first_reading_is_believed)
{
    fresh();
    ck_assert(!run());
    ck_assert(judgement.worth_writing);
    ck_assert_int_eq(memory.last.wall_ms, WALL);
    ck_assert_str_eq(memory.last.boot_id, "first");
}
END_TEST

START_TEST(drift_is_borne)
{
    static const int64_t drifts[] = {1, -1, 30 * SECOND, -30 * SECOND};

    for (size_t i = 0; i < 4; i++) {
        fresh();
        run();
        pass(HOUR);
        host.off += drifts[i];
        ck_assert(!run());
        ck_assert(!judgement.stepped);
    }
}
END_TEST

START_TEST(steps_hold)
{
    static const int64_t steps[] = {30 * SECOND + 1, -30 * SECOND - 1, 3 * HOUR, -3 * HOUR, 400 * DAY, -400 * DAY};

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        fresh();
        run();
        pass(60 * SECOND);
        host.off = steps[i];
        ck_assert(run());
        ck_assert(judgement.stepped && judgement.worth_writing);
        ck_assert_int_eq(judgement.held_for, DAY);
        ck_assert_ptr_nonnull(strstr(judgement.text, steps[i] < 0 ? "set back by" : "set forward by"));
        pass(1);
        ck_assert(run()); /* told once */
        ck_assert(!judgement.stepped);
    }
}
END_TEST

START_TEST(suspended_time_is_no_step)
{
    fresh();
    run();
    pass(100 * DAY); /* the time since boot goes on while the host sleeps, and while nobody runs */
    ck_assert(!run());
}
END_TEST

START_TEST(a_clock_that_is_set_right_again_is_trusted)
{
    static const int64_t left[] = {0, 30 * SECOND, -30 * SECOND};
    static const int64_t steps[] = {5 * HOUR, -5 * HOUR};

    for (size_t i = 0; i < 6; i++) {
        fresh();
        run();
        host.off = steps[i % 2];
        pass(SECOND);
        run();
        pass(2 * HOUR);
        ck_assert(run());
        host.off = left[i / 2];
        pass(SECOND);
        ck_assert(!run());
        ck_assert(judgement.released && !judgement.stepped && judgement.worth_writing);
    }
}
END_TEST

START_TEST(almost_right_is_not_right)
{
    fresh();
    run();
    host.off = 5 * HOUR;
    run();
    host.off = 31 * SECOND;
    pass(SECOND);
    ck_assert(run());
    ck_assert(judgement.stepped); /* and the time of steadiness starts anew */
    ck_assert_int_eq(judgement.held_for, DAY);
}
END_TEST

START_TEST(a_steady_clock_is_trusted_after_the_quiet_period)
{
    fresh();
    run();
    host.off = -2 * HOUR;
    ck_assert(run());
    pass(DAY - 1);
    ck_assert(run());
    ck_assert_int_eq(judgement.held_for, 1);
    pass(1);
    ck_assert(!run());
    ck_assert(judgement.released);
    pass(SECOND);
    ck_assert(!run());
    ck_assert(!judgement.released);
}
END_TEST

START_TEST(an_hour_at_least)
{
    fresh();
    quiet = SECOND;
    run();
    host.off = DAY;
    run();
    ck_assert_int_eq(judgement.held_for, HOUR);
    pass(HOUR - 1);
    ck_assert(run());
    pass(1);
    ck_assert(!run());
}
END_TEST

START_TEST(every_step_starts_the_time_anew)
{
    fresh();
    run();
    for (int i = 1; i <= 10; i++) {
        host.off = i * HOUR;
        pass(DAY / 2);
        ck_assert(run());
        ck_assert(judgement.stepped);
    }
    host.off = 0;
    pass(SECOND);
    ck_assert(!run()); /* what was expected before the first step counts */
}
END_TEST

START_TEST(another_boot_may_be_any_later)
{
    fresh();
    run();
    boot("second", 40 * DAY);
    ck_assert(!run());
    ck_assert(judgement.worth_writing);
    boot("third", 0);
    host.off = -30 * SECOND; /* a battery-backed clock of poor make */
    ck_assert(!run());
}
END_TEST

START_TEST(another_boot_in_the_past_is_held)
{
    fresh();
    run();
    boot("second", HOUR);
    host.off = -HOUR - 31 * SECOND;
    ck_assert(run());
    ck_assert(judgement.stepped);
    pass(HOUR);
    ck_assert(run()); /* that it got past the remembered time by itself does not make it right */
    host.off = 0;
    pass(SECOND);
    ck_assert(!run());
    fresh();
    run();
    boot("second", HOUR);
    host.off = -400 * DAY;
    run();
    pass(DAY);
    ck_assert(!run()); /* steady */
}
END_TEST

START_TEST(held_across_a_boot)
{
    fresh();
    run();
    host.off = -5 * HOUR;
    run();
    boot("second", HOUR);
    ck_assert(run()); /* still behind */
    host.off = 0;
    pass(SECOND);
    ck_assert(!run());
    fresh();
    run();
    host.off = 5 * HOUR;
    run();
    boot("second", HOUR); /* still ahead, and that is all that anybody can know */
    ck_assert(run());
    pass(DAY - 1);
    ck_assert(run());
    pass(1);
    ck_assert(!run());
    fresh();
    run();
    host.off = 5 * HOUR;
    run();
    pass(DAY - 1);
    boot("second", HOUR); /* the time of steadiness is that of one boot */
    ck_assert(run());
    ck_assert_int_eq(judgement.held_for, DAY);
}
END_TEST

START_TEST(without_a_boot_id)
{
    fresh();
    host.boot_id[0] = '\0';
    ck_assert(!run());
    pass(HOUR);
    ck_assert(!run());
    host.off = -2 * HOUR;
    ck_assert(run());
    pass(100 * DAY);
    ck_assert(!run()); /* it is later than ever before */
}
END_TEST

START_TEST(written_now_and_then)
{
    fresh();
    run();
    pass(59999);
    struct clock_memory kept = memory;
    run();
    ck_assert(!judgement.worth_writing);
    memory = kept;
    pass(1);
    run();
    ck_assert(judgement.worth_writing);
}
END_TEST

START_TEST(absurd_readings)
{
    static const int64_t absurd[] = {INT64_MIN, -1, 0, 1, INT64_MAX};

    for (int i = 0; i < 5 * 5 * 5 * 5; i++) {
        struct clock_reading now = {.boot_id = "first", .boot_ms = absurd[i % 5], .wall_ms = absurd[i / 5 % 5]};
        memory = (struct clock_memory){.held = i % 2 == 0,
                                       .expectation = CLOCK_EXPECTED_EXACTLY,
                                       .steady_boot_ms = absurd[i / 25 % 5],
                                       .expected_ms = absurd[i / 125]};
        memory.last =
            (struct clock_reading){.boot_id = "first", .boot_ms = absurd[i / 125], .wall_ms = absurd[i / 25 % 5]};
        clockwatch_judge(&memory, &now, absurd[i % 5], &judgement); /* no overflow */
        ck_assert_uint_lt(strnlen(judgement.text, sizeof(judgement.text)), sizeof(judgement.text));
    }
}
END_TEST

/* ---- The lower bound */

#define BUILT  (WALL - 30 * DAY)
#define SIGNED WALL
#define SLACK  CLOCKWATCH_BOUND_SLACK_MS

static struct clock_trust trust;

/* A reading with the wall clock that much ahead of the right time, after `boot_ms` since boot. */
static bool trusted(int64_t boot_ms, int64_t off, int64_t signed_ms)
{
    const struct clock_bound bound = {.built_ms = BUILT, .signed_ms = signed_ms};
    int64_t wall = WALL + boot_ms + off;

    if (!clockwatch_needs_signed(&trust, wall, boot_ms, BUILT)) {
        struct clock_trust again = trust;
        bool yes = wall >= BUILT;
        ck_assert_int_eq(clockwatch_trusts(&again, wall, boot_ms, &bound), yes); /* the signature changes nothing */
        return yes;
    }
    return clockwatch_trusts(&trust, wall, boot_ms, &bound);
}

START_TEST(the_later_bound_counts)
{
    struct clock_bound bound = {.built_ms = BUILT, .signed_ms = 0};
    ck_assert_int_eq(clockwatch_bound(&bound), BUILT);
    bound.signed_ms = BUILT + SLACK;
    ck_assert_int_eq(clockwatch_bound(&bound), BUILT);
    bound.signed_ms = SIGNED;
    ck_assert_int_eq(clockwatch_bound(&bound), SIGNED - SLACK);
    bound.signed_ms = INT64_MIN;
    ck_assert_int_eq(clockwatch_bound(&bound), BUILT);
}
END_TEST

START_TEST(at_the_bounds)
{
    static const struct {
        int64_t off;
        int64_t signed_ms;
        bool trusted;
    } cases[] = {
        {0, SIGNED, true},         {-SLACK, SIGNED, true},         {-SLACK - 1, SIGNED, false},
        {BUILT - WALL, 0, true},   {BUILT - WALL - 1, 0, false},   {BUILT - WALL - 1, SIGNED, false},
        {-WALL, SIGNED, false},    {0, SIGNED + SLACK, true},      {0, SIGNED + SLACK + 1, false},
        {365 * DAY, SIGNED, true}, {0, SIGNED + 365 * DAY, false}, {INT64_MIN / 2, SIGNED, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        trust = (struct clock_trust){.earned = false};
        ck_assert_msg(trusted(0, cases[i].off, cases[i].signed_ms) == cases[i].trusted, "case %zu", i);
        ck_assert_int_eq(trust.earned, cases[i].trusted);
    }
}
END_TEST

START_TEST(trust_once_earned_outlives_a_signer_that_was_ahead)
{
    trust = (struct clock_trust){.earned = false};
    ck_assert(trusted(0, 0, SIGNED));
    ck_assert(trusted(HOUR, 0, SIGNED + 365 * DAY));
    ck_assert(trusted(2 * HOUR, 3 * DAY, SIGNED + 365 * DAY)); /* set ahead, */
    ck_assert(trusted(3 * HOUR, 0, SIGNED + 365 * DAY));       /* and right again */
    ck_assert(trusted(4 * HOUR, -SLACK, SIGNED + 365 * DAY));
    ck_assert(!trusted(5 * HOUR, -SLACK - 1, SIGNED + 365 * DAY)); /* set back */
    ck_assert(!trusted(6 * HOUR, -WALL, SIGNED));
    ck_assert(trusted(7 * HOUR, 0, SIGNED + 365 * DAY));
}
END_TEST

START_TEST(a_clock_does_not_creep_back)
{
    trust = (struct clock_trust){.earned = false};
    ck_assert(trusted(0, 0, SIGNED));
    for (int i = 1; i <= 20; i++) /* each time by less than the slack */
        ck_assert_int_eq(trusted(i * SECOND, -i * SLACK / 4, SIGNED + 365 * DAY), i <= 4);
}
END_TEST

START_TEST(a_late_start_earns_trust_when_the_clock_is_set)
{
    trust = (struct clock_trust){.earned = false};
    ck_assert(!trusted(0, -WALL, SIGNED));
    ck_assert(!trusted(SECOND, -DAY, SIGNED));
    ck_assert(trusted(2 * SECOND, 0, SIGNED));
    ck_assert(!trusted(3 * SECOND, -DAY, SIGNED));
}
END_TEST

START_TEST(absurd_bounds)
{
    static const int64_t absurd[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
    for (int i = 0; i < 5 * 5 * 5 * 5 * 2; i++) {
        struct clock_bound bound = {.built_ms = 0, .signed_ms = absurd[i % 5]};
        trust = (struct clock_trust){.earned = i % 2 == 0, .offset_ms = absurd[i / 2 / 125 % 5]};
        (void)clockwatch_needs_signed(&trust, absurd[i / 2 / 5 % 5], absurd[i / 2 / 25 % 5], 0); /* no overflow */
        (void)clockwatch_trusts(&trust, absurd[i / 2 / 5 % 5], absurd[i / 2 / 25 % 5], &bound);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lifecycle/clockwatch");
    TCase *cases = tcase_create("clockwatch");

    tcase_add_test(cases, the_first_reading_is_believed);
    tcase_add_test(cases, drift_is_borne);
    tcase_add_test(cases, steps_hold);
    tcase_add_test(cases, suspended_time_is_no_step);
    tcase_add_test(cases, a_clock_that_is_set_right_again_is_trusted);
    tcase_add_test(cases, almost_right_is_not_right);
    tcase_add_test(cases, a_steady_clock_is_trusted_after_the_quiet_period);
    tcase_add_test(cases, an_hour_at_least);
    tcase_add_test(cases, every_step_starts_the_time_anew);
    tcase_add_test(cases, another_boot_may_be_any_later);
    tcase_add_test(cases, another_boot_in_the_past_is_held);
    tcase_add_test(cases, held_across_a_boot);
    tcase_add_test(cases, without_a_boot_id);
    tcase_add_test(cases, written_now_and_then);
    tcase_add_test(cases, absurd_readings);
    tcase_add_test(cases, the_later_bound_counts);
    tcase_add_test(cases, at_the_bounds);
    tcase_add_test(cases, trust_once_earned_outlives_a_signer_that_was_ahead);
    tcase_add_test(cases, a_clock_does_not_creep_back);
    tcase_add_test(cases, a_late_start_earns_trust_when_the_clock_is_set);
    tcase_add_test(cases, absurd_bounds);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
