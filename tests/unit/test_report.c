/* SPDX-License-Identifier: Apache-2.0 */
/* A verifier's report file: joining, writing reports, leaving, in processes of all kinds. */
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <time.h>

#include "lib/sanitized.h"
#include "registry/connection/registry.h"
#include "unit/report_fixture.h"
#include "verifier/report/report_parts.h"

START_TEST(makes_directory_and_file)
{
    struct stat status;
    umask(022);
    struct report *report = fixture_join();
    ck_assert_int_eq(stat(fixture_directory, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0750);
    struct fixture_paths paths = fixture_paths();
    ck_assert_uint_eq(paths.count, 1);
    ck_assert_int_eq(stat(paths.last, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0640);
    ck_assert_int_le(status.st_size, 128 << 10);
    ck_assert_int_ge(status.st_blocks * 512, status.st_size);
    report_leave(report);
}
END_TEST

static void read_line(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(line, (int)size, file));
    line[strcspn(line, "\n")] = '\0';
    fclose(file);
}

START_TEST(says_who_joined)
{
    char boot_id[64], host[72] = "";
    int64_t wall = clock_wall_ms(), boot = clock_boot_ms();
    struct report *report = fixture_join();
    struct report_summary summary = fixture_summary(fixture_paths().last);
    read_line("/proc/sys/kernel/random/boot_id", boot_id, sizeof boot_id);
    ck_assert_int_eq(gethostname(host, sizeof host - 1), 0);
    ck_assert_mem_eq(summary.vault_id, fixture_vault, REPORT_ID_SIZE);
    ck_assert_str_eq(summary.boot_id, boot_id);
    ck_assert_str_eq(summary.host, host);
    ck_assert_str_eq(summary.program, program_invocation_short_name);
    ck_assert_int_eq(summary.process, getpid());
    ck_assert(summary.joined_wall_ms >= wall && summary.joined_wall_ms <= clock_wall_ms());
    ck_assert(summary.joined_boot_ms >= boot && summary.joined_boot_ms <= clock_boot_ms());
    ck_assert_uint_eq(summary.schema, REGISTRY_SCHEMA);
    ck_assert_uint_eq(summary.state, REPORT_JOINING);
    ck_assert_uint_eq(summary.number, 0);
    ck_assert_uint_eq(summary.cells, 0);
    uint8_t seat[REPORT_ID_SIZE];
    ck_assert(report_seat_parse(strrchr(fixture_paths().last, '/') + 1, seat));
    ck_assert_mem_eq(summary.seat, seat, REPORT_ID_SIZE);
    report_leave(report);
    ck_assert_uint_eq(fixture_summary(fixture_paths().last).state, REPORT_LEFT);
}
END_TEST

static void refuse(const char *directory, int problem)
{
    sealring_error error = {.message = ""};
    struct report *report = (struct report *)&error;
    ck_assert_int_eq(report_join(directory, fixture_vault, &report, &error), SEALRING_SYSTEM);
    ck_assert_ptr_null(report);
    ck_assert_int_eq(error.system_errno, problem);
    ck_assert_msg(strstr(error.message, directory) != NULL, "%s", error.message);
    ck_assert_int_eq(report_join(directory, fixture_vault, &report, NULL), SEALRING_SYSTEM);
}

START_TEST(says_what_is_wrong_with_the_directory)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/no/such", fixture_top);
    refuse(path, ENOENT);
    snprintf(path, sizeof path, "%s/file", fixture_top);
    int descriptor = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_ge(descriptor, 0);
    close(descriptor);
    refuse(path, ENOTDIR);
    ck_assert_int_eq(mkdir(fixture_directory, 0500), 0);
    pid_t child = fork();
    if (child == 0) {
        /* Root may write anywhere. */
        if (geteuid() == 0)
            ck_assert_int_eq(chmod(fixture_top, 0755) | chown(fixture_directory, 4711, 4711) | setuid(4711), 0);
        refuse(fixture_directory, EACCES);
        _exit(0);
    }
    fixture_wait_for(child);
}
END_TEST

