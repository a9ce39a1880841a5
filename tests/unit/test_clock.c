/* SPDX-License-Identifier: Apache-2.0 */
/* base/clock: the clocks that it names, in milliseconds. */
#include <time.h>

#include "base/clock.h"
#include "lib/runner.h"

static int64_t read_ms(clockid_t clock)
{
    struct timespec now;
    ck_assert_int_eq(clock_gettime(clock, &now), 0);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

START_TEST(wall_time_is_the_time_of_day)
{
    int64_t before = read_ms(CLOCK_REALTIME);
    int64_t wall = clock_wall_ms();
    int64_t after = read_ms(CLOCK_REALTIME);
    ck_assert_int_le(before, wall);
    ck_assert_int_le(wall, after);
}
END_TEST

START_TEST(boot_time_counts_milliseconds_since_boot)
{
    int64_t before = read_ms(CLOCK_BOOTTIME);
    int64_t boot = clock_boot_ms();
    struct timespec pause = {.tv_nsec = 20000000};
    nanosleep(&pause, NULL);
    int64_t later = clock_boot_ms();
    int64_t after = read_ms(CLOCK_BOOTTIME);
    ck_assert_int_le(before, boot);
    ck_assert_int_ge(later - boot, 19);
    ck_assert_int_le(later, after);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clock");
    TCase *cases = tcase_create("clock");
    tcase_add_test(cases, wall_time_is_the_time_of_day);
    tcase_add_test(cases, boot_time_counts_milliseconds_since_boot);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
