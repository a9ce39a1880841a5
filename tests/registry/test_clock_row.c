/* SPDX-License-Identifier: Apache-2.0 */
/* The row of the two clocks: nothing before the first put, one row after any number of them, damage told. */
#include <stdio.h>
#include <string.h>

#include "lib/runner.h"
#include "registry/fixture.h"

static struct fixture fixture;

static void set_up(void)
{
    fixture_open(&fixture);
}

static void tear_down(void)
{
    fixture_close(&fixture);
}

static sealring_status get(struct registry *registry, void *context, sealring_error *error)
{
    return registry_clock_get(registry, context, error);
}

static sealring_status put(struct registry *registry, void *context, sealring_error *error)
{
    return registry_clock_put(registry, context, error);
}

static const struct registry_clock held = {
    .boot_id = "f26a1d1c-1b8e-4f4e-9a0a-0f6f7f2f9d10",
    .boot_ms = 12345678,
    .wall_ms = INT64_C(1795292100000),
    .held = true,
    .steady_boot_ms = 12340000,
    .expectation = 2,
    .expected_ms = INT64_C(1795295700000),
};

static void assert_comes_back(struct registry_clock clock)
{
    struct registry_clock read;

    ck_assert_int_eq(fixture_write(&fixture, false, put, &clock), SEALRING_OK);
    memset(&read, 0x5A, sizeof read);
    ck_assert_int_eq(fixture_read(fixture.registry, get, &read, &fixture.error), SEALRING_OK);
    ck_assert_str_eq(read.boot_id, clock.boot_id);
    ck_assert_int_eq(read.boot_ms, clock.boot_ms);
    ck_assert_int_eq(read.wall_ms, clock.wall_ms);
    ck_assert_int_eq(read.held, clock.held);
    ck_assert_int_eq(read.steady_boot_ms, clock.steady_boot_ms);
    ck_assert_int_eq(read.expectation, clock.expectation);
    ck_assert_int_eq(read.expected_ms, clock.expected_ms);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM clock"), 1);
}

START_TEST(nothing_at_first)
{
    const struct registry_clock zero = {0};
    struct registry_clock read;

    memset(&read, 0x5A, sizeof read);
    ck_assert_int_eq(fixture_read(fixture.registry, get, &read, &fixture.error), SEALRING_OK);
    ck_assert_str_eq(read.boot_id, "");
    ck_assert_int_eq(read.boot_ms, 0);
    ck_assert(!read.held);
    assert_comes_back(zero); /* no boot ID: it could not be read */
}
END_TEST

START_TEST(put_comes_back)
{
    assert_comes_back(held);
    assert_comes_back((struct registry_clock){.boot_id = "second", .boot_ms = 1, .wall_ms = -1}); /* before 1970 */
    assert_comes_back(held);
}
END_TEST

START_TEST(the_epoch_stays)
{
    struct registry_clock clock = held;
    int64_t before = fixture_number(&fixture, "SELECT epoch FROM vault");

    ck_assert_int_eq(fixture_write(&fixture, false, put, &clock), SEALRING_OK);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT epoch FROM vault"), before);
}
END_TEST

START_TEST(nonsense_is_refused)
{
    struct registry_clock clock = held;

    clock.expectation = 3;
    ck_assert_int_ne(fixture_write(&fixture, false, put, &clock), SEALRING_OK);
    clock = held;
    clock.boot_ms = -1;
    ck_assert_int_ne(fixture_write(&fixture, false, put, &clock), SEALRING_OK);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM clock"), 0);
}
END_TEST

static const char *const forgeries[] = {
    "UPDATE clock SET held = 2",
    "UPDATE clock SET expectation = -1",
    "UPDATE clock SET boot_id = 'a' || char(10)",
    "UPDATE clock SET boot_id = replace(hex(zeroblob(40)), '0', 'x')",
};

START_TEST(forged_rows_are_damage)
{
    struct registry_clock clock = held;
    char sql[256];
    sqlite3 *raw = fixture_raw(&fixture);

    ck_assert_int_eq(fixture_write(&fixture, false, put, &clock), SEALRING_OK);
    snprintf(sql, sizeof sql, "PRAGMA ignore_check_constraints = ON; %s", forgeries[_i]);
    ck_assert_int_eq(sqlite3_exec(raw, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(raw);
    ck_assert_int_eq(fixture_read(fixture.registry, get, &clock, &fixture.error), SEALRING_REGISTRY);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "is damaged"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry clock row");
    TCase *cases = tcase_create("cases");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, nothing_at_first);
    tcase_add_test(cases, put_comes_back);
    tcase_add_test(cases, the_epoch_stays);
    tcase_add_test(cases, nonsense_is_refused);
    tcase_add_loop_test(cases, forged_rows_are_damage, 0, (int)(sizeof forgeries / sizeof *forgeries));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
