/* SPDX-License-Identifier: Apache-2.0 */
/* Who is alive, by real report files and rows: whatever boot ID, time, process or host a report or a row contains, the lock decides. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/runner.h"
#include "lib/test_vault.h"
#include "manage/session/manager.h"

#define LEASE_MS 60000
#define SILENCE  61600
#define HOURS    36000000 /* ten, as another time namespace may be ahead or behind */

static struct test_vault vault;
static sealring_manager *manager;
static sealring_error error;
static pid_t verifier; /* 0: it was killed */
static char path[PATH_MAX];
static struct report_header written; /* as the verifier left it */

/* ---- a verifier of its own process: it joins, reports once, and then only holds its file ---- */

static void hold(const struct registry_vault *row)
{
    struct report *report = NULL;
    struct report_look look = {
        .epoch = row->epoch, .boot_ms = clock_boot_ms(), .wall_ms = clock_wall_ms(), .lease_ms = LEASE_MS};
    char directory[PATH_MAX];
    memcpy(look.era, row->era, sizeof look.era);
    snprintf(directory, sizeof directory, "%s/verifiers", vault.path);
    if (report_join(directory, row->vault_id, &report, NULL) != SEALRING_OK || !report_write(report, &look))
        _exit(1);
    for (;;)
        pause();
}

static bool is_written(void)
{
    char directory[200];
    bool found = false;
    snprintf(directory, sizeof directory, "%s/verifiers", vault.path);
    DIR *stream = opendir(directory);
    const struct dirent *entry;
    while (stream != NULL && (entry = readdir(stream)) != NULL) {
        if (strstr(entry->d_name, ".report") == NULL)
            continue;
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        int descriptor = open(path, O_RDONLY | O_CLOEXEC);
        found = pread(descriptor, &written, sizeof written, 0) == (ssize_t)sizeof written && written.number == 1 &&
                written.sequence % 2 == 0;
        close(descriptor);
    }
    if (stream != NULL)
        closedir(stream);
    return found;
}

static void patch(const struct report_header *header)
{
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(pwrite(descriptor, header, sizeof *header, 0), (ssize_t)sizeof *header);
    close(descriptor);
}

static void setup(void)
{
    struct registry_vault row;
    test_vault_make(&vault);
    test_vault_timing(&vault, LEASE_MS, 50);
    manager = test_vault_manage(&vault);
    test_vault_ring(manager, "payments", "acme_live", 1000);
    ASSERT_OK(manager_read_vault(manager, &row, &error), error);
    fflush(NULL);
    verifier = fork();
    if (verifier == 0)
        hold(&row);
    while (!is_written())
        usleep(1000);
}

static void end_verifier(int how)
{
    if (verifier > 0) {
        kill(verifier, how);
        waitpid(verifier, NULL, 0);
    }
    verifier = 0;
}

static void teardown(void)
{
    end_verifier(SIGKILL);
    sealring_manager_close(&manager);
    test_vault_remove(&vault);
}

/* ---- what a process that sees all of it for the first time concludes ---- */

struct conclusion {
    sealring_status status;
    size_t entries;
    bool may_serve;
    bool goes_by_next; /* a change that nobody has reported yet would count as in force */
    int64_t at_most;
    struct roster_entry entry; /* of the verifier; its versions are gone */
    sealring_error error;
};

static sealring_status draw(struct conclusion *conclusion)
{
    struct roster roster = {0};
    struct roster_count count;
    sealring_status status = roster_read(manager->registry, manager->config->verifiers, &roster, &conclusion->error);
    conclusion->entries = roster.count;
    for (size_t i = 0; status == SEALRING_OK && i < roster.count; i++) {
        struct roster_entry *entry = &roster.entries[i];
        if (memcmp(entry->row.instance, written.instance, sizeof entry->row.instance) != 0)
            continue;
        conclusion->may_serve = roster_may_serve(&roster, entry);
        conclusion->entry = *entry;
    }
    roster_count(&roster, &(struct roster_change){.epoch = roster.vault.epoch + 1}, &count);
    conclusion->goes_by_next = count.done == count.total;
    conclusion->at_most = count.at_most;
    roster_release(&roster);
    return status;
}

