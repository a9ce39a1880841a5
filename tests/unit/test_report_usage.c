/* SPDX-License-Identifier: Apache-2.0 */
/* The records of a verifier's report: counted exactly by any number of threads, whether it is killed or its disk is full. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "unit/report_fixture.h"
#include "verifier/report/report_parts.h"

#define THREADS 4

START_TEST(finds_a_record_again)
{
    struct report *report = fixture_join();
    struct report_version *version = report_version(report, 1, 1);
    struct report_credential *credential = report_credential(report, 1, 1, 1, FIXTURE_HOUR);
    ck_assert_ptr_nonnull(version);
    ck_assert_ptr_nonnull(credential);
    ck_assert_ptr_eq(report_version(report, 1, 1), version);
    ck_assert_ptr_eq(report_credential(report, 1, 1, 1, FIXTURE_HOUR), credential);
    ck_assert_ptr_ne(report_version(report, 2, 1), version);
    ck_assert_ptr_ne(report_version(report, 1, 2), version);
    ck_assert_ptr_ne(report_credential(report, 2, 1, 1, FIXTURE_HOUR), credential);
    ck_assert_ptr_ne(report_credential(report, 1, 2, 1, FIXTURE_HOUR), credential);
    ck_assert_ptr_ne(report_credential(report, 1, 1, 1, FIXTURE_HOUR + 1), credential);
    ck_assert_ptr_eq(report_credential(report, 1, 1, 1, FIXTURE_HOUR), credential);
    ck_assert(version->ring == 1 && version->number == 1);
    ck_assert(credential->key == 1 && credential->serial == 1 && credential->version == 1);
    ck_assert_uint_eq(credential->hour, FIXTURE_HOUR);
    struct fixture_sums sums = fixture_sums(fixture_paths().last);
    ck_assert_uint_eq(sums.versions, 3);
    ck_assert_uint_eq(sums.credentials, 4);
    ck_assert_uint_eq(sums.damaged, 0);
    report_leave(report);
}
END_TEST

START_TEST(keeps_pointers_good_while_the_file_grows)
{
    enum { COUNT = 20000 };
    static struct report_credential *records[COUNT];
    struct report *report = fixture_join();
    struct fixture_paths paths = fixture_paths();
    off_t size = fixture_size(paths.last);
    for (uint32_t i = 0; i < COUNT; i++) {
        records[i] = report_credential(report, 1 + i / 3, 1 + i % 3, 1, FIXTURE_HOUR);
        report_count(records[i], NULL, SEALRING_ACCEPTED, 1);
        if (i % 100 == 0)
            report_touch_version(report_version(report, 7, 1 + i / 100), 1);
    }
    ck_assert_int_gt(fixture_size(paths.last), size);
    for (uint32_t i = 0; i < COUNT; i++) {
        ck_assert_ptr_eq(report_credential(report, 1 + i / 3, 1 + i % 3, 1, FIXTURE_HOUR), records[i]);
        ck_assert(records[i]->accepted == 1 && records[i]->key == 1 + i / 3 && records[i]->serial == 1 + i % 3);
    }
    struct fixture_sums sums = fixture_sums(paths.last);
    ck_assert_uint_eq(sums.credentials, COUNT);
    ck_assert_uint_eq(sums.versions, COUNT / 100);
    ck_assert_uint_eq(sums.accepted, COUNT);
    report_leave(report);
    /* And while another one takes them over. */
    report = fixture_join();
    uint32_t cells = fixture_summary(paths.last).cells;
    for (uint32_t i = 0; i < COUNT / 100; i++)
        ck_assert_int_eq(report_version(report, 7, 1 + i)->last_use_ms, 1000);
    ck_assert_uint_eq(fixture_summary(paths.last).cells, cells);
    report_leave(report);
}
END_TEST

