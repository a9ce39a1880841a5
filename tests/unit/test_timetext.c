/* SPDX-License-Identifier: Apache-2.0 */
/* base/timetext: RFC 3339 and durations, read strictly, against the C library's calendar. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/timetext.h"
#include "lib/runner.h"
#include "unit/seeded.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))
#define DAY          INT64_C(86400000)
#define LAST         INT64_C(253402300799999)

static uint64_t seed;

struct time_case {
    const char *text;
    int64_t time;
};

static const struct time_case good_times[] = {
    {"1970-01-01T00:00:00.001Z", 1},
    {"1970-01-01T00:00:01Z", 1000},
    {"2000-02-29T12:34:56Z", INT64_C(951827696000)},
    {"2026-11-21T20:15:00Z", INT64_C(1795292100000)},
    {"2026-11-21t20:15:00z", INT64_C(1795292100000)},
    {"2026-11-21T21:15:00+01:00", INT64_C(1795292100000)},
    {"2026-11-21T14:45:00-05:30", INT64_C(1795292100000)},
    {"2026-11-22T20:14:00+23:59", INT64_C(1795292100000)},
    {"2026-11-20T20:16:00-23:59", INT64_C(1795292100000)},
    {"2026-11-21T20:15:00-00:00", INT64_C(1795292100000)}, /* RFC 3339, section 4.3 */
    {"2026-11-21T20:15:00.5Z", INT64_C(1795292100500)},
    {"2026-11-21T20:15:00.05Z", INT64_C(1795292100050)},
    {"2026-11-21T20:15:00.1239Z", INT64_C(1795292100123)}, /* truncated, not rounded */
    {"2026-11-21T20:15:00.000000000000000000000000000001Z", INT64_C(1795292100000)},
    {"1969-12-31T23:30:00-01:00", 1800000}, /* 1970 where it counts */
    {"9999-12-31T23:59:59.999Z", LAST},
    {"9999-12-31T23:59:59.9999Z", LAST},
};

START_TEST(good_times_are_read)
{
    int64_t time = -1;
    ck_assert(timetext_parse(good_times[_i].text, &time));
    ck_assert_int_eq(time, good_times[_i].time);
}
END_TEST

static const char *const bad_times[] = {
    NULL,
    "",
    "-",
    "now",
    "0",
    "1795292100",
    "2026-11-21",
    "2026-11-21T20:15:00", /* no zone */
    "2026-11-21T20:15Z",
    "2026-11-21 20:15:00Z",
    "2026-11-21T20:15:00 Z",
    " 2026-11-21T20:15:00Z",
    "2026-11-21T20:15:00Z ",
    "2026-11-21T20:15:00Z\n",
    "2026-11-21T20:15:00ZZ",
    "2026-11-21T20:15:00+01:00Z",
    "2026-11-21T20:15:00.Z",
    "2026-11-21T20:15:00,5Z",
    "2026-11-21T20:15:00.5",
    "2026-11-21T20:15:00.-5Z",
    "2026-11-21T20:15:00+0100",
    "2026-11-21T20:15:00+01",
    "2026-11-21T20:15:00+1:00",
    "2026-11-21T20:15:00+24:00",
    "2026-11-21T20:15:00+01:60",
    "2026-11-21T20:15:00\xe2\x88\x92"
    "01:00",
    "2026-11-21T24:00:00Z",
    "2026-11-21T23:60:00Z",
    "2026-12-31T23:59:60Z", /* a leap second has no number of its own */
    "2026-00-21T20:15:00Z",
    "2026-13-21T20:15:00Z",
    "2026-11-00T20:15:00Z",
    "2026-11-31T20:15:00Z",
    "2026-02-29T00:00:00Z",
    "2100-02-29T00:00:00Z",
    "2000-02-30T00:00:00Z",
    "26-11-21T20:15:00Z",
    "02026-11-21T20:15:00Z",
    "+2026-11-21T20:15:00Z",
    "-2026-11-21T20:15:00Z",
    "10000-01-01T00:00:00Z",
    "2026-1-21T20:15:00Z",
    "2026-11-21T2:15:00Z",
    "2026-11-21T+2:15:00Z",
    "2026/11/21T20:15:00Z",
    "0000-01-01T00:00:00Z",
    "1969-12-31T23:59:59Z",
    "1969-12-31T23:59:59.999Z",
    "1970-01-01T00:00:00Z",      /* 0 means "none" */
    "1970-01-01T00:00:00.0009Z", /* would be 0, too */
    "1970-01-01T00:30:00+01:00",
    "9999-12-31T23:59:59-00:01",
    "\xd9\xa2\xd9\xa0\xd9\xa2\xd9\xa6-11-21T20:15:00Z", /* digits, but not ours */
};

