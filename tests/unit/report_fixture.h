/* SPDX-License-Identifier: Apache-2.0 */
/* Real report files in a temporary directory of the test's own. */
#ifndef TESTS_REPORT_FIXTURE_H
#define TESTS_REPORT_FIXTURE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "lib/runner.h"
#include "verifier/report/report.h"
#include "verifier/report/report_map.h"
#include "verifier/report/report_seat.h"

#define FIXTURE_HOUR 480000u /* some hour */

static char fixture_top[PATH_MAX / 4], fixture_directory[PATH_MAX / 2];
static const uint8_t fixture_vault[REPORT_ID_SIZE] = "a vault's own ID";

static inline void fixture_make(void)
{
    const char *where = getenv("TMPDIR");
    snprintf(fixture_top, sizeof fixture_top, "%s/sealring-report-XXXXXX", where != NULL ? where : P_tmpdir);
    ck_assert_ptr_nonnull(mkdtemp(fixture_top));
    snprintf(fixture_directory, sizeof fixture_directory, "%s/verifiers", fixture_top);
}

static inline int fixture_remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status, (void)type, (void)place;
    return remove(path);
}

static inline void fixture_remove(void)
{
    nftw(fixture_top, fixture_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline struct report *fixture_join(void)
{
    sealring_error error = {.message = ""};
    struct report *report = NULL;
    ck_assert_msg(report_join(fixture_directory, fixture_vault, &report, &error) == SEALRING_OK, "%s", error.message);
    ck_assert_ptr_nonnull(report);
    return report;
}

static const struct report_look fixture_look = {
    .era = "the era's own ID", .epoch = 42, .boot_ms = 1000, .wall_ms = INT64_C(1700000000000), .lease_ms = 60000};

/* Fills a report with something of everything, and leaves. */
static inline void fixture_live_once(uint32_t hour)
{
    struct report *report = fixture_join();
    ck_assert(report_write(report, &fixture_look));
    atomic_store(&report_lane(report, 3)->verdicts[SEALRING_ACCEPTED], 7);
    atomic_store(&report_lane(report, REPORT_LANES - 1)->cached, 5);
    struct report_version *version = report_version(report, 1, 2);
    atomic_store(&version->proved, 42);
    report_count(NULL, version, SEALRING_REJECTED_EXPIRED, 1000);
    report_count(report_credential(report, 11, 1, 2, hour), NULL, SEALRING_ACCEPTED, 1000);
    report_count(report_credential(report, 11, 1, 2, hour - 1), NULL, SEALRING_ACCEPTED, 1000);
    report_count_without_detail(report);
    report_leave(report);
}

struct fixture_paths {
    unsigned count;
    char last[PATH_MAX];
};

static inline sealring_status fixture_note_path(const char *path, void *context)
{
    struct fixture_paths *paths = context;
    snprintf(paths->last, sizeof paths->last, "%s", path);
    paths->count++;
    return SEALRING_OK;
}

/* The reports that there are, and the path of one. */
static inline struct fixture_paths fixture_paths(void)
{
    struct fixture_paths paths = {.count = 0};
    ck_assert_int_eq(report_each_path(fixture_directory, fixture_note_path, &paths, NULL), SEALRING_OK);
    return paths;
}

static inline struct report_summary fixture_summary(const char *path)
{
    sealring_error error = {.message = ""};
    struct report_reader *reader = NULL;
    struct report_summary summary;
    ck_assert_msg(report_read_open(path, &reader, &error) == SEALRING_OK, "%s", error.message);
    ck_assert_msg(report_read_summary(reader, &summary, &error) == SEALRING_OK, "%s", error.message);
    report_read_close(reader);
    return summary;
}

/* What all records of a file add up to. */
struct fixture_sums {
    uint64_t versions;
    uint64_t credentials;
    uint64_t accepted;
    uint64_t refused;
    uint64_t uncached;
    uint64_t proved;
    uint64_t damaged;
};

static inline sealring_status fixture_add_version(const struct report_version *record, uint32_t cell, void *context)
{
    (void)cell;
    struct fixture_sums *sums = context;
    sums->versions++;
    sums->proved += record->proved != 0;
    for (unsigned i = 0; i < SEALRING_VERDICTS; i++)
        sums->uncached += record->uncached[i];
    return SEALRING_OK;
}

static inline sealring_status fixture_add_credential(const struct report_credential *record, void *context)
{
    struct fixture_sums *sums = context;
    sums->credentials++;
    sums->accepted += record->accepted;
    sums->refused +=
        (uint64_t)record->not_yet_valid + record->expired + record->suspended + record->scope + record->closed;
    return SEALRING_OK;
}

static inline struct fixture_sums fixture_sums(const char *path)
{
    struct fixture_sums sums = {.versions = 0};
    struct report_reader *reader = NULL;
    ck_assert_int_eq(report_read_open(path, &reader, NULL), SEALRING_OK);
    ck_assert_int_eq(report_read_each(reader, fixture_add_version, fixture_add_credential, &sums, &sums.damaged),
                     SEALRING_OK);
    report_read_close(reader);
    return sums;
}

/* Changes bytes of a file that nobody has open. */
static inline void fixture_patch(const char *path, size_t offset, const void *bytes, size_t size)
{
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(pwrite(descriptor, bytes, size, (off_t)offset), (ssize_t)size);
    close(descriptor);
}

#define FIXTURE_PATCH(path, member, value)                                                            \
    do {                                                                                              \
        struct report_header patched_;                                                                \
        patched_.member = (value);                                                                    \
        fixture_patch((path), offsetof(struct report_header, member), (const void *)&patched_.member, \
                      sizeof patched_.member);                                                        \
    } while (0)

static inline void fixture_wait_for(pid_t child)
{
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with status %d", status);
}

static inline off_t fixture_size(const char *path)
{
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    return status.st_size;
}

#endif
