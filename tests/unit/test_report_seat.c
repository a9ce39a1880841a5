/* SPDX-License-Identifier: Apache-2.0 */
/* Which report file a verifier sits down at: those that are surely over and whole, and no other. */
#include <sys/file.h>

#include "unit/report_fixture.h"
#include "verifier/report_header.h"

START_TEST(names_only_reports_so)
{
    static const char *const others[] = {"",
                                         ".",
                                         "0123456789abcdef0123456789abcdef",
                                         "0123456789abcdef0123456789abcde.report",
                                         "0123456789abcdef0123456789abcdef0.report",
                                         "0123456789ABCDEF0123456789abcdef.report",
                                         "0123456789abcdeg0123456789abcdef.report",
                                         "0123456789abcdef0123456789abcdef.report~",
                                         "0123456789abcdef0123456789abcdef.rEport"};
    uint8_t id[REPORT_ID_SIZE];
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_msg(!report_seat_parse(others[i], id), "%s", others[i]);
    ck_assert(report_seat_parse("00112233445566778899aabbccddeeff.report", id));
    ck_assert_mem_eq(id, "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff", sizeof id);
}
END_TEST

/* A header as a killed verifier left it, and whether the next one may have the file. Times are relative to now. */
struct remains {
    const char *what;
    enum report_state state;
    bool other_boot;
    uint64_t number;
    uint64_t sequence;
    int64_t joined;
    int64_t look;
    int64_t lease;
    bool taken;
};

static const struct remains remains[] = {
    {"left", REPORT_LEFT, false, 1, 2, 0, 0, 60000, true},
    {"left, its last look in the future", REPORT_LEFT, false, 1, 2, 0, 99999999, 60000, true},
    {"other boot", REPORT_SERVING, true, 1, 2, 0, 0, 60000, true},
    {"other boot, joining", REPORT_JOINING, true, 0, 2, 0, 0, 0, true},
    {"serving now", REPORT_SERVING, false, 1, 2, 0, 0, 60000, false},
    {"lease just over", REPORT_SERVING, false, 1, 2, -99999, -60001, 60000, false},
    {"lease x 1.01 just over", REPORT_SERVING, false, 1, 2, -99999, -60700, 60000, false},
    {"lease x 1.01 + 1 s not quite over", REPORT_SERVING, false, 1, 2, -99999, -61100, 60000, false},
    {"lease x 1.01 + 1 s over", REPORT_SERVING, false, 1, 2, -99999, -61600, 60000, true},
    {"a short lease", REPORT_SERVING, false, 1, 2, -2000, -1999, 1000, false},
    {"a short lease over", REPORT_SERVING, false, 1, 2, -2011, -2010, 1000, true},
    {"a long lease", REPORT_SERVING, false, 1, 2, -3700000, -3600000, 3600000, false},
    {"a long lease over", REPORT_SERVING, false, 1, 2, -3700000, -3637000, 3600000, true},
    {"joining now", REPORT_JOINING, false, 0, 2, 0, INT64_MIN, 0, false},
    {"joining for 61 s", REPORT_JOINING, false, 0, 2, -61100, INT64_MIN, 0, false},
    {"joining for 62 s", REPORT_JOINING, false, 0, 2, -61600, INT64_MIN, 0, true},
    {"killed while it wrote", REPORT_SERVING, false, 1, 3, -99999, -60000, 60000, false},
    {"killed while it wrote its first", REPORT_JOINING, false, 1, 3, -60000, -61600, 1000, false},
    {"killed while it wrote, long ago", REPORT_SERVING, false, 1, 3, -99999, -61600, 60000, true},
    {"a lease of ages", REPORT_SERVING, false, 1, 2, -99999, -99999, INT64_MAX, false},
    {"a negative lease", REPORT_SERVING, false, 1, 2, -99999, -99999, -60000, false},
    {"a look in the future", REPORT_SERVING, false, 1, 2, -99999, 99999, 60000, false},
    {"a look at the end of time", REPORT_SERVING, false, 1, 2, -99999, INT64_MAX, 60000, false},
};

#define NOW INT64_C(1000000000)