START_TEST(writes_reports)
{
    struct report *report = fixture_join();
    struct fixture_paths paths = fixture_paths();
    struct report_look look = fixture_look;
    for (uint64_t i = 1; i <= 3; i++) {
        look.epoch = 42 + i;
        look.boot_ms = 1000 * (int64_t)i;
        ck_assert(report_write(report, &look));
        struct report_summary summary = fixture_summary(paths.last);
        ck_assert_uint_eq(summary.number, i);
        ck_assert_uint_eq(summary.state, REPORT_SERVING);
        ck_assert_mem_eq(summary.look.era, look.era, REPORT_ID_SIZE);
        ck_assert_uint_eq(summary.look.epoch, look.epoch);
        ck_assert_int_eq(summary.look.boot_ms, look.boot_ms);
        ck_assert_int_eq(summary.look.wall_ms, look.wall_ms);
        ck_assert_int_eq(summary.look.lease_ms, look.lease_ms);
    }
    report_leave(report);
    ck_assert_uint_eq(fixture_summary(paths.last).look.epoch, 45);
}
END_TEST

START_TEST(goes_on_in_a_file_that_was_left)
{
    uint32_t hour = (uint32_t)(clock_wall_ms() / 3600000);
    fixture_live_once(hour);
    struct fixture_paths paths = fixture_paths();
    struct report_summary former = fixture_summary(paths.last);
    off_t size = fixture_size(paths.last);

    struct report *report = fixture_join();
    struct report_summary summary = fixture_summary(paths.last);
    ck_assert_uint_eq(fixture_paths().count, 1);
    ck_assert_mem_eq(summary.seat, former.seat, REPORT_ID_SIZE);
    ck_assert_mem_ne(summary.instance, former.instance, REPORT_ID_SIZE);
    ck_assert_uint_eq(summary.state, REPORT_JOINING);
    ck_assert_uint_eq(summary.number, 0);
    static const struct report_look none;
    ck_assert_mem_eq(&summary.look, &none, sizeof none);
    /* Counters go on; what was proved counts no more. */
    ck_assert_uint_eq(summary.verdicts[SEALRING_ACCEPTED], 7);
    ck_assert_uint_eq(summary.cached, 5);
    ck_assert_uint_eq(summary.without_detail, 1);
    uint64_t verdicts[SEALRING_VERDICTS], cached = 0;
    report_totals(report, verdicts, &cached);
    ck_assert_uint_eq(verdicts[SEALRING_ACCEPTED], 7);
    ck_assert_uint_eq(cached, 5);
    struct fixture_sums sums = fixture_sums(paths.last);
    ck_assert_uint_eq(sums.versions, 1);
    ck_assert_uint_eq(sums.proved, 0);
    ck_assert_uint_eq(sums.uncached, 1);
    ck_assert_uint_eq(sums.accepted, 2);
    /* Records go on, too, if they are of this hour. (If it ended meanwhile they are of another.) */
    ck_assert_uint_eq(report_version(report, 1, 2)->uncached[SEALRING_REJECTED_EXPIRED], 1);
    if (hour == (uint32_t)(clock_wall_ms() / 3600000)) {
        report_count(report_credential(report, 11, 1, 2, hour), NULL, SEALRING_ACCEPTED, 1000);
        ck_assert_uint_eq(fixture_summary(paths.last).cells, former.cells);
        ck_assert_uint_eq(fixture_sums(paths.last).accepted, 3);
    }
    report_leave(report);
    ck_assert_int_eq(fixture_size(paths.last), size);
}
END_TEST

static unsigned descriptors(void)
{
    unsigned count = 0;
    DIR *stream = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(stream);
    while (readdir(stream) != NULL)
        count++;
    closedir(stream);
    return count;
}

/* Mappings of report files that this process has. */
static unsigned mappings(void)
{
    char line[PATH_MAX + 256];
    unsigned count = 0;
    FILE *file = fopen("/proc/self/maps", "re");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL)
        count += strstr(line, ".report") != NULL;
    fclose(file);
    return count;
}

START_TEST(comes_and_goes_without_a_trace)
{
    fixture_live_once(FIXTURE_HOUR);
    struct fixture_paths paths = fixture_paths();
    off_t size = fixture_size(paths.last);
    unsigned open_before = descriptors();
    for (int i = 0; i < 1000; i++) {
        struct report *report = fixture_join();
        ck_assert(report_write(report, &fixture_look));
        ck_assert_uint_eq(mappings(), 1);
        report_leave(report);
    }
    ck_assert_uint_eq(fixture_paths().count, 1);
    ck_assert_int_eq(fixture_size(paths.last), size);
    ck_assert_uint_eq(fixture_summary(paths.last).cells, 5);
    ck_assert_uint_eq(descriptors(), open_before);
    ck_assert_uint_eq(mappings(), 0);
}
END_TEST