START_TEST(bad_times_are_refused)
{
    int64_t time = 77;
    ck_assert_msg(!timetext_parse(bad_times[_i], &time), "\"%s\"", bad_times[_i]);
    ck_assert_int_eq(time, 77);
}
END_TEST

/* Anything cut off the end leaves no time; nor does a character changed into one of another kind. */
START_TEST(no_part_of_a_time_is_a_time)
{
    static const char whole[] = "2026-11-21T20:15:00.123+01:00";
    int64_t time;
    ck_assert(timetext_parse(whole, &time));
    for (size_t length = 0; length < sizeof whole - 1; length++) {
        char text[sizeof whole];
        memcpy(text, whole, sizeof whole);
        text[length] = '\0';
        ck_assert_msg(!timetext_parse(text, &time), "%s", text);
        memcpy(text, whole, sizeof whole);
        text[length] = '#';
        ck_assert_msg(!timetext_parse(text, &time), "%s", text);
    }
}
END_TEST

START_TEST(times_are_written)
{
    static const struct time_case cases[] = {
        {"-", 0},
        {"1970-01-01T00:00:00.001Z", 1},
        {"2026-11-21T20:15:00Z", INT64_C(1795292100000)},
        {"2026-11-21T20:15:00.050Z", INT64_C(1795292100050)},
        {"2000-12-31T23:59:59Z", INT64_C(978307199000)},
        {"9999-12-31T23:59:59.999Z", LAST},
        {"out of range", LAST + 1},
        {"out of range", -1},
        {"out of range", INT64_MAX},
        {"out of range", INT64_MIN},
    };
    char text[TIMETEXT_SIZE];
    timetext_format(cases[_i].time, text);
    ck_assert_str_eq(text, cases[_i].text);
}
END_TEST

static void assert_day(int64_t day)
{
    time_t seconds = (time_t)(day * 86400 + 43200);
    struct tm calendar;
    char expected[64], text[TIMETEXT_SIZE];
    int64_t back = 0;
    gmtime_r(&seconds, &calendar);
    strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%SZ", &calendar);
    timetext_format((int64_t)seconds * 1000, text);
    if (strcmp(text, expected) != 0 || !timetext_parse(text, &back) || back != (int64_t)seconds * 1000)
        ck_abort_msg("day %lld: %s, not %s", (long long)day, text, expected);
}

/* All 2,932,897 of them. */
START_TEST(every_day_from_1970_to_9999_agrees_with_the_c_library)
{
    for (int64_t day = 0; day <= LAST / DAY; day++)
        assert_day(day);
}
END_TEST

START_TEST(random_times_survive_writing_and_reading)
{
    uint64_t state = seed;
    for (int run = 0; run < 100000; run++) {
        int64_t time = (int64_t)(seeded_next(&state) % (uint64_t)LAST) + 1, back = 0;
        char text[TIMETEXT_SIZE];
        timetext_format(time, text);
        if (!timetext_parse(text, &back) || back != time)
            ck_abort_msg("%lld became %s", (long long)time, text);
    }
}
END_TEST

/* The zone of the process, and leap seconds in a zone of the "right/" kind, must not matter. */
START_TEST(the_zone_of_the_process_does_not_matter)
{
    int64_t time = 0;
    char text[TIMETEXT_SIZE];
    ck_assert_int_eq(setenv("TZ", _i == 0 ? "XYZ-11:30" : "right/UTC", 1), 0);
    tzset();
    ck_assert(timetext_parse("2026-11-21T20:15:00Z", &time));
    ck_assert_int_eq(time, INT64_C(1795292100000));
    timetext_format(time, text);
    ck_assert_str_eq(text, "2026-11-21T20:15:00Z");
}
END_TEST

struct duration_case {
    const char *text;
    int64_t duration;
};

static const struct duration_case good_durations[] = {
    {"0s", 0},
    {"0d", 0},
    {"1ms", 1},
    {"250ms", 250},
    {"10s", 10000},
    {"30m", 1800000},
    {"12h", 43200000},
    {"90d", 90 * DAY},
    {"1d12h", DAY + DAY / 2},
    {"1d12h30m10s250ms", DAY + DAY / 2 + 1810250},
    {"1d250ms", DAY + 250},
    {"36h", DAY + DAY / 2},
    {"007d", 7 * DAY},
    {"36500d", 36500 * DAY},
    {"36499d24h", 36500 * DAY},
    {"3153600000000ms", 36500 * DAY},
};