static struct conclusion conclude(void)
{
    struct conclusion conclusion = {.entries = 0};
    struct registry_transaction reading = registry_reading(manager->registry, &conclusion.error);
    do {
        if (registry_begin(&reading, &conclusion.status))
            conclusion.status = draw(&conclusion);
    } while (registry_again(&reading, &conclusion.status));
    return conclusion;
}

/* As a command that reads the reports does. */
static void remember(void)
{
    struct roster roster = {0};
    sealring_status status;
    ASSERT_OK(registry_lock(manager->registry, 10000, "test", &error), error);
    struct commit commit = manager_commit(manager, false, NULL, &error);
    do {
        if (!commit_begin(&commit, &status))
            continue;
        status = roster_read(manager->registry, manager->config->verifiers, &roster, &error);
        if (status == SEALRING_OK)
            status = roster_remember(manager->registry, &roster, &error);
    } while (commit_again(&commit, &status));
    ASSERT_OK(status, error);
    registry_unlock(manager->registry);
    roster_release(&roster);
}

static void check_alive(const char *what, const char *row)
{
    struct conclusion seen = conclude();
    ck_assert_msg(seen.status == SEALRING_OK, "%s, %s: %s", what, row, seen.error.message);
    ck_assert_msg(seen.may_serve, "%s, %s: it holds its file, and counts as ended", what, row);
    ck_assert_msg(!seen.goes_by_next, "%s, %s: nobody waits for it", what, row);
    ck_assert_msg(seen.at_most == SILENCE, "%s, %s: it is waited for %lld ms", what, row, (long long)seen.at_most);
    ck_assert_msg(seen.entry.row.ended == 0 && seen.entry.row.hole == 0, "%s, %s: it ended", what, row);
    ck_assert_msg(seen.entry.row.state == SEALRING_VERIFIER_SERVING ||
                      seen.entry.row.state == SEALRING_VERIFIER_SILENT ||
                      seen.entry.row.state == SEALRING_VERIFIER_JOINING,
                  "%s, %s: it is called %s", what, row, sealring_verifier_state_name(seen.entry.row.state));
}

/* Nobody holds its file: it is waited for only if the row makes another file of it, and no longer than anybody. */
static void check_dead(const char *what, const char *row, bool other_file)
{
    struct conclusion seen = conclude();
    ck_assert_msg(seen.status == SEALRING_OK, "%s, %s: %s", what, row, seen.error.message);
    ck_assert_msg(seen.may_serve == other_file, "%s, %s: nobody holds its file, and may_serve is %d", what, row,
                  seen.may_serve);
    ck_assert_msg(seen.at_most <= SILENCE, "%s, %s: it is waited for %lld ms", what, row, (long long)seen.at_most);
}

/* ---- what may be in a report, and in a row ---- */

static const struct lie {
    const char *what;
    const char *boot_id; /* NULL: its own */
    int64_t shift;       /* of its times on CLOCK_BOOTTIME */
    uint32_t state;      /* 0: as it is */
    bool other_host;
} lies[] = {
    {"nothing", NULL, 0, 0, false},
    {"another boot ID", "11111111-2222-3333-4444-555555555555", 0, 0, false},
    {"no boot ID", "", 0, 0, false},
    {"a time namespace that is ahead", NULL, HOURS, 0, false},
    {"a time namespace that is behind", NULL, -HOURS, 0, false},
    {"another boot ID and time namespace", "11111111-2222-3333-4444-555555555555", HOURS, 0, false},
    {"the end of time", NULL, INT64_MAX / 2, 0, false},
    {"another host and process", NULL, 0, 0, true},
    {"that it left", NULL, 0, REPORT_LEFT, false},
    {"that it left, in a container of its own", "11111111-2222-3333-4444-555555555555", -HOURS, REPORT_LEFT, true},
    {"that it joins", NULL, 0, REPORT_JOINING, false},
};
#define LIES ((int)(sizeof lies / sizeof lies[0]))

