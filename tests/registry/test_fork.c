/* SPDX-License-Identifier: Apache-2.0 */
/* Forked children: an inherited handle is closed without a trace for its parent, and the child's own has locks of
 * its own. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/runner.h"
#include "registry/fixture.h"

/* Where SQLite's readers hold their locks while they have a database in WAL mode open: the shared range of the
 * database file (https://www.sqlite.org/fileformat2.html, 1.4), and the byte behind the locks of the log's index. */
#define SHARED_FIRST 0x40000002
#define SHARED_BYTES 510
#define INDEX_BYTE   128

static struct fixture fixture;
static struct fixture_rows rows;
static struct registry *reader;
static struct registry_presented presented;

static void set_up(void)
{
    fixture_open(&fixture);
    fixture_fill(&fixture, &rows);
    registry_close(fixture.registry); /* so that what is locked is locked by `reader` */
    fixture.registry = NULL;
    reader = fixture_reader(&fixture);
}

static void tear_down(void)
{
    registry_close(reader);
    fixture_close(&fixture);
}

static bool finds(struct registry *registry)
{
    return registry_present(registry, rows.key.key_id, rows.credential.digest, &presented, &fixture.error) ==
               SEALRING_OK &&
           presented.found;
}

/* Who else than this process holds a lock there; 0 if nobody does. Opens and closes the file: only in a process
 * without a connection, or its own locks would go. */
static pid_t holder(const char *suffix, off_t start, off_t length)
{
    char path[128];
    snprintf(path, sizeof path, "%s%s", fixture.path, suffix);
    int descriptor = open(path, O_RDWR | O_CLOEXEC);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    bool asked = descriptor >= 0 && fcntl(descriptor, F_GETLK, &lock) == 0;
    close(descriptor);
    return !asked ? -1 : lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

static bool holds_both(pid_t process)
{
    return holder("", SHARED_FIRST, SHARED_BYTES) == process && holder("-shm", INDEX_BYTE, 1) == process;
}

/* How many descriptors this process has in the fixture's directory. */
static unsigned descriptors(void)
{
    unsigned count = 0;
    DIR *directory = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(directory);
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        char link[300], target[256];
        snprintf(link, sizeof link, "/proc/self/fd/%s", entry->d_name);
        ssize_t length = readlink(link, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        count += strstr(target, fixture.directory) != NULL;
    }
    closedir(directory);
    return count;
}

/* A child that does its part up to ready_write, then what is left once the parent wrote to `go`; its exit status is
 * 0 if all is well. */
struct child {
    pid_t process;
    int ready, go;
};

static struct child start_child(bool (*first)(void), bool (*second)(void))
{
    int ready[2], go[2];
    char byte = '.';
    ck_assert_int_eq(pipe(ready), 0);
    ck_assert_int_eq(pipe(go), 0);
    pid_t process = fork();
    if (process == 0) {
        bool good = first();
        good = write(ready[1], &byte, 1) == 1 && read(go[0], &byte, 1) == 1 && good;
        _exit(good && second() ? 0 : 1);
    }
    ck_assert_int_gt(process, 0);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    return (struct child){process, ready[0], go[1]};
}

static void expect_child_ends_well(struct child child)
{
    int status = -1;
    ck_assert_int_eq(write(child.go, ".", 1), 1);
    ck_assert_int_eq(waitpid(child.process, &status, 0), child.process);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}

static bool nothing(void)
{
    return true;
}

static bool close_inherited(void)
{
    registry_close(reader);
    return descriptors() == 0 && holds_both(getppid());
}

START_TEST(parent_goes_on_beside_a_child_that_closed)
{
    struct registry *writer = NULL;
    struct child child = start_child(close_inherited, nothing);
    ck_assert(finds(reader));
    ck_assert_int_eq(registry_open(fixture.path, fixture.lock_path, REGISTRY_READ_WRITE, &writer, &fixture.error),
                     SEALRING_OK);
    registry_close(writer);
    ck_assert(finds(reader));
    expect_child_ends_well(child);
    ck_assert(finds(reader));
}
END_TEST

static bool close_and_open(void)
{
    registry_close(reader);
    reader = fixture_reader(&fixture);
    return finds(reader);
}

static bool find_again(void)
{
    return finds(reader);
}

static sealring_status do_nothing(struct registry *registry, void *context, sealring_error *error)
{
    (void)registry;
    (void)context;
    (void)error;
    return SEALRING_OK;
}

/* What keeps others from throwing the log away, or its index, under a worker that outlives its parent's connection. */
START_TEST(child_has_locks_of_its_own)
{
    struct child child = start_child(close_and_open, find_again);
    registry_close(reader);
    reader = NULL;
    ck_assert(holds_both(child.process));
    ck_assert_int_eq(
        registry_open(fixture.path, fixture.lock_path, REGISTRY_READ_WRITE, &fixture.registry, &fixture.error),
        SEALRING_OK);
    ck_assert_int_eq(registry_lock(fixture.registry, 0, "test", &fixture.error), SEALRING_OK);
    ck_assert_int_eq(fixture_write(&fixture, true, do_nothing, NULL), SEALRING_OK);
    registry_checkpoint(fixture.registry, 0);
    expect_child_ends_well(child);
}
END_TEST

/* A child that is forked while its parent is inside leaves the handle as it is: no descriptor of it is closed. */
static sealring_status fork_within(struct registry *registry, void *context, sealring_error *error)
{
    int status = -1;
    (void)context;
    (void)error;
    unsigned before = descriptors();
    ck_assert_uint_gt(before, 0);
    pid_t process = fork();
    if (process == 0) {
        registry_close(registry);
        _exit(descriptors() == before ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(process, &status, 0), process);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    return SEALRING_OK;
}

START_TEST(handle_that_was_at_work_is_abandoned)
{
    ck_assert_int_eq(fixture_read(reader, fork_within, NULL, &fixture.error), SEALRING_OK);
    ck_assert(finds(reader));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry forks");
    TCase *cases = tcase_create("cases");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, parent_goes_on_beside_a_child_that_closed);
    tcase_add_test(cases, child_has_locks_of_its_own);
    tcase_add_test(cases, handle_that_was_at_work_is_abandoned);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