START_TEST(tells_what_is_surely_over)
{
    const struct remains *left = &remains[_i];
    struct report_header header = {.boot_id = "this boot",
                                   .state = left->state,
                                   .number = left->number,
                                   .sequence = left->sequence,
                                   .joined_boot_ms = NOW + left->joined,
                                   .lease_ms = left->lease};
    if (left->look == INT64_MAX)
        header.look_boot_ms = INT64_MAX;
    else if (left->look != INT64_MIN)
        header.look_boot_ms = NOW + left->look;
    const char *boot_id = left->other_boot ? "another one" : "this boot";
    ck_assert_msg(report_header_surely_over(&header, boot_id, NOW) == left->taken, "%s", left->what);
}
END_TEST

/* How the former verifier ended: killed a while ago, a boot ago, or without a lease; the last one just now. */
START_TEST(takes_over_only_what_is_surely_over)
{
    char boot_id[40] = "00000000-0000-0000-0000-000000000000";
    fixture_live_once(FIXTURE_HOUR);
    struct fixture_paths paths = fixture_paths();
    /* So that the machine may have been booted just now. */
    while (clock_boot_ms() < 3000)
        usleep(1000);
    int64_t now = clock_boot_ms();
    FIXTURE_PATCH(paths.last, state, REPORT_SERVING);
    FIXTURE_PATCH(paths.last, look_boot_ms, _i == 0 ? now - 2011 : now);
    FIXTURE_PATCH(paths.last, lease_ms, _i == 0 ? 1000 : 60000);
    if (_i == 1)
        fixture_patch(paths.last, offsetof(struct report_header, boot_id), boot_id, sizeof boot_id);
    struct report *report = fixture_join();
    ck_assert_uint_eq(fixture_paths().count, _i < 2 ? 1 : 2);
    ck_assert_uint_eq(fixture_summary(paths.last).state, _i < 2 ? REPORT_JOINING : REPORT_SERVING);
    ck_assert_uint_eq(fixture_sums(paths.last).proved, _i < 2 ? 0 : 1);
    report_leave(report);
}
END_TEST

START_TEST(repairs_what_was_left_half_written)
{
    fixture_live_once(FIXTURE_HOUR);
    struct fixture_paths paths = fixture_paths();
    FIXTURE_PATCH(paths.last, state, REPORT_SERVING);
    FIXTURE_PATCH(paths.last, sequence, 7);
    struct report_summary summary = fixture_summary(paths.last);
    ck_assert_uint_eq(summary.look.epoch, 0);
    ck_assert_uint_eq(summary.look.era[0], 0);
    ck_assert_uint_eq(summary.number, 1);
    ck_assert_int_eq(summary.look.lease_ms, fixture_look.lease_ms);
    FIXTURE_PATCH(paths.last, state, REPORT_LEFT);
    struct report *report = fixture_join();
    ck_assert(report_write(report, &fixture_look));
    ck_assert_uint_eq(fixture_paths().count, 1);
    ck_assert_uint_eq(fixture_summary(paths.last).look.epoch, fixture_look.epoch);
    report_leave(report);
}
END_TEST