static void tell_lie(const struct lie *lie)
{
    struct report_header header = written;
    if (lie->boot_id != NULL) {
        memset(header.boot_id, 0, sizeof header.boot_id);
        snprintf(header.boot_id, sizeof header.boot_id, "%s", lie->boot_id);
    }
    header.joined_boot_ms += lie->shift;
    header.look_boot_ms += lie->shift;
    if (lie->state != 0)
        header.state = lie->state;
    if (lie->other_host) {
        snprintf(header.host, sizeof header.host, "elsewhere");
        header.process = 1;
    }
    patch(&header);
}

/* What SQL can make of a remembered row, field by field and together; NULL: the row as it was remembered. */
static const char *const edits[] = {
    NULL,
    "DELETE FROM verifier",
    "UPDATE verifier SET state = 1",
    "UPDATE verifier SET state = 3",
    "UPDATE verifier SET state = 4",
    "UPDATE verifier SET state = 5",
    "UPDATE verifier SET state = 6",
    "UPDATE verifier SET state = 7",
    "UPDATE verifier SET ended = 1",
    "UPDATE verifier SET ended = 1, state = 5",
    "UPDATE verifier SET ended = 1, state = 7",
    "UPDATE verifier SET ended = CAST(unixepoch() AS INTEGER) * 1000, state = 6, hole = 1",
    "UPDATE verifier SET hole = CAST(unixepoch() AS INTEGER) * 1000",
    "UPDATE verifier SET seat = zeroblob(16)",
    "UPDATE verifier SET inode = inode + 1",
    "UPDATE verifier SET inode = inode + 1, ended = 0, state = 2, hole = 0",
    "UPDATE verifier SET inode = 0",
    "UPDATE verifier SET host = '', program = '', process = 0",
    "UPDATE verifier SET joined = 0",
    "UPDATE verifier SET joined = CAST(unixepoch() AS INTEGER) * 1000",
    "UPDATE verifier SET number = 0",
    "UPDATE verifier SET number = number + 1",
    "UPDATE verifier SET number = 9223372036854775807",
    "UPDATE verifier SET epoch = 0",
    "UPDATE verifier SET epoch = 9223372036854775807",
    "UPDATE verifier SET seen_boot_id = ''",
    "UPDATE verifier SET seen_boot_id = '11111111-2222-3333-4444-555555555555'",
    "UPDATE verifier SET seen_boot_id = '11111111-2222-3333-4444-555555555555', ended = 1, state = 5",
    "UPDATE verifier SET seen_boot_ms = 1",
    "UPDATE verifier SET seen_boot_ms = 36000000000",
    "UPDATE verifier SET last_report = 0",
    "UPDATE verifier SET last_report = 1",
    "UPDATE verifier SET alarms = 9223372036854775807",
    "UPDATE verifier SET state = 5, ended = 1, number = number + 1, seen_boot_ms = 1, seen_boot_id = '', inode = 0",
    "INSERT INTO verifier SELECT zeroblob(16), seat, inode, host, program, process, joined, 2, number + 1, epoch, seen_boot_id,"
    " 1, last_report, 0, 0, 0 FROM verifier",
};
#define EDITS (sizeof edits / sizeof edits[0])

/* A verifier that may serve holds another file than the one that lies there. */
static bool is_of_another_file(const char *edit)
{
    return edit != NULL && strstr(edit, "inode = inode + 1, ended = 0") != NULL;
}

static void edit_row(const char *edit)
{
    test_vault_sql(&vault, "DELETE FROM verifier");
    patch(&written);
    remember();
    if (edit != NULL)
        test_vault_sql(&vault, edit);
}

START_TEST(whoever_holds_its_file_is_alive)
{
    for (size_t i = 0; i < EDITS; i++) {
        edit_row(edits[i]);
        tell_lie(&lies[_i]);
        check_alive(lies[_i].what, edits[i] != NULL ? edits[i] : "as it was remembered");
    }
}
END_TEST