/* Joins when the pipe is closed, tells its seat, and stays until the other one is. */
static void join_in_child(int start, int tell, int stay)
{
    char byte;
    if (read(start, &byte, 1) != 0)
        _exit(1);
    struct report *report = NULL;
    sealring_error error;
    if (report_join(fixture_directory, fixture_vault, &report, &error) != SEALRING_OK)
        _exit(2);
    if (write(tell, report_map_header(&report->map)->seat, REPORT_ID_SIZE) != REPORT_ID_SIZE)
        _exit(3);
    if (read(stay, &byte, 1) != 0)
        _exit(4);
    report_leave(report);
    _exit(0);
}

static void join_at_once(unsigned count)
{
    int start[2], tell[2], stay[2];
    pid_t children[16];
    uint8_t seats[16][REPORT_ID_SIZE];
    ck_assert_int_eq(pipe2(start, O_CLOEXEC) | pipe2(tell, O_CLOEXEC) | pipe2(stay, O_CLOEXEC), 0);
    for (unsigned i = 0; i < count; i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0) {
            close(start[1]);
            close(stay[1]);
            join_in_child(start[0], tell[1], stay[0]);
        }
    }
    close(start[0]);
    close(start[1]);
    close(tell[1]);
    for (unsigned i = 0; i < count; i++) {
        ck_assert_int_eq(read(tell[0], seats[i], REPORT_ID_SIZE), REPORT_ID_SIZE);
        for (unsigned j = 0; j < i; j++)
            ck_assert_mem_ne(seats[i], seats[j], REPORT_ID_SIZE);
    }
    close(stay[1]);
    for (unsigned i = 0; i < count; i++)
        fixture_wait_for(children[i]);
    close(stay[0]);
    close(tell[0]);
}

START_TEST(gives_each_process_a_file_of_its_own)
{
    join_at_once(16);
    unsigned files = fixture_paths().count;
    ck_assert_uint_ge(files, 16);
    /* The second time around there are enough, but one may be locked by somebody who just tries it. */
    for (int i = 0; i < 5; i++)
        join_at_once(16);
    ck_assert_uint_le(fixture_paths().count, 2 * 16);
}
END_TEST

START_TEST(leaves_a_parents_file_to_the_parent)
{
    struct report *parents = fixture_join();
    struct fixture_paths paths = fixture_paths();
    unsigned open_with_one = descriptors();
    pid_t child = fork();
    if (child == 0) {
        ck_assert_uint_eq(mappings(), 0);
        report_abandon(parents);
        ck_assert_uint_eq(descriptors(), open_with_one - 1);
        struct report *own = fixture_join();
        ck_assert_uint_eq(fixture_paths().count, 2);
        report_leave(own);
        _exit(0);
    }
    fixture_wait_for(child);
    ck_assert(report_write(parents, &fixture_look));
    ck_assert_uint_eq(fixture_summary(paths.last).state, REPORT_SERVING);
    ck_assert_int_eq(fixture_summary(paths.last).process, getpid());
    report_leave(parents);
    report_abandon(NULL);
    report_leave(NULL);
}
END_TEST

START_TEST(frees_the_file_though_a_child_has_the_descriptor)
{
    int stay[2];
    char byte;
    ck_assert_int_eq(pipe2(stay, O_CLOEXEC), 0);
    struct report *report = fixture_join();
    pid_t child = fork();
    if (child == 0) {
        close(stay[1]);
        _exit(read(stay[0], &byte, 1) == 0 ? 0 : 1);
    }
    report_leave(report);
    report = fixture_join();
    ck_assert_uint_eq(fixture_paths().count, 1);
    report_leave(report);
    close(stay[1]);
    fixture_wait_for(child);
}
END_TEST

/* What a program does that makes itself a daemon; afterwards the number may be another file's. */
static void close_and_open_another(const struct report *report)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/another", fixture_top);
    int opened = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    ck_assert_int_eq(dup2(opened, report->descriptor), report->descriptor);
    close(opened);
}

