/* SPDX-License-Identifier: Apache-2.0 */
/* The management lock: one holder, named to the loser, gone with its process. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
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

static struct registry *another(void)
{
    struct registry *registry = NULL;
    ck_assert_int_eq(registry_open(fixture.path, fixture.lock_path, REGISTRY_READ_WRITE, &registry, &fixture.error),
                     SEALRING_OK);
    return registry;
}

/* A child that takes the lock, says so, and waits to be killed or for the end of `go`. */
struct child {
    pid_t process;
    int locked, go;
};

static void child_start(struct child *child)
{
    int locked[2], go[2];
    char sign = 0;
    registry_unlock(fixture.registry);
    ck_assert_int_eq(pipe2(locked, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(go, O_CLOEXEC), 0);
    child->process = fork();
    if (child->process == 0) {
        struct registry *registry = NULL;
        close(go[1]);
        if (registry_open(fixture.path, fixture.lock_path, REGISTRY_READ_WRITE, &registry, NULL) != SEALRING_OK ||
            registry_lock(registry, 0, "rotate acme", NULL) != SEALRING_OK || write(locked[1], "y", 1) != 1)
            _exit(1);
        _exit(read(go[0], &sign, 1) == 0 ? 0 : 2); /* exits with the lock held */
    }
    close(locked[1]);
    close(go[0]);
    child->locked = locked[0];
    child->go = go[1];
    ck_assert_int_eq(read(child->locked, &sign, 1), 1);
}

static void child_end(struct child *child)
{
    close(child->locked);
    ck_assert_int_eq(waitpid(child->process, NULL, 0), child->process);
}

START_TEST(another_process_is_kept_out_and_told_by_whom)
{
    struct child child;
    char expected[64];
    child_start(&child);
    ck_assert_int_eq(registry_lock(fixture.registry, 30, "test", &fixture.error), SEALRING_REGISTRY);
    snprintf(expected, sizeof expected, " %ld rotate acme (", (long)child.process);
    ck_assert_msg(strstr(fixture.error.message, expected) != NULL, "%s", fixture.error.message);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, fixture.lock_path));
    struct registry_write how = fixture_operation(&fixture, true);
    ck_assert_int_eq(fixture_write_as(fixture.registry, &how, fixture_insert, NULL, NULL), SEALRING_INVALID);
    close(child.go);
    child_end(&child);
}
END_TEST

START_TEST(killed_holder_holds_nothing)
{
    struct child child;
    child_start(&child);
    ck_assert_int_eq(registry_lock(fixture.registry, 0, "test", NULL), SEALRING_REGISTRY);
    ck_assert_int_eq(kill(child.process, SIGKILL), 0);
    child_end(&child);
    ck_assert_int_eq(registry_lock(fixture.registry, 0, "test", &fixture.error), SEALRING_OK);
    close(child.go);
}
END_TEST

START_TEST(waiting_ends_when_the_holder_does)
{
    struct child child;
    child_start(&child);
    close(child.go); /* it leaves while we wait, or has left already */
    ck_assert_int_eq(registry_lock(fixture.registry, 20000, "test", &fixture.error), SEALRING_OK);
    child_end(&child);
}
END_TEST

START_TEST(waiting_is_bounded)
{
    struct registry *second = another();
    int64_t start = clock_boot_ms();
    ck_assert_int_eq(registry_lock(second, 50, "test", NULL), SEALRING_REGISTRY);
    ck_assert_int_ge(clock_boot_ms() - start, 50);
    ck_assert_int_lt(clock_boot_ms() - start, 5000);
    registry_close(second);
}
END_TEST

START_TEST(handles_of_one_process_exclude_each_other)
{
    struct registry *second = another();
    ck_assert_int_eq(registry_lock(second, 0, "test", NULL), SEALRING_REGISTRY);
    registry_unlock(fixture.registry);
    ck_assert_int_eq(registry_lock(second, 0, "test", &fixture.error), SEALRING_OK);
    ck_assert_int_eq(registry_lock(fixture.registry, 0, "test", NULL), SEALRING_REGISTRY);
    registry_close(second); /* closing unlocks */
    ck_assert_int_eq(registry_lock(fixture.registry, 0, "test", &fixture.error), SEALRING_OK);
}
END_TEST

START_TEST(lock_is_not_recursive)
{
    ck_assert_int_eq(registry_lock(fixture.registry, 0, "test", &fixture.error), SEALRING_INVALID);
    struct registry *second = another();
    ck_assert_int_eq(registry_lock(second, 0, "test", NULL), SEALRING_REGISTRY); /* and still held */
    registry_close(second);
}
END_TEST

START_TEST(forked_child_has_no_lock_and_takes_none_away)
{
    int status = 0;
    struct registry_write how = fixture_operation(&fixture, true);
    pid_t child = fork();
    if (child == 0) {
        bool refused = fixture_write_as(fixture.registry, &how, fixture_insert, NULL, NULL) == SEALRING_INVALID;
        registry_unlock(fixture.registry);
        registry_close(fixture.registry);
        _exit(refused ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    struct registry *second = another();
    ck_assert_int_eq(registry_lock(second, 0, "test", NULL), SEALRING_REGISTRY);
    registry_close(second);
    struct fixture_rows rows;
    fixture_fill(&fixture, &rows);
}
END_TEST

START_TEST(lock_on_a_removed_file_is_not_taken_for_one)
{
    struct registry *second = another();
    ck_assert_int_eq(unlink(fixture.lock_path), 0);
    ck_assert_int_eq(registry_lock(second, 0, "test", &fixture.error), SEALRING_OK); /* a new file, another lock */
    ck_assert_int_eq(access(fixture.lock_path, F_OK), 0);
    struct registry_write how = fixture_operation(&fixture, true);
    ck_assert_int_eq(fixture_write_as(fixture.registry, &how, fixture_insert, NULL, NULL), SEALRING_INVALID);
    registry_unlock(fixture.registry);
    ck_assert_int_eq(registry_lock(fixture.registry, 0, "test", NULL), SEALRING_REGISTRY);
    registry_close(second);
}
END_TEST

START_TEST(lock_file_is_private_to_its_owner)
{
    struct stat facts;
    ck_assert_int_eq(stat(fixture.lock_path, &facts), 0);
    ck_assert_uint_eq(facts.st_mode & 0177, 0);
}
END_TEST

START_TEST(lock_file_that_cannot_be_opened_is_told)
{
    struct registry *second = NULL;
    char path[160];
    snprintf(path, sizeof path, "%s/missing/vault.lock", fixture.directory);
    ck_assert_int_eq(registry_open(fixture.path, path, REGISTRY_READ_WRITE, &second, &fixture.error),
                     SEALRING_REGISTRY);
    ck_assert_ptr_null(second);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "missing/vault.lock"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry lock");
    TCase *cases = tcase_create("cases");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, another_process_is_kept_out_and_told_by_whom);
    tcase_add_test(cases, killed_holder_holds_nothing);
    tcase_add_test(cases, waiting_ends_when_the_holder_does);
    tcase_add_test(cases, waiting_is_bounded);
    tcase_add_test(cases, handles_of_one_process_exclude_each_other);
    tcase_add_test(cases, lock_is_not_recursive);
    tcase_add_test(cases, forked_child_has_no_lock_and_takes_none_away);
    tcase_add_test(cases, lock_on_a_removed_file_is_not_taken_for_one);
    tcase_add_test(cases, lock_file_is_private_to_its_owner);
    tcase_add_test(cases, lock_file_that_cannot_be_opened_is_told);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