START_TEST(whoever_does_not_has_ended)
{
    end_verifier(SIGKILL);
    for (size_t i = 0; i < EDITS; i++) {
        edit_row(edits[i]);
        tell_lie(&lies[_i]);
        check_dead(lies[_i].what, edits[i] != NULL ? edits[i] : "as it was remembered", is_of_another_file(edits[i]));
    }
}
END_TEST

/* Another boot may have lost what had not reached the disk: that is a use when it was noticed, and not at a boot that a container, or whoever
 * edited the row, made up. */
START_TEST(a_doubtful_boot_leaves_a_hole_until_now)
{
    int64_t before = clock_wall_ms();
    end_verifier(SIGKILL);
    tell_lie(&lies[1]);
    struct conclusion seen = conclude();
    ck_assert_int_ge(seen.entry.row.ended, before);
    ck_assert_int_eq(seen.entry.row.hole, seen.entry.row.ended);
    patch(&written);
    seen = conclude();
    ck_assert_int_ge(seen.entry.row.ended, before);
    ck_assert_int_eq(seen.entry.row.hole, 0);
}
END_TEST

/* A row that was wrong is put right by the next command that writes. */
START_TEST(a_wrong_row_is_corrected)
{
    edit_row("UPDATE verifier SET state = 7, ended = 1, hole = 1, inode = inode + 1, seat = zeroblob(16)");
    remember();
    ck_assert_int_eq(test_vault_number(&vault,
                                       "SELECT count(*) FROM verifier WHERE state = 2 AND ended = 0 AND hole = 0"
                                       " AND seat <> zeroblob(16)"),
                     1);
    struct stat file;
    ck_assert_int_eq(stat(path, &file), 0);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT inode FROM verifier"), (long long)file.st_ino);
}
END_TEST

/* Nothing of it can be read, and it lives: so it may go on reporting. */
START_TEST(a_file_that_is_held_and_damaged_is_waited_for)
{
    for (size_t i = 0; i < EDITS; i++) {
        struct report_header header = written;
        edit_row(edits[i]);
        header.magic[0] ^= 1;
        patch(&header);
        /* it is listed under its file's name, where no row names the file */
        struct conclusion seen = conclude();
        ck_assert_msg(seen.status == SEALRING_OK, "%s: %s", edits[i], seen.error.message);
        ck_assert_msg(!seen.goes_by_next, "%s: nobody waits for it",
                      edits[i] != NULL ? edits[i] : "as it was remembered");
    }
}
END_TEST

/* Who may not open a report cannot tell whether somebody holds it: a server whose umask hides its report is waited for all the same. */
START_TEST(a_file_that_this_user_may_not_open_is_waited_for)
{
    char verifiers[200];
    snprintf(verifiers, sizeof verifiers, "%s/verifiers", vault.path);
    remember();
    ck_assert_int_eq(chmod(path, 0), 0);
    if (_i == 1)
        test_vault_sql(&vault, "DELETE FROM verifier");
    if (geteuid() == 0) { /* who may open everything */
        ck_assert_int_eq(chmod(vault.parent, 0755) | chmod(vault.path, 0755) | chmod(verifiers, 0755), 0);
        setfsuid(65534);
    }
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    struct conclusion seen = conclude();
    setfsuid(geteuid());
    ck_assert_int_eq(descriptor, -1);
    ck_assert_msg(seen.status == SEALRING_OK, "%s", seen.error.message);
    ck_assert_uint_eq(seen.entries, 1);
    ck_assert(!seen.goes_by_next);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vault/identity");
    TCase *cases = tcase_create("identity");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, whoever_holds_its_file_is_alive, 0, LIES);
    tcase_add_loop_test(cases, whoever_does_not_has_ended, 0, LIES);
    tcase_add_test(cases, a_doubtful_boot_leaves_a_hole_until_now);
    tcase_add_test(cases, a_wrong_row_is_corrected);
    tcase_add_test(cases, a_file_that_is_held_and_damaged_is_waited_for);
    tcase_add_loop_test(cases, a_file_that_this_user_may_not_open_is_waited_for, 0, 2);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