START_TEST(goes_on_without_its_descriptor)
{
    static struct report
        *report; /* static, so that LeakSanitizer does not take what is abandoned on purpose for lost */
    report = fixture_join();
    struct fixture_paths paths = fixture_paths();
    int another = report->descriptor;
    ck_assert_ptr_nonnull(report_version(report, 1, 1));
    close_and_open_another(report);
    ck_assert(report_write(report, &fixture_look));
    ck_assert_uint_eq(fixture_summary(paths.last).number, 1);
    /* The lock is still held. */
    struct report *next = fixture_join();
    ck_assert_uint_eq(fixture_paths().count, 2);
    report_leave(next);
    /* The file cannot grow any more. */
    uint32_t made = 0;
    while (report_credential(report, 1, made + 1, 1, FIXTURE_HOUR) != NULL)
        made++;
    ck_assert_uint_eq(made, report_map_room(REPORT_SEAT_SIZE) - 3);
    ck_assert_uint_eq(fixture_sums(paths.last).credentials, made);
    if (_i == 0)
        report_leave(report);
    else
        report_abandon(report);
    ck_assert_int_ge(fcntl(another, F_GETFD), 0);
    struct stat status;
    ck_assert_int_eq(fstat(another, &status), 0);
    ck_assert_int_eq(status.st_size, 0);
    ck_assert_uint_eq(fixture_summary(paths.last).state, _i == 0 ? REPORT_LEFT : REPORT_SERVING);
}
END_TEST

START_TEST(notices_that_its_file_was_taken_over)
{
    struct report *report = fixture_join();
    struct fixture_paths paths = fixture_paths();
    struct report_look look = fixture_look;
    look.boot_ms = 0;
    look.lease_ms = 0;
    ck_assert(report_write(report, &look));
    /* As by a forked child that takes the report for its own. The lease is over as soon as the machine has been up for a second. */
    pid_t child = fork();
    if (child == 0)
        _exit(flock(report->descriptor, LOCK_UN) == 0 ? 0 : 1);
    fixture_wait_for(child);
    while (clock_boot_ms() < 1000)
        usleep(1000);
    struct report *next = fixture_join();
    ck_assert_uint_eq(fixture_paths().count, 1);
    ck_assert(!report_write(report, &fixture_look));
    report_leave(report);
    ck_assert_uint_eq(fixture_summary(paths.last).state, REPORT_JOINING);
    ck_assert(report_write(next, &fixture_look));
    report_leave(next);
}
END_TEST

START_TEST(notices_that_its_file_was_removed)
{
    struct report *report = fixture_join();
    ck_assert(report_write(report, &fixture_look));
    ck_assert_int_eq(unlink(fixture_paths().last), 0);
    ck_assert(!report_write(report, &fixture_look));
    report_leave(report);
    report = fixture_join();
    ck_assert(report_write(report, &fixture_look));
    report_leave(report);
}
END_TEST

static void limit_address_space(rlim_t size)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &limit), 0);
    limit.rlim_cur = size;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
}

START_TEST(makes_do_with_little_address_space)
{
    limit_address_space(128 << 20);
    fixture_live_once(FIXTURE_HOUR);
    ck_assert_uint_eq(fixture_sums(fixture_paths().last).accepted, 2);
    sealring_error error;
    struct report *report = NULL;
    limit_address_space(1 << 20);
    ck_assert_int_eq(report_join(fixture_directory, fixture_vault, &report, &error), SEALRING_SYSTEM);
    ck_assert_int_eq(error.system_errno, ENOMEM);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report");
    TCase *cases = tcase_create("report");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, fixture_make, fixture_remove);
    tcase_add_test(cases, makes_directory_and_file);
    tcase_add_test(cases, says_who_joined);
    tcase_add_test(cases, says_what_is_wrong_with_the_directory);
    tcase_add_test(cases, writes_reports);
    tcase_add_test(cases, goes_on_in_a_file_that_was_left);
    tcase_add_test(cases, comes_and_goes_without_a_trace);
    tcase_add_test(cases, gives_each_process_a_file_of_its_own);
    tcase_add_test(cases, leaves_a_parents_file_to_the_parent);
    tcase_add_test(cases, frees_the_file_though_a_child_has_the_descriptor);
    tcase_add_loop_test(cases, goes_on_without_its_descriptor, 0, 2);
    tcase_add_test(cases, notices_that_its_file_was_taken_over);
    tcase_add_test(cases, notices_that_its_file_was_removed);
    if (!SANITIZED) /* their own memory is beyond any such limit */
        tcase_add_test(cases, makes_do_with_little_address_space);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
