/* SPDX-License-Identifier: Apache-2.0 */
/* A harvest lets restrictions go first between two of its commits, and is exact all the same. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/base62.h"
#include "base/clock.h"
#include "lib/runner.h"
#include "log/tail/own_note.h"
#include "registry/usage/usage_rows.h"
#include "verifier/report/report.h"
#include "verifier/report/report_parts.h"
#include "verifier/stage.h"

#define HOUR  INT64_C(3600000)
#define HOURS 1000 /* of each key: many commits, and more than is read at a time */
#define KEYS  3

/* Which reading of the boot clock from now on stops this process: each commit begins with one. 0: none. */
static int stop_at;

int clock_gettime(clockid_t clock, struct timespec *time)
{
    if (clock == CLOCK_BOOTTIME && stop_at > 0 && --stop_at == 0)
        raise(SIGSTOP);
    return (int)syscall(SYS_clock_gettime, clock, time);
}

/* The same of what a harvest asks before it writes, once for each record. */
static int stop_at_question;
static int questions;

sealring_status __real_registry_usage_same(struct registry *registry, const struct registry_usage *usage, bool *same,
                                           sealring_error *error);
sealring_status __wrap_registry_usage_same(struct registry *registry, const struct registry_usage *usage, bool *same,
                                           sealring_error *error);
sealring_status __wrap_registry_usage_same(struct registry *registry, const struct registry_usage *usage, bool *same,
                                           sealring_error *error)
{
    questions++;
    if (stop_at_question > 0 && --stop_at_question == 0)
        raise(SIGSTOP);
    return __real_registry_usage_same(registry, usage, same, error);
}

static struct stage stage;
static struct stage_key keys[KEYS];
static uint64_t counted;

static uint64_t harvested(void)
{
    return (uint64_t)test_vault_number(&stage.vault, "SELECT (SELECT coalesce(sum(accepted), 0) FROM usage_hour)"
                                                     " + (SELECT coalesce(sum(accepted), 0) FROM usage_day)");
}

/* A verifier's report with uses of each key in many hours; nobody holds it any more. */
static void fill_report(void)
{
    char directory[PATH_MAX], text[160];
    uint8_t vault_id[REPORT_ID_SIZE];
    struct report *report = NULL;
    sealring_error error = {.message = ""};
    sealring_vault_info info = {.size = sizeof info};
    sealring_manager *manager = test_vault_manage(&stage.vault);
    ASSERT_OK(sealring_vault_describe(manager, &info, &error), error);
    sealring_manager_close(&manager);
    ck_assert(hex_decode(info.vault_id, vault_id, sizeof vault_id));
    snprintf(directory, sizeof directory, "%s/verifiers", stage.vault.path);
    ASSERT_OK(report_join(directory, vault_id, &report, &error), error);
    for (int key = 0; key < KEYS; key++) {
        snprintf(text, sizeof text, "SELECT id FROM api_key WHERE key_id = '%s'", keys[key].key_id);
        int64_t row = test_vault_number(&stage.vault, text);
        for (int hour = 0; hour < HOURS; hour++) {
            int64_t wall = clock_wall_ms() - hour * HOUR;
            struct report_credential *record = report_credential(report, row, 1, 1, (uint32_t)(wall / HOUR));
            ck_assert_ptr_nonnull(record);
            report_count(record, NULL, SEALRING_ACCEPTED, wall);
            counted++;
        }
    }
    report_leave(report);
}

static void setup(void)
{
    stage_make(&stage, 60000, 50);
    for (int i = 0; i < KEYS; i++)
        stage_issue(&stage, STAGE_RING, "read", &keys[i]);
    counted = 0;
    fill_report();
}

static void teardown(void)
{
    stage_remove(&stage);
}

/* Stopped between two commits, or while it reads. Ends with 1 if it failed, with 2 if it read some records twice. */
static pid_t start_harvest(int commits, int question)
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        sealring_manager *manager = test_vault_manage(&stage.vault);
        stop_at = commits;
        stop_at_question = question;
        questions = 0;
        sealring_status harvest = sealring_harvest(manager, NULL, NULL);
        _exit(harvest != SEALRING_OK ? 1 : questions == KEYS * HOURS ? 0 : 2);
    }
    ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
    ck_assert(WIFSTOPPED(status));
    ck_assert_int_eq(harvested() > 0, commits > 0);
    ck_assert_uint_lt(harvested(), counted);
    return child;
}