START_TEST(forgets_hours_that_are_over)
{
    struct report *report = fixture_join();
    struct report_credential *first = report_credential(report, 1, 1, 1, FIXTURE_HOUR);
    uint32_t largest = 0;
    for (uint32_t hour = 1; hour <= 50; hour++) {
        for (uint32_t key = 1; key <= 100; key++)
            ck_assert_ptr_nonnull(report_credential(report, key, 1, 1, FIXTURE_HOUR + hour));
        for (int i = 0; i < 2; i++)
            if (report->hours[i].credentials.size > largest)
                largest = report->hours[i].credentials.size;
    }
    ck_assert_uint_le(largest, 256);
    /* The last two are known, so that a straggler does not begin anew, nor drop the present one. */
    uint32_t cells = fixture_summary(fixture_paths().last).cells;
    ck_assert_ptr_nonnull(report_credential(report, 1, 1, 1, FIXTURE_HOUR + 49));
    ck_assert_ptr_nonnull(report_credential(report, 1, 1, 1, FIXTURE_HOUR + 50));
    ck_assert_ptr_nonnull(report_credential(report, 1, 1, 1, FIXTURE_HOUR + 49));
    ck_assert_uint_eq(fixture_summary(fixture_paths().last).cells, cells);
    /* The clock was set back: counted anew, once. */
    struct report_credential *again = report_credential(report, 1, 1, 1, FIXTURE_HOUR);
    ck_assert_ptr_ne(again, first);
    ck_assert_ptr_eq(report_credential(report, 1, 1, 1, FIXTURE_HOUR), again);
    ck_assert_uint_eq(fixture_sums(fixture_paths().last).credentials, 5002);
    report_leave(report);
}
END_TEST

START_TEST(counts_each_verdict_in_its_place)
{
    struct report *report = fixture_join();
    struct report_credential *record = report_credential(report, 1, 1, 1, FIXTURE_HOUR);
    struct report_version *version = report_version(report, 1, 1);
    for (int verdict = 0; verdict < SEALRING_VERDICTS; verdict++)
        for (int i = 0; i <= verdict; i++) {
            report_count(record, NULL, (sealring_verdict)verdict, 1);
            report_count(NULL, version, (sealring_verdict)verdict, 1);
        }
    ck_assert_uint_eq(record->accepted, 1 + SEALRING_ACCEPTED);
    ck_assert_uint_eq(record->not_yet_valid, 1 + SEALRING_REJECTED_NOT_YET_VALID);
    ck_assert_uint_eq(record->expired, 1 + SEALRING_REJECTED_EXPIRED);
    ck_assert_uint_eq(record->suspended, 1 + SEALRING_REJECTED_SUSPENDED);
    ck_assert_uint_eq(record->scope, 2 + SEALRING_REJECTED_SCOPE + SEALRING_REJECTED_ADDRESS);
    const unsigned all = SEALRING_VERDICTS * (SEALRING_VERDICTS + 1) / 2;
    ck_assert_uint_eq(record->closed, all - record->accepted - record->not_yet_valid - record->expired -
                                          record->suspended - record->scope);
    for (unsigned verdict = 0; verdict < SEALRING_VERDICTS; verdict++)
        ck_assert_uint_eq(version->uncached[verdict], verdict + 1);
    ck_assert_uint_eq(fixture_sums(fixture_paths().last).uncached, all);
    report_count_without_detail(report);
    report_count_without_detail(report);
    ck_assert_uint_eq(fixture_summary(fixture_paths().last).without_detail, 2);
    report_leave(report);
}
END_TEST

START_TEST(moves_the_last_use_on_by_seconds)
{
    static const int64_t times[][2] = {
        {1, 1000},         {1000, 1000}, {999, 1000},   {1001, 2000},
        {1999, 2000},      {1500, 2000}, {-5000, 2000}, {INT64_C(1700000000001), 1700000001000},
        {0, 1700000001000}};
    struct report *report = fixture_join();
    struct report_credential *record = report_credential(report, 1, 1, 1, FIXTURE_HOUR);
    struct report_version *counted = report_version(report, 1, 1), *touched = report_version(report, 1, 2);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        report_count(record, NULL, SEALRING_ACCEPTED, times[i][0]);
        report_count(NULL, counted, SEALRING_REJECTED_EXPIRED, times[i][0]);
        report_touch_version(touched, times[i][0]);
        ck_assert_int_eq(record->last_use_ms, times[i][1]);
        ck_assert_int_eq(counted->last_use_ms, times[i][1]);
        ck_assert_int_eq(touched->last_use_ms, times[i][1]);
    }
    report_leave(report);
}
END_TEST

