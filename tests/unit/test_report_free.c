/* SPDX-License-Identifier: Apache-2.0 */
/* Cells that are taken again: no more of them than are in use, and readers meet whole records only. */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "unit/report_fixture.h"
#include "verifier/report/report_parts.h"

static uint32_t cells_of(const struct report *report)
{
    return atomic_load(&report_map_header(&report->map)->cells);
}

static void fill(struct report *report, uint32_t hour, uint32_t keys)
{
    for (uint32_t key = 1; key <= keys; key++)
        report_count(report_credential(report, key, 1, 1, hour), NULL, SEALRING_ACCEPTED, 1);
}

START_TEST(takes_cells_of_harvested_hours)
{
    struct report *report = fixture_join();
    struct report_version *version = report_version(report, 1, 1);
    fill(report, FIXTURE_HOUR, 100);
    fill(report, FIXTURE_HOUR + 1, 100);
    uint32_t cells = cells_of(report);
    report_reuse(report, FIXTURE_HOUR);
    fill(report, FIXTURE_HOUR + 2, 100);
    ck_assert_uint_eq(cells_of(report), cells);
    struct fixture_sums sums = fixture_sums(fixture_paths().last);
    ck_assert_uint_eq(sums.credentials, 200);
    ck_assert_uint_eq(sums.accepted, 200);
    ck_assert_uint_eq(sums.versions, 1);
    ck_assert_uint_eq(sums.damaged, 0);
    ck_assert_ptr_eq(report_version(report, 1, 1), version);
    fill(report, FIXTURE_HOUR + 2, 101); /* the hundred again, and one for which there is no free cell */
    ck_assert_uint_eq(cells_of(report), cells + 1);
    report_leave(report);
}
END_TEST

START_TEST(the_next_one_bears_free_cells)
{
    struct report *report = fixture_join();
    fill(report, FIXTURE_HOUR, 10);
    report_reuse(report, FIXTURE_HOUR);
    ck_assert_uint_gt(report->free.count, 0);
    struct report_credential *record = report_map_cell(&report->map, report->free.cells[0]);
    atomic_store(&record->kind, REPORT_FREE); /* as one that was killed leaves it */
    report_leave(report);
    ck_assert_uint_eq(fixture_sums(fixture_paths().last).credentials, 9);
    ck_assert_uint_eq(fixture_sums(fixture_paths().last).damaged, 0);
    report = fixture_join();
    ck_assert_uint_eq(fixture_paths().count, 1);
    uint32_t cells = cells_of(report);
    report_reuse(report, 0);
    fill(report, FIXTURE_HOUR + 5, 1);
    ck_assert_uint_eq(cells_of(report), cells);
    report_leave(report);
}
END_TEST

START_TEST(closed_hours_never_go_back)
{
    struct report *report = fixture_join();
    ck_assert_uint_eq(report_closed_hour(report), 0);
    report_close_hours(report, 7);
    report_close_hours(report, 5);
    ck_assert_uint_eq(report_closed_hour(report), 7);
    ck_assert_uint_eq(fixture_summary(fixture_paths().last).closed_hour, 7);
    report_leave(report);
    report = fixture_join();
    ck_assert_uint_eq(fixture_paths().count, 1);
    ck_assert_uint_eq(report_closed_hour(report), 7);
    report_close_hours(report, (uint32_t)(clock_wall_ms() / 3600000) + 2);
    report_leave(report);
    report = fixture_join(); /* not there, where hours lie ahead */
    ck_assert_uint_eq(fixture_paths().count, 2);
    report_leave(report);
}
END_TEST

/* ---- A reader in another process, while every cell is given to one record after the other */

enum { KEYS = 2000, ROUNDS = 300 };

/* What the writer writes agrees in itself. */
static sealring_status check_record(const struct report_credential *record, void *context)
{
    uint64_t *seen = context;
    uint32_t hour = record->hour;
    uint64_t accepted = record->accepted;
    ++*seen;
    ck_assert_msg(record->key > (int64_t)hour * 10000 && record->key <= (int64_t)hour * 10000 + KEYS,
                  "hour %u has key %lld", hour, (long long)record->key);
    ck_assert_uint_eq(record->serial, hour % 1000 + 1);
    ck_assert_uint_eq(record->version, hour % 100 + 1);
    ck_assert_msg(accepted == 0 || accepted == hour, "hour %u has %llu", hour, (unsigned long long)accepted);
    return SEALRING_OK;
}

static void read_on(const char *path)
{
    uint64_t seen = 0, damaged;
    struct report_reader *reader = NULL;
    ck_assert_int_eq(report_read_open(path, &reader, NULL), SEALRING_OK);
    for (;;) {
        ck_assert_int_eq(report_read_each(reader, NULL, check_record, &seen, &damaged), SEALRING_OK);
        ck_assert_uint_eq(damaged, 0);
    }
}

START_TEST(readers_meet_whole_records)
{
    struct report *report = fixture_join();
    char path[PATH_MAX];
    int status = 0;
    snprintf(path, sizeof path, "%s", fixture_paths().last);
    pid_t reader = fork();
    if (reader == 0) {
        read_on(path);
        _exit(0);
    }
    for (uint32_t hour = 1; hour <= ROUNDS; hour++) {
        for (uint32_t key = 1; key <= KEYS; key++) {
            struct report_credential *record =
                report_credential(report, (int64_t)hour * 10000 + key, hour % 1000 + 1, hour % 100 + 1, hour);
            atomic_store(&record->accepted, hour);
        }
        report_reuse(report, hour);
    }
    ck_assert_uint_eq(cells_of(report), KEYS);
    ck_assert_int_eq(waitpid(reader, &status, WNOHANG), 0); /* it found nothing wrong yet */
    kill(reader, SIGKILL);
    ck_assert_int_eq(waitpid(reader, &status, 0), reader);
    report_leave(report);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report_free");
    TCase *cases = tcase_create("report_free");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, fixture_make, fixture_remove);
    tcase_add_test(cases, takes_cells_of_harvested_hours);
    tcase_add_test(cases, the_next_one_bears_free_cells);
    tcase_add_test(cases, closed_hours_never_go_back);
    tcase_add_test(cases, readers_meet_whole_records);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