/* Revokes a key meanwhile, and takes vault.work as soon as the harvest lets go of it. */
static int revoke_and_take_work(pid_t child)
{
    char path[PATH_MAX];
    sealring_error error = {.message = ""};
    snprintf(path, sizeof path, "%s/vault.work", stage.vault.path);
    sealring_manager *manager = test_vault_manage(&stage.vault);
    ASSERT_OK(sealring_key_set_state(manager, keys[2].key_id, SEALRING_KEY_REVOKED, "leaked", &error), error);
    sealring_manager_close(&manager);
    int work = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(work, 0);
    ck_assert_int_eq(flock(work, LOCK_EX | LOCK_NB), -1); /* the harvest has it */
    ck_assert_int_eq(kill(child, SIGCONT), 0);
    ck_assert_int_eq(flock(work, LOCK_EX), 0); /* until it lets go of it */
    ck_assert_int_eq(test_vault_number(&stage.vault, "SELECT count(*) FROM api_key WHERE state = 3"), 1);
    return work;
}

static void expect_end(pid_t child, int result)
{
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), result);
    ck_assert_uint_eq(harvested(), counted);
}

START_TEST(restrictions_go_first)
{
    int status;
    sealring_error error = {.message = ""};
    pid_t child = start_harvest(9, 0);
    int work = revoke_and_take_work(child);
    ck_assert_uint_lt(harvested(), counted);
    ck_assert_int_eq(waitpid(child, &status, WNOHANG), 0);
    close(work);
    expect_end(child, 0);
    sealring_manager *manager = test_vault_manage(&stage.vault);
    ASSERT_OK(sealring_harvest(manager, NULL, &error), error);
    sealring_manager_close(&manager);
    ck_assert_uint_eq(harvested(), counted);
}
END_TEST

/* Before there is anything to write a large file is read for seconds. */
START_TEST(restrictions_go_first_while_it_reads)
{
    pid_t child = start_harvest(0, 500);
    int work = revoke_and_take_work(child);
    ck_assert_int_eq(test_vault_number(&stage.vault, "SELECT count(*) FROM usage_traffic"),
                     0); /* nothing is written yet */
    close(work);
    expect_end(child, 0); /* and it goes on where it was */
}
END_TEST

/* Days that another harvest makes of the same hours are not counted again. */
START_TEST(what_another_harvest_settles_meanwhile_is_read_again)
{
    int status;
    sealring_error error = {.message = ""};
    pid_t child = _i == 0 ? start_harvest(0, 500) : start_harvest(9, 0);
    int work = revoke_and_take_work(child);
    ck_assert_int_eq(kill(child, SIGSTOP), 0);
    ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
    ck_assert(WIFSTOPPED(status));
    close(work);
    sealring_manager *manager = test_vault_manage(&stage.vault);
    ASSERT_OK(sealring_harvest(manager, NULL, &error), error);
    sealring_manager_close(&manager);
    ck_assert_uint_eq(harvested(), counted);
    ck_assert_int_gt(test_vault_number(&stage.vault, "SELECT count(*) FROM usage_day"), 0);
    ck_assert_int_eq(kill(child, SIGCONT), 0);
    expect_end(child, 2);
}
END_TEST

/* As a restore does. */
static void begin_era(void)
{
    char path[sizeof stage.vault.path + 16], line[OWN_NOTE_LINE_SIZE];
    const struct own_note note = {.kind = OWN_NOTE_EXAMINED, .era = {7}};
    own_note_format(&note, line);
    snprintf(path, sizeof path, "%s/vault.unsigned", stage.vault.path);
    FILE *file = fopen(path, "a");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(line, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    test_vault_sql(&stage.vault, "UPDATE vault SET era = X'07000000000000000000000000000000'");
}

/* What it has compared may be missing in a registry that was restored: its era is another one. */
START_TEST(another_era_is_read_again)
{
    pid_t child = start_harvest(0, 500);
    int work = revoke_and_take_work(child);
    begin_era();
    close(work);
    expect_end(child, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("yield");
    TCase *cases = tcase_create("yield");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, restrictions_go_first);
    tcase_add_test(cases, restrictions_go_first_while_it_reads);
    tcase_add_loop_test(cases, what_another_harvest_settles_meanwhile_is_read_again, 0, 2);
    tcase_add_test(cases, another_era_is_read_again);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