START_TEST(leaves_a_locked_file_alone)
{
    fixture_live_once(FIXTURE_HOUR);
    struct fixture_paths paths = fixture_paths();
    int descriptor = open(paths.last, O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(flock(descriptor, LOCK_EX | LOCK_NB), 0);
    struct report *report = fixture_join();
    ck_assert_uint_eq(fixture_paths().count, 2);
    ck_assert_uint_eq(fixture_summary(paths.last).state, REPORT_LEFT);
    report_leave(report);
    close(descriptor);
}
END_TEST

/* Ways to make a good file one that is to be passed over. */
static void of_another_vault(const char *path)
{
    uint8_t other[REPORT_ID_SIZE] = "another vault";
    fixture_patch(path, offsetof(struct report_header, vault_id), other, sizeof other);
}
static void of_another_seat(const char *path)
{
    uint8_t other[REPORT_ID_SIZE] = "another seat";
    fixture_patch(path, offsetof(struct report_header, seat), other, sizeof other);
}
static void of_another_format(const char *path)
{
    FIXTURE_PATCH(path, format, REPORT_FORMAT + 1);
}
static void with_another_header_size(const char *path)
{
    FIXTURE_PATCH(path, header_size, REPORT_HEADER_SIZE * 2);
}
static void without_state(const char *path)
{
    FIXTURE_PATCH(path, state, 0);
}
static void without_magic(const char *path)
{
    fixture_patch(path, 0, "another report", 15);
}
static void with_too_many_cells(const char *path)
{
    FIXTURE_PATCH(path, cells, report_map_room((uint64_t)fixture_size(path)) + 1);
}
static void with_endless_cells(const char *path)
{
    FIXTURE_PATCH(path, cells, UINT32_MAX);
}
static void with_an_endless_name(const char *path)
{
    char name[72];
    memset(name, 'x', sizeof name);
    fixture_patch(path, offsetof(struct report_header, host), name, sizeof name);
}
static void with_an_unknown_record(const char *path)
{
    uint32_t kind = 77;
    fixture_patch(path, REPORT_CELLS_AT, &kind, sizeof kind);
}
static void with_a_version_over_the_end(const char *path)
{
    uint32_t kind = REPORT_VERSION;
    fixture_patch(path, REPORT_CELLS_AT + 4 * REPORT_CELL_SIZE, &kind, sizeof kind);
}
static void cut_short(const char *path)
{
    ck_assert_int_eq(truncate(path, REPORT_CELLS_AT - 1), 0);
}
static void zeroed(const char *path)
{
    static const char zeros[REPORT_HEADER_SIZE];
    fixture_patch(path, 0, zeros, sizeof zeros);
    ck_assert_int_eq(truncate(path, REPORT_SEAT_SIZE + 4096), 0);
}
static void of_terabytes(const char *path)
{
    ck_assert_int_eq(truncate(path, INT64_C(1) << 42), 0);
}
static void writable_by_the_group(const char *path)
{
    ck_assert_int_eq(chmod(path, 0660), 0);
}
static void writable_by_all(const char *path)
{
    ck_assert_int_eq(chmod(path, 0606), 0);
}
static void of_two_names(const char *path)
{
    char other[PATH_MAX];
    snprintf(other, sizeof other, "%s/other", fixture_top);
    ck_assert_int_eq(link(path, other), 0);
}
static void behind_a_link(const char *path)
{
    char other[PATH_MAX];
    snprintf(other, sizeof other, "%s/other", fixture_top);
    ck_assert_int_eq(rename(path, other), 0);
    ck_assert_int_eq(symlink(other, path), 0);
}
static void replaced_by_a_pipe(const char *path)
{
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
}
static void replaced_by_a_directory(const char *path)
{
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
}
static void of_another_user(const char *path)
{
    /* Only root can give a file away; others make it one that is passed over otherwise. */
    if (geteuid() == 0)
        ck_assert_int_eq(chown(path, 4711, (gid_t)-1), 0);
    else
        writable_by_the_group(path);
}

static void (*const spoilers[])(const char *path) = {
    of_another_vault,
    of_another_seat,
    of_another_format,
    with_another_header_size,
    without_state,
    without_magic,
    with_too_many_cells,
    with_endless_cells,
    with_an_unknown_record,
    with_an_endless_name,
    cut_short,
    with_a_version_over_the_end,
    of_terabytes,
    zeroed,
    of_two_names,
    writable_by_the_group,
    behind_a_link,
    writable_by_all,
    replaced_by_a_pipe,
    replaced_by_a_directory,
    of_another_user,
};

/* The beginning of a file, whatever it is. */
static size_t content(const char *path, char bytes[REPORT_SEAT_SIZE])
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t length = descriptor < 0 ? 0 : read(descriptor, bytes, REPORT_SEAT_SIZE);
    if (descriptor >= 0)
        close(descriptor);
    return length < 0 ? 0 : (size_t)length;
}

START_TEST(passes_over_what_is_foreign_or_damaged)
{
    struct stat before, after;
    char bytes_before[REPORT_SEAT_SIZE], bytes_after[REPORT_SEAT_SIZE];
    fixture_live_once(FIXTURE_HOUR);
    struct fixture_paths paths = fixture_paths();
    spoilers[_i](paths.last);
    ck_assert_int_eq(lstat(paths.last, &before), 0);
    size_t length = content(paths.last, bytes_before);
    struct report *report = fixture_join();
    ck_assert_msg(fixture_paths().count == 2, "spoiler %d", _i);
    report_leave(report);
    ck_assert_int_eq(lstat(paths.last, &after), 0);
    ck_assert_int_eq(after.st_size, before.st_size);
    ck_assert_uint_eq(after.st_mode, before.st_mode);
    ck_assert_uint_eq(content(paths.last, bytes_after), length);
    ck_assert_mem_eq(bytes_before, bytes_after, length);
    /* The next one takes the good file. */
    report = fixture_join();
    ck_assert_uint_eq(fixture_paths().count, 2);
    report_leave(report);
}
END_TEST

