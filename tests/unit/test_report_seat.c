/* SPDX-License-Identifier: Apache-2.0 */
/* Which report file a verifier takes over: those that nobody holds and that are whole, and no other. */
#include <sys/file.h>

#include "unit/report_fixture.h"
#include "verifier/report/report_check.h"

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

/* What the header of a verifier that was killed may contain. Times are on its CLOCK_BOOTTIME, which may be that of another boot or of another
 * time namespace; 0: its own. */
static const struct remains {
    const char *what;
    const char *boot_id; /* NULL: this one's */
    int64_t joined, look, lease;
    enum report_state state;
    uint64_t number, sequence;
} remains[] = {
    {"left", NULL, 0, 0, 60000, REPORT_LEFT, 1, 2},
    {"polled a moment ago", NULL, 0, 0, 60000, REPORT_SERVING, 1, 2},
    {"polled in ten hours", NULL, 0, 36000000, 60000, REPORT_SERVING, 1, 2},
    {"joins in ten hours", NULL, 36000000, 0, 0, REPORT_JOINING, 0, 2},
    {"polled before the boot", NULL, -99999999999, -99999999999, 60000, REPORT_SERVING, 1, 2},
    {"polled at the end of time", NULL, 0, INT64_MAX / 2, 60000, REPORT_SERVING, 1, 2},
    {"a lease without end", NULL, 0, 0, INT64_MAX, REPORT_SERVING, 1, 2},
    {"a negative lease", NULL, 0, 0, -60000, REPORT_SERVING, 1, 2},
    {"of another boot", "00000000-0000-0000-0000-000000000000", 0, 0, 60000, REPORT_SERVING, 1, 2},
    {"of no boot", "", 0, 0, 60000, REPORT_SERVING, 1, 2},
    {"killed while it wrote", NULL, 0, 0, 60000, REPORT_SERVING, 1, 3},
    {"killed while it wrote its first report", NULL, 0, 0, 60000, REPORT_JOINING, 1, 3},
};

/* A file belongs to whoever holds it, whatever is written in it, and to nobody if it is not held. */
START_TEST(the_lock_alone_says_whose_a_file_is)
{
    const struct remains *left = &remains[_i / 2];
    bool held = _i % 2 != 0;
    char boot_id[40] = "";
    fixture_live_once(FIXTURE_HOUR);
    struct fixture_paths paths = fixture_paths();
    FIXTURE_PATCH(paths.last, joined_boot_ms, clock_boot_ms() + left->joined);
    FIXTURE_PATCH(paths.last, look_boot_ms, clock_boot_ms() + left->look);
    FIXTURE_PATCH(paths.last, lease_ms, left->lease);
    FIXTURE_PATCH(paths.last, state, left->state);
    FIXTURE_PATCH(paths.last, number, left->number);
    FIXTURE_PATCH(paths.last, sequence, left->sequence);
    if (left->boot_id != NULL) {
        snprintf(boot_id, sizeof boot_id, "%s", left->boot_id);
        fixture_patch(paths.last, offsetof(struct report_header, boot_id), boot_id, sizeof boot_id);
    }
    int descriptor = open(paths.last, O_RDONLY | O_CLOEXEC);
    if (held)
        ck_assert_int_eq(flock(descriptor, LOCK_EX | LOCK_NB), 0);
    struct report *report = fixture_join();
    ck_assert_msg(fixture_paths().count == (held ? 2 : 1), "%s", left->what);
    ck_assert_msg(fixture_summary(paths.last).state == (held ? left->state : REPORT_JOINING), "%s", left->what);
    ck_assert_uint_eq(fixture_sums(paths.last).proved, held ? 1 : 0);
    report_leave(report);
    close(descriptor);
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
    ck_assert(summary.look.filter); /* nothing shows that it uses none */
    FIXTURE_PATCH(paths.last, state, REPORT_LEFT);
    struct report *report = fixture_join();
    ck_assert(!fixture_summary(paths.last).look.filter);
    ck_assert(report_write(report, &fixture_look));
    ck_assert(!fixture_summary(paths.last).look.filter);
    ck_assert_uint_eq(fixture_paths().count, 1);
    ck_assert_uint_eq(fixture_summary(paths.last).look.epoch, fixture_look.epoch);
    report_leave(report);
}
END_TEST

/* The statement belongs to the report of its number: a release without filters, or another verifier, takes the file over. */
START_TEST(a_filter_is_stated_anew_by_each_report)
{
    struct report_look look = fixture_look;
    struct report *report = fixture_join();
    struct fixture_paths paths = fixture_paths();
    look.filter = true;
    ck_assert(report_write(report, &look));
    ck_assert(fixture_summary(paths.last).look.filter);
    FIXTURE_PATCH(paths.last, number, 2);
    ck_assert(!fixture_summary(paths.last).look.filter);
    ck_assert(report_write(report, &look));
    ck_assert(fixture_summary(paths.last).look.filter);
    report_leave(report);
    report = fixture_join();
    ck_assert_uint_eq(fixture_paths().count, 1);
    ck_assert(!fixture_summary(paths.last).look.filter);
    report_leave(report);
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
    tcase_add_loop_test(cases, the_lock_alone_says_whose_a_file_is, 0, 2 * (int)(sizeof remains / sizeof *remains));
    tcase_add_test(cases, repairs_what_was_left_half_written);
    tcase_add_test(cases, a_filter_is_stated_anew_by_each_report);
    tcase_add_loop_test(cases, passes_over_what_is_foreign_or_damaged, 0, (int)(sizeof spoilers / sizeof *spoilers));
    tcase_add_loop_test(cases, finishes_what_was_hardly_begun, 0, 8);
    tcase_add_test(cases, allocates_the_blocks_of_a_sparse_file);
    tcase_add_test(cases, finds_the_one_good_file_among_thousands);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