START_TEST(leaves_room_for_versions)
{
    struct report *report = fixture_join();
    report->cells_max = REPORT_CELLS_FOR_VERSIONS + 100;
    uint32_t made = 0, versions = 0;
    while (report_credential(report, 1, made + 1, 1, FIXTURE_HOUR) != NULL)
        made++;
    ck_assert_uint_eq(made, 100);
    ck_assert_ptr_nonnull(report_credential(report, 1, 1, 1, FIXTURE_HOUR));
    while (report_version(report, 1, versions + 1) != NULL)
        versions++;
    ck_assert_uint_eq(versions, REPORT_CELLS_FOR_VERSIONS / 3);
    ck_assert_ptr_nonnull(report_version(report, 1, 1));
    ck_assert_ptr_null(report_credential(report, 1, made + 1, 1, FIXTURE_HOUR));
    struct fixture_sums sums = fixture_sums(fixture_paths().last);
    ck_assert(sums.credentials == 100 && sums.versions == versions && sums.damaged == 0);
    report_leave(report);
}
END_TEST

START_TEST(begins_each_record_at_nothing)
{
    char garbage[10 * REPORT_CELL_SIZE];
    memset(garbage, 0x5a, sizeof garbage);
    report_leave(fixture_join());
    struct fixture_paths paths = fixture_paths();
    /* What a verifier wrote that was killed before the record was whole. */
    fixture_patch(paths.last, REPORT_CELLS_AT, garbage, sizeof garbage);
    struct report *report = fixture_join();
    ck_assert_ptr_nonnull(report_version(report, 1, 1));
    ck_assert_ptr_nonnull(report_credential(report, 1, 1, 1, FIXTURE_HOUR));
    struct fixture_sums sums = fixture_sums(paths.last);
    ck_assert(sums.versions == 1 && sums.credentials == 1 && sums.damaged == 0);
    ck_assert(sums.accepted == 0 && sums.refused == 0 && sums.uncached == 0 && sums.proved == 0);
    ck_assert_int_eq(report_version(report, 1, 1)->last_use_ms, 0);
    atomic_store(&report_version(report, 1, 1)->proved, 42);
    ck_assert_uint_eq(fixture_sums(paths.last).proved, 1);
    report_unprove(report);
    ck_assert_uint_eq(fixture_sums(paths.last).proved, 0);
    report_leave(report);
}
END_TEST

/* ---- A disk that is full ---- */

static bool write_line(const char *path, const char *line)
{
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    bool written = descriptor >= 0 && write(descriptor, line, strlen(line)) == (ssize_t)strlen(line);
    if (descriptor >= 0)
        close(descriptor);
    return written;
}

/* A small file system of this process's own; users other than root need a namespace to be root in. */
static bool mount_small(const char *options)
{
    char map[64];
    if (mkdir(fixture_directory, 0750) != 0)
        return false;
    if (geteuid() == 0 && unshare(CLONE_NEWNS) == 0)
        return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
               mount("tmpfs", fixture_directory, "tmpfs", 0, options) == 0;
    unsigned user = geteuid(), group = getegid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return false;
    snprintf(map, sizeof map, "0 %u 1", user);
    if (!write_line("/proc/self/uid_map", map) || !write_line("/proc/self/setgroups", "deny"))
        return false;
    snprintf(map, sizeof map, "0 %u 1", group);
    return write_line("/proc/self/gid_map", map) && mount("tmpfs", fixture_directory, "tmpfs", 0, options) == 0;
}

/* Where neither is possible, ends_well_where_files_are_limited is what there is. */
static bool has_small_disk(const char *options)
{
    bool mounted = mount_small(options);
    if (!mounted)
        printf("# no file system can be mounted here: a full disk is tried by a limit on files only\n");
    fflush(stdout);
    return mounted;
}