START_TEST(good_durations_are_read)
{
    int64_t duration = -1;
    ck_assert(timetext_duration_parse(good_durations[_i].text, &duration));
    ck_assert_int_eq(duration, good_durations[_i].duration);
}
END_TEST

static const char *const bad_durations[] = {
    NULL,
    "",
    "0",
    "1",
    "d",
    "ms",
    "-1d",
    "+1d",
    " 1d",
    "1d ",
    "1 d",
    "1d 12h",
    "1D",
    "1.5h",
    "1,5h",
    "1w",
    "1y",
    "1M",
    "1min",
    "1sec",
    "1d1",
    "1d12",
    "1dd",
    "1sm",
    "1dh",
    "1mss",
    "1smms",
    "12h1d", /* ascending */
    "1ms1s",
    "1d1d", /* twice */
    "1s1s",
    "1h30m1h",
    "1d\n",
    "36501d",
    "36500d1ms",
    "36500d0h0m0s1ms",
    "3153600000001ms",
    "18446744073709551616d",
    "18446744073709551617ms",
    "213503982335d", /* times 86,400,000 is just above 2^64 */
    "99999999999999999999999999999999999999999999999999d",
    "0x10s",
    "\xd9\xa3"
    "d",
};

START_TEST(bad_durations_are_refused)
{
    int64_t duration = 77;
    ck_assert_msg(!timetext_duration_parse(bad_durations[_i], &duration), "\"%s\"", bad_durations[_i]);
    ck_assert_int_eq(duration, 77);
}
END_TEST

START_TEST(durations_are_written_in_the_largest_units)
{
    static const struct duration_case cases[] = {
        {"0s", 0},
        {"1ms", 1},
        {"999ms", 999},
        {"30s", 30000},
        {"1500ms", 1500},
        {"1m", 60000},
        {"1m1500ms", 61500},
        {"1h", 3600000},
        {"1h1s", 3601000},
        {"1d12h", DAY + DAY / 2},
        {"90d", 90 * DAY},
        {"1d1h1m1s", DAY + 3661000},
        {"36500d", 36500 * DAY},
        {"-30s", -30000},
        {"106751991167d7h12m55807ms", INT64_MAX},
        {"-106751991167d7h12m55808ms", INT64_MIN},
    };
    char text[TIMETEXT_SIZE];
    timetext_duration_format(cases[_i].duration, text);
    ck_assert_str_eq(text, cases[_i].text);
}
END_TEST

START_TEST(random_durations_survive_writing_and_reading)
{
    uint64_t state = seed;
    for (int run = 0; run < 100000; run++) {
        int64_t duration = (int64_t)(seeded_next(&state) % (uint64_t)(TIMETEXT_DURATION_MAX + 1)), back = -1;
        static const int64_t steps[] = {1, 1000, 60000, 3600000, DAY};
        char text[TIMETEXT_SIZE];
        duration -= duration % steps[run % 5];
        timetext_duration_format(duration, text);
        if (!timetext_duration_parse(text, &back) || back != duration)
            ck_abort_msg("%lld became %s", (long long)duration, text);
    }
}
END_TEST

int main(void)
{
    seed = seeded_choose();
    Suite *suite = suite_create("timetext");
    TCase *cases = tcase_create("timetext");
    tcase_add_loop_test(cases, good_times_are_read, 0, COUNT(good_times));
    tcase_add_loop_test(cases, bad_times_are_refused, 0, COUNT(bad_times));
    tcase_add_test(cases, no_part_of_a_time_is_a_time);
    tcase_add_loop_test(cases, times_are_written, 0, 10);
    tcase_add_test(cases, every_day_from_1970_to_9999_agrees_with_the_c_library);
    tcase_add_test(cases, random_times_survive_writing_and_reading);
    tcase_add_loop_test(cases, the_zone_of_the_process_does_not_matter, 0, 2);
    tcase_add_loop_test(cases, good_durations_are_read, 0, COUNT(good_durations));
    tcase_add_loop_test(cases, bad_durations_are_refused, 0, COUNT(bad_durations));
    tcase_add_loop_test(cases, durations_are_written_in_the_largest_units, 0, 16);
    tcase_add_test(cases, random_durations_survive_writing_and_reading);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
