/* SPDX-License-Identifier: Apache-2.0 */
/* base/clock: the clocks that it names, in milliseconds. */
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

START_TEST(a_deadline_is_a_monotonic_time_from_now)
{
    static const int64_t waits[] = {INT64_MIN, -1, 0, 1, 999, 1000, 1001, 86400000, INT64_MAX};
    static const int64_t meant[] = {0, 0, 0, 1, 999, 1000, 1001, 86400000, 86400000};
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        int64_t before = read_ms(CLOCK_MONOTONIC);
        struct timespec deadline = clock_deadline(waits[i]);
        int64_t after = read_ms(CLOCK_MONOTONIC);
        int64_t at = deadline.tv_sec * INT64_C(1000) + deadline.tv_nsec / 1000000;
        ck_assert(deadline.tv_nsec >= 0 && deadline.tv_nsec < 1000000000);
        ck_assert_int_ge(at - before, meant[i]);
        ck_assert_int_le(at - after, meant[i]);
    }
}
END_TEST

/* ---- which clock it is ---- */

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

START_TEST(a_clock_is_known_by_its_boot)
{
    char boot_id[CLOCK_BOOT_ID_SIZE], reference[CLOCK_BOOT_ID_SIZE], again[CLOCK_BOOT_ID_SIZE];
    ck_assert_int_eq(clock_boot_id(boot_id), 0);
    clock_reference(reference);
    clock_reference(again);
    ck_assert_str_eq(reference, again);
    ck_assert_str_ne(reference, "");
    /* where this test itself runs in a time namespace the reference is another */
    struct stat own;
    bool of_the_host = stat("/proc/self/ns/time", &own) == 0 && own.st_ino == 4026531834;
    ck_assert_int_eq(strcmp(reference, boot_id) == 0, of_the_host);
}
END_TEST

/* In a child of a child: a time namespace is for the children of who makes it. Exit status 0: another clock, which is told from the
 * parent's, and once more the same from itself. */
static int look_elsewhere(const char *parents)
{
    char reference[CLOCK_BOOT_ID_SIZE], again[CLOCK_BOOT_ID_SIZE];
    int64_t before = clock_boot_ms();
    int flags = CLONE_NEWTIME | (geteuid() != 0 ? CLONE_NEWUSER : 0);
    if (unshare(flags) != 0)
        return 2;
    int descriptor = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
    if (write(descriptor, "boottime 36000 0", 16) != 16)
        return 3;
    close(descriptor);
    pid_t child = fork();
    if (child != 0) {
        int code = -1;
        return waitpid(child, &code, 0) == child && WIFEXITED(code) ? WEXITSTATUS(code) : 4;
    }
    clock_reference(reference);
    clock_reference(again);
    if (clock_boot_ms() - before < 36000000)
        _exit(5);
    if (strcmp(reference, "") == 0 || strcmp(reference, again) != 0 || strlen(reference) >= CLOCK_BOOT_ID_SIZE)
        _exit(6);
    _exit(strcmp(reference, parents) == 0 ? 7 : 0);
}

START_TEST(a_time_namespace_has_another_clock)
{
    char reference[CLOCK_BOOT_ID_SIZE];
    int code = -1;
    clock_reference(reference);
    pid_t child = fork();
    if (child == 0)
        _exit(look_elsewhere(reference));
    ck_assert_int_eq(waitpid(child, &code, 0), child);
    ck_assert_int_eq(WEXITSTATUS(code), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clock");
    TCase *cases = tcase_create("clock");
    tcase_add_test(cases, wall_time_is_the_time_of_day);
    tcase_add_test(cases, a_deadline_is_a_monotonic_time_from_now);
    tcase_add_test(cases, boot_time_counts_milliseconds_since_boot);
    tcase_add_test(cases, a_clock_is_known_by_its_boot);
    tcase_add_test(cases, a_time_namespace_has_another_clock);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