static void fill(const char *name)
{
    char path[PATH_MAX], block[4096] = "";
    snprintf(path, sizeof path, "%s/%s", fixture_directory, name);
    int descriptor = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_ge(descriptor, 0);
    while (write(descriptor, block, sizeof block) > 0)
        continue;
    close(descriptor);
}

START_TEST(says_that_the_disk_is_full)
{
    sealring_error error = {.message = ""};
    struct report *report = NULL;
    if (!has_small_disk("size=64k"))
        return;
    fill("filler");
    ck_assert_int_eq(report_join(fixture_directory, fixture_vault, &report, &error), SEALRING_SYSTEM);
    ck_assert_int_eq(error.system_errno, ENOSPC);
    ck_assert_uint_eq(fixture_paths().count, 0);
}
END_TEST

static uint32_t make_credentials(struct report *report)
{
    uint32_t made = 0;
    struct report_credential *record;
    while ((record = report_credential(report, 1, made + 1, 1, FIXTURE_HOUR)) != NULL) {
        report_count(record, NULL, SEALRING_ACCEPTED, 1);
        made++;
    }
    return made;
}

START_TEST(goes_on_while_the_disk_is_full)
{
    char path[PATH_MAX];
    if (!has_small_disk("size=1m"))
        return;
    struct report *report = fixture_join();
    struct fixture_paths paths = fixture_paths();
    struct report_version *version = report_version(report, 1, 1);
    fill("filler");
    uint32_t made = make_credentials(report);
    off_t size = fixture_size(paths.last);
    ck_assert_uint_eq(made, report_map_room(REPORT_SEAT_SIZE) - 3);
    ck_assert_ptr_null(report_version(report, 1, 2));
    for (int i = 0; i < 1000; i++)
        report_count(NULL, version, SEALRING_ACCEPTED, 1);
    ck_assert_int_eq(fixture_size(paths.last), size);
    /* Once there is room again it is found, after a pause. */
    snprintf(path, sizeof path, "%s/filler", fixture_directory);
    ck_assert_int_eq(unlink(path), 0);
    while (report_version(report, 1, 2) == NULL)
        usleep(10000);
    uint32_t grown = made;
    while (report_credential(report, 1, grown + 1, 1, FIXTURE_HOUR) != NULL)
        grown++;
    ck_assert_uint_gt(grown, made + 4000);
    struct fixture_sums sums = fixture_sums(paths.last);
    ck_assert_uint_eq(sums.accepted, made);
    ck_assert_uint_eq(sums.credentials, grown);
    ck_assert_uint_eq(sums.uncached, 1000);
    report_leave(report);
}
END_TEST

static void limit_files(rlim_t size)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* SIGXFSZ is not ignored: it would end the test. */
START_TEST(ends_well_where_files_are_limited)
{
    sealring_error error = {.message = ""};
    struct report *report = NULL;
    signal(SIGXFSZ, SIG_DFL);
    limit_files(REPORT_SEAT_SIZE - 1);
    ck_assert_int_eq(report_join(fixture_directory, fixture_vault, &report, &error), SEALRING_SYSTEM);
    ck_assert_int_eq(error.system_errno, EFBIG);
    ck_assert_uint_eq(fixture_paths().count, 0);
    limit_files(128 << 10);
    report = fixture_join();
    ck_assert_uint_eq(make_credentials(report), report_map_room(REPORT_SEAT_SIZE));
    ck_assert_int_eq(fixture_size(fixture_paths().last), REPORT_SEAT_SIZE);
    report_leave(report);
    ck_assert_uint_eq(fixture_sums(fixture_paths().last).accepted, report_map_room(REPORT_SEAT_SIZE));
}
END_TEST

/* ---- Threads ---- */

struct counting {
    struct report *report;
    unsigned thread;
    uint32_t rounds;
    _Atomic(bool) *stop;
    pthread_barrier_t *start;
};