START_TEST(finishes_what_was_hardly_begun)
{
    static const off_t sizes[] = {0, 1, REPORT_HEADER_SIZE, (off_t)REPORT_SEAT_SIZE};
    char path[PATH_MAX];
    ck_assert_int_eq(mkdir(fixture_directory, 0750), 0);
    snprintf(path, sizeof path, "%s/00112233445566778899aabbccddeeff.report", fixture_directory);
    int descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0640);
    ck_assert_int_ge(descriptor, 0);
    /* Killed after everything but the magic was written. */
    if (_i % 2 != 0 && sizes[_i / 2] > 100)
        ck_assert_int_eq(pwrite(descriptor, "something", 9, 20), 9);
    ck_assert_int_eq(ftruncate(descriptor, sizes[_i / 2]), 0);
    close(descriptor);
    fixture_live_once(FIXTURE_HOUR);
    ck_assert_uint_eq(fixture_paths().count, 1);
    struct report_summary summary = fixture_summary(path);
    ck_assert_uint_eq(summary.cells, 5);
    ck_assert_uint_eq(summary.seat[15], 0xff);
    ck_assert_uint_eq(fixture_sums(path).accepted, 2);
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_ge(status.st_blocks * 512, status.st_size);
}
END_TEST

START_TEST(allocates_the_blocks_of_a_sparse_file)
{
    struct stat status;
    fixture_live_once(FIXTURE_HOUR);
    struct fixture_paths paths = fixture_paths();
    ck_assert_int_eq(truncate(paths.last, 4 << 20), 0);
    ck_assert_int_eq(stat(paths.last, &status), 0);
    ck_assert_int_lt(status.st_blocks * 512, status.st_size);
    struct report *report = fixture_join();
    ck_assert_uint_eq(fixture_paths().count, 1);
    ck_assert_int_eq(stat(paths.last, &status), 0);
    ck_assert_int_ge(status.st_blocks * 512, status.st_size);
    report_leave(report);
}
END_TEST

START_TEST(finds_the_one_good_file_among_thousands)
{
    char bytes[REPORT_CELLS_AT], path[PATH_MAX];
    fixture_live_once(FIXTURE_HOUR);
    struct fixture_paths good = fixture_paths();
    int descriptor = open(good.last, O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(read(descriptor, bytes, sizeof bytes), (ssize_t)sizeof bytes);
    close(descriptor);
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(path, sizeof path, "%s/%032x.report", fixture_directory, i);
        descriptor = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0640);
        ck_assert_int_eq(write(descriptor, bytes, sizeof bytes), (ssize_t)sizeof bytes);
        close(descriptor);
    }
    struct report *report = fixture_join();
    ck_assert_uint_eq(fixture_paths().count, 2001);
    ck_assert_uint_eq(fixture_summary(good.last).state, REPORT_JOINING);
    report_leave(report);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report_seat");
    TCase *cases = tcase_create("report_seat");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, fixture_make, fixture_remove);
    tcase_add_test(cases, names_only_reports_so);
    tcase_add_loop_test(cases, tells_what_is_surely_over, 0, (int)(sizeof remains / sizeof *remains));
    tcase_add_loop_test(cases, takes_over_only_what_is_surely_over, 0, 3);
    tcase_add_test(cases, repairs_what_was_left_half_written);
    tcase_add_test(cases, leaves_a_locked_file_alone);
    tcase_add_loop_test(cases, passes_over_what_is_foreign_or_damaged, 0, (int)(sizeof spoilers / sizeof *spoilers));
    tcase_add_loop_test(cases, finishes_what_was_hardly_begun, 0, 8);
    tcase_add_test(cases, allocates_the_blocks_of_a_sparse_file);
    tcase_add_test(cases, finds_the_one_good_file_among_thousands);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