/* Each thread has a lane; records are shared by all. */
static void *count_in_thread(void *context)
{
    const struct counting *counting = context;
    struct report_lane *lane = report_lane(counting->report, counting->thread);
    for (uint32_t i = 0; i < counting->rounds; i++) {
        struct report_credential *record =
            report_credential(counting->report, 1 + i % 300, 1, 1, FIXTURE_HOUR + i / 4000);
        struct report_version *version = report_version(counting->report, 1, 1 + i % 5);
        report_count(record, NULL, i % 4 == 0 ? SEALRING_REJECTED_SCOPE : SEALRING_ACCEPTED, i);
        report_count(NULL, version, SEALRING_REJECTED_REVOKED, i);
        uint64_t calls = atomic_load_explicit(&lane->verdicts[SEALRING_ACCEPTED], memory_order_relaxed);
        atomic_store_explicit(&lane->verdicts[SEALRING_ACCEPTED], calls + 1, memory_order_relaxed);
    }
    return NULL;
}

static void count_in_threads(struct report *report, uint32_t rounds)
{
    pthread_t threads[THREADS];
    struct counting countings[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        countings[i] = (struct counting){.report = report, .thread = i, .rounds = rounds};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count_in_thread, &countings[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static struct report_look look_number(uint64_t number)
{
    struct report_look look = {.epoch = number,
                               .boot_ms = (int64_t)number + 1,
                               .wall_ms = (int64_t)number + 2,
                               .lease_ms = (int64_t)number + 3,
                               .has_closed = true,
                               .closed_count = number + 4,
                               .filter = number % 2 == 0};
    for (size_t at = 0; at < sizeof look.closed_hash; at += sizeof number)
        memcpy(look.closed_hash + at, &number, sizeof number);
    memcpy(look.era, &number, sizeof number);
    memcpy(look.era + sizeof number, &number, sizeof number);
    return look;
}

static void *write_in_thread(void *context)
{
    const struct counting *counting = context;
    for (uint64_t i = 1; !atomic_load(counting->stop); i++) {
        struct report_look look = look_number(i);
        ck_assert(report_write(counting->report, &look));
    }
    return NULL;
}

/* Every look that is read is one that was written. Returns how many different ones there were. */
static unsigned read_looks(const struct report_reader *reader, unsigned times)
{
    struct report_summary summary;
    uint64_t last = 0;
    unsigned different = 0;
    for (unsigned i = 0; i < times; i++) {
        ck_assert_int_eq(report_read_summary(reader, &summary, NULL), SEALRING_OK);
        struct report_look look = look_number(summary.number);
        /* The writer never pauses here, so it may not have been met between two reports in all the tries. */
        if (summary.number == 0 || (summary.look.epoch == 0 && summary.look.era[0] == 0))
            continue;
        ck_assert_uint_eq(summary.look.epoch, look.epoch);
        ck_assert_int_eq(summary.look.boot_ms, look.boot_ms);
        ck_assert_int_eq(summary.look.wall_ms, look.wall_ms);
        ck_assert_int_eq(summary.look.lease_ms, look.lease_ms);
        ck_assert(summary.look.has_closed);
        ck_assert_int_eq(summary.look.filter, look.filter);
        ck_assert_uint_eq(summary.look.closed_count, look.closed_count);
        ck_assert_mem_eq(summary.look.era, look.era, sizeof look.era);
        ck_assert_mem_eq(summary.look.closed_hash, look.closed_hash, sizeof look.closed_hash);
        ck_assert_uint_ge(summary.number, last);
        different += summary.number != last;
        last = summary.number;
    }
    return different;
}

START_TEST(reads_while_others_write_and_count)
{
    _Atomic(bool) stop = false;
    struct fixture_sums sums = {.versions = 0};
    struct report *report = fixture_join();
    struct fixture_paths paths = fixture_paths();
    struct counting writing = {.report = report, .stop = &stop};
    struct report_reader *reader = NULL;
    pthread_t counter, writer;
    struct counting counting = {.report = report, .rounds = 12000};
    ck_assert_int_eq(report_read_open(paths.last, &reader, NULL), SEALRING_OK);
    ck_assert_int_eq(pthread_create(&writer, NULL, write_in_thread, &writing), 0);
    ck_assert_int_eq(pthread_create(&counter, NULL, count_in_thread, &counting), 0);
    unsigned different = 0;
    for (int i = 0; i < 20 || different < 20; i++) {
        different += read_looks(reader, 500);
        memset(&sums, 0, sizeof sums);
        ck_assert_int_eq(report_read_each(reader, fixture_add_version, fixture_add_credential, &sums, &sums.damaged),
                         SEALRING_OK);
        ck_assert_uint_eq(sums.damaged, 0);
    }
    pthread_join(counter, NULL);
    atomic_store(&stop, true);
    pthread_join(writer, NULL);
    report_read_close(reader);
    sums = fixture_sums(paths.last);
    ck_assert_uint_eq(sums.accepted + sums.refused, 12000);
    report_leave(report);
}
END_TEST

/* All in one record, as fast as they can. */
static void *count_fast_in_thread(void *context)
{
    const struct counting *counting = context;
    struct report_credential *record = report_credential(counting->report, 1, 1, 1, FIXTURE_HOUR);
    struct report_version *version = report_version(counting->report, 1, 1);
    pthread_barrier_wait(counting->start);
    for (uint32_t i = 1; i <= counting->rounds; i++) {
        report_count(record, NULL, SEALRING_ACCEPTED, i);
        report_count(record, NULL, SEALRING_REJECTED_EXPIRED, i);
        report_count(NULL, version, SEALRING_REJECTED_EXPIRED, i);
        report_count_without_detail(counting->report);
    }
    return NULL;
}

START_TEST(loses_no_count_in_a_record_of_all)
{
    enum { ROUNDS = 500000 };
    pthread_t threads[THREADS];
    pthread_barrier_t start;
    struct report *report = fixture_join();
    struct counting counting = {.report = report, .rounds = ROUNDS, .start = &start};
    ck_assert_int_eq(pthread_barrier_init(&start, NULL, THREADS), 0);
    for (unsigned i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count_fast_in_thread, &counting), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
    struct report_credential *record = report_credential(report, 1, 1, 1, FIXTURE_HOUR);
    struct report_version *version = report_version(report, 1, 1);
    ck_assert_uint_eq(record->accepted, THREADS * ROUNDS);
    ck_assert_uint_eq(record->expired, THREADS * ROUNDS);
    ck_assert_uint_eq(version->uncached[SEALRING_REJECTED_EXPIRED], THREADS * ROUNDS);
    ck_assert_int_eq(record->last_use_ms, ROUNDS);
    ck_assert_int_eq(version->last_use_ms, ROUNDS);
    ck_assert_uint_eq(fixture_summary(fixture_paths().last).without_detail, THREADS * ROUNDS);
    report_leave(report);
}
END_TEST

START_TEST(counts_exactly_in_many_threads)
{
    enum { ROUNDS = 6000 };
    struct report *report = fixture_join();
    count_in_threads(report, ROUNDS);
    struct fixture_sums sums = fixture_sums(fixture_paths().last);
    ck_assert_uint_eq(sums.accepted, THREADS * ROUNDS * 3 / 4);
    ck_assert_uint_eq(sums.refused, THREADS * ROUNDS / 4);
    ck_assert_uint_eq(sums.uncached, THREADS * ROUNDS);
    /* No record was made twice: the threads are in two hours at most at once, or one that fell behind begins anew. */
    ck_assert_uint_eq(sums.versions, 5);
    ck_assert_uint_ge(sums.credentials, 600);
    ck_assert_uint_le(sums.credentials, 4 * 600);
    ck_assert_uint_eq(fixture_summary(fixture_paths().last).verdicts[SEALRING_ACCEPTED], THREADS * ROUNDS);
    report_leave(report);
}
END_TEST

/* ---- kill -9 ---- */

START_TEST(keeps_what_was_counted_when_it_is_killed)
{
    enum { ROUNDS = 5000 };
    int tell[2];
    char byte = 0;
    ck_assert_int_eq(pipe2(tell, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        struct report *report = fixture_join();
        struct report_look look = look_number(9);
        count_in_threads(report, ROUNDS);
        if (!report_write(report, &look) || write(tell[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    ck_assert_int_eq(read(tell[0], &byte, 1), 1);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    struct fixture_paths paths = fixture_paths();
    struct fixture_sums sums = fixture_sums(paths.last);
    struct report_summary summary = fixture_summary(paths.last);
    ck_assert_uint_eq(sums.accepted + sums.refused, THREADS * ROUNDS);
    ck_assert_uint_eq(sums.uncached, THREADS * ROUNDS);
    ck_assert_uint_eq(sums.damaged, 0);
    ck_assert_uint_eq(summary.verdicts[SEALRING_ACCEPTED], THREADS * ROUNDS);
    ck_assert_uint_eq(summary.state, REPORT_SERVING);
    ck_assert_uint_eq(summary.look.epoch, 9);
    ck_assert_int_eq(summary.process, child);
}
END_TEST

/* Does everything there is, and says after each step how far it got; until it is killed. */
static void live_until_killed(int tell)
{
    struct report *report = NULL;
    if (report_join(fixture_directory, fixture_vault, &report, NULL) != SEALRING_OK)
        _exit(1);
    for (uint32_t i = 1;; i++) {
        struct report_look look = look_number(i);
        report_count(report_credential(report, 1 + i % 1000, 1, 1, FIXTURE_HOUR + i / 5000), NULL, SEALRING_ACCEPTED,
                     i);
        report_count(NULL, report_version(report, 1, 1 + i % 50), SEALRING_ACCEPTED, i);
        if (i % 64 == 0 && (!report_write(report, &look) || write(tell, &i, sizeof i) != sizeof i))
            _exit(2);
    }
}

START_TEST(leaves_a_whole_file_whenever_it_is_killed)
{
    uint64_t before = 0;
    for (unsigned round = 0; round < 30; round++) {
        int tell[2];
        uint32_t progress = 0, said = 0;
        ck_assert_int_eq(pipe2(tell, O_CLOEXEC), 0);
        pid_t child = fork();
        if (child == 0)
            live_until_killed(tell[1]);
        close(tell[1]);
        for (unsigned i = 0; i < 1 + round * 7; i++)
            ck_assert_int_eq(read(tell[0], &progress, sizeof progress), sizeof progress);
        ck_assert_int_eq(kill(child, SIGKILL), 0);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        while (read(tell[0], &said, sizeof said) == sizeof said)
            progress = said;
        close(tell[0]);
        struct fixture_paths paths = fixture_paths();
        struct fixture_sums sums = fixture_sums(paths.last);
        ck_assert_uint_eq(paths.count, 1);
        ck_assert_uint_eq(sums.damaged, 0);
        ck_assert_uint_ge(sums.accepted, before + progress);
        ck_assert_uint_le(sums.accepted, before + progress + 64);
        ck_assert_uint_eq(sums.versions, 50);
        before = sums.accepted;
        /* So that the next one need not wait for the lease. */
        FIXTURE_PATCH(paths.last, state, REPORT_LEFT);
    }
}
END_TEST

/* What was mounted is this process's own, but its place is everybody's. */
static void unmount_and_remove(void)
{
    umount2(fixture_directory, MNT_DETACH);
    fixture_remove();
}

int main(void)
{
    Suite *suite = suite_create("report_usage");
    TCase *cases = tcase_create("report_usage");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, fixture_make, unmount_and_remove);
    tcase_add_test(cases, finds_a_record_again);
    tcase_add_test(cases, keeps_pointers_good_while_the_file_grows);
    tcase_add_test(cases, forgets_hours_that_are_over);
    tcase_add_test(cases, counts_each_verdict_in_its_place);
    tcase_add_test(cases, moves_the_last_use_on_by_seconds);
    tcase_add_test(cases, leaves_room_for_versions);
    tcase_add_test(cases, begins_each_record_at_nothing);
    tcase_add_test(cases, says_that_the_disk_is_full);
    tcase_add_test(cases, goes_on_while_the_disk_is_full);
    tcase_add_test(cases, ends_well_where_files_are_limited);
    tcase_add_test(cases, reads_while_others_write_and_count);
    tcase_add_test(cases, loses_no_count_in_a_record_of_all);
    tcase_add_test(cases, counts_exactly_in_many_threads);
    tcase_add_test(cases, keeps_what_was_counted_when_it_is_killed);
    tcase_add_test(cases, leaves_a_whole_file_whenever_it_is_killed);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
