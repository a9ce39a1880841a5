/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions: whole or not at all, run again after a conflict, done once per operation, one snapshot for readers. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "lib/runner.h"
#include "registry/connection/handle.h"
#include "registry/fixture.h"

static struct fixture fixture;
static struct fixture_rows rows;

static void set_up(void)
{
    fixture_open(&fixture);
}

static void tear_down(void)
{
    fixture_close(&fixture);
}

static void expect_ok(sealring_status status)
{
    ck_assert_msg(status == SEALRING_OK, "status %d: %s", (int)status, fixture.error.message);
}

static void expect_unchanged(char *before)
{
    char *after = fixture_dump(&fixture);
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
}

static sealring_status nothing(struct registry *registry, void *context, sealring_error *error)
{
    (void)registry;
    (void)context;
    (void)error;
    return SEALRING_OK;
}

/* ---- Epoch ---------------------------------------------------------------------------------------------------------- */

static sealring_status take_epoch(struct registry *registry, void *context, sealring_error *error)
{
    (void)error;
    *(uint64_t *)context = registry_vault_row(registry)->epoch;
    return SEALRING_OK;
}

START_TEST(epoch_moves_only_if_asked)
{
    uint64_t epoch = 0;
    expect_ok(fixture_write(&fixture, false, take_epoch, &epoch));
    ck_assert_uint_eq(epoch, 7);
    expect_ok(fixture_write(&fixture, true, take_epoch, &epoch));
    ck_assert_uint_eq(epoch, 8);
    expect_ok(fixture_read(fixture.registry, take_epoch, &epoch, &fixture.error));
    ck_assert_uint_eq(epoch, 8);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT epoch FROM vault"), 8);
}
END_TEST

/* ---- Whole or not at all -------------------------------------------------------------------------------------------- */

static sealring_status fill_and_give_up(struct registry *registry, void *context, sealring_error *error)
{
    struct fixture_rows ignored;
    sealring_status status = fixture_insert(registry, &ignored, error);
    ck_assert_int_eq(status, SEALRING_OK);
    return *(sealring_status *)context;
}

START_TEST(failed_body_leaves_nothing)
{
    sealring_status wanted = SEALRING_WAITING;
    char *before = fixture_dump(&fixture);
    ck_assert_int_eq(fixture_write(&fixture, true, fill_and_give_up, &wanted), SEALRING_WAITING);
    expect_unchanged(before);
    fixture_fill(&fixture, &rows); /* and the connection is good for more */
}
END_TEST

START_TEST(dry_run_leaves_nothing)
{
    char *before = fixture_dump(&fixture);
    struct registry_write how = fixture_operation(&fixture, true);
    how.dry_run = true;
    expect_ok(fixture_write_as(fixture.registry, &how, fixture_insert, &rows, &fixture.error));
    ck_assert_int_eq(rows.ring.id, 1); /* it was done, though */
    expect_unchanged(before);
}
END_TEST

/* Breaks a constraint, does not look, and says that all is well. */
static sealring_status pass_over_a_failure(struct registry *registry, void *context, sealring_error *error)
{
    bool found = false;
    struct registry_ring ring;
    (void)context;
    (void)error;
    fixture_ring(&ring, 1);
    registry_ring_insert(registry, &ring, NULL);
    ck_assert_int_eq(registry_ring_insert(registry, &ring, NULL), SEALRING_REGISTRY);
    ck_assert_int_eq(fixture_found(registry_ring_find(registry, ring.name, &ring, &found, NULL), &found),
                     SEALRING_REGISTRY); /* it is over */
    return SEALRING_OK;
}

START_TEST(transaction_with_a_failed_statement_is_not_committed)
{
    char *before = fixture_dump(&fixture);
    ck_assert_int_eq(fixture_write(&fixture, true, pass_over_a_failure, NULL), SEALRING_REGISTRY);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "does not allow this change"));
    expect_unchanged(before);
}
END_TEST

static sealring_status insert_second_active(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_version version;
    (void)context;
    fixture_version(&version, rows.ring.id, 2);
    version.state = SEALRING_VERSION_ACTIVE;
    return registry_version_insert(registry, &version, error);
}

START_TEST(second_active_version_is_refused)
{
    fixture_fill(&fixture, &rows);
    char *before = fixture_dump(&fixture);
    ck_assert_int_eq(fixture_write(&fixture, true, insert_second_active, NULL), SEALRING_REGISTRY);
    ck_assert_int_eq(fixture.error.registry_code, SQLITE_CONSTRAINT_UNIQUE);
    expect_unchanged(before);
}
END_TEST

/* ---- Once per operation --------------------------------------------------------------------------------------------- */

struct recorded {
    struct registry_write how;
    unsigned runs;
};

static sealring_status record(struct registry *registry, void *context, sealring_error *error)
{
    struct recorded *recorded = context;
    struct registry_audit entry;
    recorded->runs++;
    fixture_audit(&entry, &recorded->how);
    return registry_audit_append(registry, &entry, error);
}

START_TEST(operation_is_done_once)
{
    struct recorded recorded = {.how = fixture_operation(&fixture, true)};
    expect_ok(fixture_write_as(fixture.registry, &recorded.how, record, &recorded, &fixture.error));
    char *before = fixture_dump(&fixture);
    expect_ok(fixture_write_as(fixture.registry, &recorded.how, record, &recorded, &fixture.error));
    ck_assert_uint_eq(recorded.runs, 1);
    expect_unchanged(before); /* the epoch did not move again either */
}
END_TEST

/* ---- Conflicts ------------------------------------------------------------------------------------------------------ */

/* The real driver, with one function of it taken over. */
static struct db_driver driver;
static const struct db_driver *real_driver;
static sqlite3 *other;
static unsigned calls, conflicts;

static void take_over(void)
{
    real_driver = fixture.registry->db->driver;
    driver = *real_driver;
    fixture.registry->db->driver = &driver;
    calls = 0;
}

/* Lets the other connection go at the third try. */
static enum db_problem begin_and_release(struct db *db, enum db_access access)
{
    if (++calls == 3)
        ck_assert_int_eq(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    return real_driver->begin(db, access);
}

START_TEST(write_lock_of_another_program_is_waited_for)
{
    uint64_t epoch = 0;
    other = fixture_raw(&fixture);
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE; UPDATE vault SET epoch = 100", NULL, NULL, NULL), SQLITE_OK);
    take_over();
    driver.begin = begin_and_release;
    strcpy(fixture.error.message, "untouched");
    expect_ok(fixture_write(&fixture, true, take_epoch, &epoch));
    ck_assert_uint_eq(calls, 3);
    ck_assert_uint_eq(epoch, 101);
    ck_assert_str_eq(fixture.error.message, "untouched");
    sqlite3_close(other);
}
END_TEST

START_TEST(write_lock_that_is_never_released_ends_the_wait)
{
    other = fixture_raw(&fixture);
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(fixture_write(&fixture, true, nothing, NULL), SEALRING_REGISTRY);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "is busy"));
    ck_assert_int_eq(fixture.error.registry_code & 0xff, SQLITE_BUSY);
    sqlite3_close(other);
}
END_TEST

/* As a serialisation failure of PostgreSQL comes: at the commit, after the body ran. */
static enum db_problem conflict_at_commit(struct db *db)
{
    if (conflicts > 0) {
        conflicts--;
        return DB_BUSY;
    }
    return real_driver->commit(db);
}

static sealring_status insert_counted(struct registry *registry, void *context, sealring_error *error)
{
    ++*(unsigned *)context;
    return fixture_insert(registry, &rows, error);
}

START_TEST(body_runs_again_after_a_conflict)
{
    unsigned runs = 0;
    take_over();
    driver.commit = conflict_at_commit;
    conflicts = 2;
    expect_ok(fixture_write(&fixture, true, insert_counted, &runs));
    ck_assert_uint_eq(runs, 3);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM ring"), 1);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT epoch FROM vault"), 8);
}
END_TEST

/* A commit of which it is not known whether it took place: it did. */
static enum db_problem commit_in_doubt(struct db *db)
{
    enum db_problem problem = real_driver->commit(db);
    return ++calls == 1 && problem == DB_FINE ? DB_BUSY : problem;
}

START_TEST(commit_in_doubt_is_not_repeated)
{
    struct recorded recorded = {.how = fixture_operation(&fixture, true)};
    take_over();
    driver.commit = commit_in_doubt;
    expect_ok(fixture_write_as(fixture.registry, &recorded.how, record, &recorded, &fixture.error));
    ck_assert_uint_eq(recorded.runs, 1);
    ck_assert_uint_eq(calls, 1); /* the second try found the entry, and was rolled back */
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM audit"), 1);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT epoch FROM vault"), 8);
    ck_assert_uint_eq(registry_vault_row(fixture.registry)->epoch, 8); /* which verifiers are waited for */
}
END_TEST

static enum db_problem conflict_at_step(struct db_statement *statement, bool *row)
{
    if (conflicts > 0 && ++calls % 4 == 0) { /* in the midst of the body */
        conflicts--;
        *row = false;
        return DB_BUSY;
    }
    return real_driver->step(statement, row);
}

START_TEST(body_runs_again_after_a_conflict_within)
{
    unsigned runs = 0;
    take_over();
    driver.step = conflict_at_step;
    conflicts = 3;
    expect_ok(fixture_write(&fixture, true, insert_counted, &runs));
    ck_assert_uint_gt(runs, 1);
    ck_assert_uint_eq(conflicts, 0);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM credential"), 1);
}
END_TEST

START_TEST(conflicts_without_end_are_reported)
{
    unsigned runs = 0;
    char *before = fixture_dump(&fixture);
    take_over();
    driver.commit = conflict_at_commit;
    conflicts = 1000;
    ck_assert_int_eq(fixture_write(&fixture, true, insert_counted, &runs), SEALRING_REGISTRY);
    ck_assert_uint_gt(runs, 1);
    ck_assert_uint_lt(runs, 1000);
    expect_unchanged(before);
}
END_TEST

/* ---- What is not allowed -------------------------------------------------------------------------------------------- */

START_TEST(writing_wants_the_lock)
{
    registry_unlock(fixture.registry);
    ck_assert_int_eq(fixture_write(&fixture, true, nothing, NULL), SEALRING_INVALID);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "lock"));
}
END_TEST

START_TEST(writing_wants_an_operation)
{
    struct registry_write how = {.moves_epoch = true};
    ck_assert_int_eq(fixture_write_as(fixture.registry, &how, nothing, NULL, &fixture.error), SEALRING_INVALID);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "operation ID"));
}
END_TEST

START_TEST(readers_neither_write_nor_lock)
{
    struct registry *reader = fixture_reader(&fixture);
    struct registry_write how = fixture_operation(&fixture, true);
    ck_assert_int_eq(fixture_write_as(reader, &how, nothing, NULL, &fixture.error), SEALRING_INVALID);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "reading only"));
    ck_assert_int_eq(registry_lock(reader, 0, "test", &fixture.error), SEALRING_INVALID);
    registry_close(reader);
}
END_TEST

static sealring_status insert_ring(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_ring ring;
    (void)context;
    fixture_ring(&ring, 5);
    return registry_ring_insert(registry, &ring, error);
}

START_TEST(reading_transaction_does_not_write)
{
    ck_assert_int_eq(fixture_read(fixture.registry, insert_ring, NULL, &fixture.error), SEALRING_INVALID);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "reading transaction"));
}
END_TEST

START_TEST(rows_want_a_transaction)
{
    bool found = false;
    struct registry_ring ring;
    ck_assert_int_eq(fixture_found(registry_ring_find(fixture.registry, "x", &ring, &found, &fixture.error), &found),
                     SEALRING_INVALID);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "outside of a transaction"));
}
END_TEST

static sealring_status walk_and_write(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_ring ring;
    sealring_status status = SEALRING_OK;
    struct registry_cursor rings = registry_rings(registry, error);
    while (status == SEALRING_OK && registry_ring_next(&rings, &ring))
        status = insert_ring(registry, context, error);
    return registry_close_cursor(&rings, status);
}

START_TEST(nothing_is_written_while_a_cursor_is_open)
{
    fixture_fill(&fixture, &rows);
    char *before = fixture_dump(&fixture);
    ck_assert_int_eq(fixture_write(&fixture, true, walk_and_write, NULL), SEALRING_INVALID);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "while a cursor is open"));
    expect_unchanged(before);
}
END_TEST

/* Leaves what it opened open, and inserts a ring before. */
static sealring_status leave_open(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_cursor *rings = context;
    struct registry_ring ring;
    sealring_status status =
        registry->transaction == TRANSACTION_WRITE ? insert_ring(registry, NULL, error) : SEALRING_OK;
    *rings = registry_rings(registry, error);
    ck_assert(registry_ring_next(rings, &ring));
    return status;
}

static sealring_status close_late(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_ring ring;
    struct registry_cursor rings = registry_rings(registry, error);
    ck_assert(registry_ring_next(&rings, &ring));
    ck_assert_int_eq(registry_close_cursor(context, SEALRING_OK), SEALRING_INVALID);
    ck_assert_int_eq(insert_ring(registry, NULL, NULL), SEALRING_INVALID); /* `rings` is still counted as open */
    ck_assert(!registry_ring_next(&rings, &ring));
    sealring_status status = registry_close_cursor(&rings, SEALRING_OK);
    return status == SEALRING_OK ? insert_ring(registry, NULL, error) : status;
}

START_TEST(cursor_that_stays_open_is_an_error)
{
    struct registry_cursor rings;
    struct registry_ring ring;
    fixture_fill(&fixture, &rows);
    char *before = fixture_dump(&fixture);
    ck_assert_int_eq(fixture_write(&fixture, true, leave_open, &rings), SEALRING_INVALID);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "open at the end of a transaction"));
    ck_assert(!registry_ring_next(&rings, &ring)); /* it reads no more, least of all from the start */
    ck_assert_int_eq(registry_close_cursor(&rings, SEALRING_OK), SEALRING_INVALID);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "after its transaction's end"));
    ck_assert_int_eq(fixture_read(fixture.registry, leave_open, &rings, &fixture.error), SEALRING_INVALID);
    ck_assert_int_eq(registry_close_cursor(&rings, SEALRING_WAITING), SEALRING_WAITING);
    expect_unchanged(before);
    expect_ok(fixture_write(&fixture, true, insert_ring, NULL));
}
END_TEST

START_TEST(cursor_that_is_closed_late_is_harmless)
{
    struct registry_cursor rings;
    fixture_fill(&fixture, &rows);
    ck_assert_int_eq(fixture_write(&fixture, true, leave_open, &rings), SEALRING_INVALID);
    expect_ok(fixture_write(&fixture, true, close_late, &rings)); /* within the next transaction */
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM ring"), 2);
}
END_TEST

/* A status from within is not covered by that of the cursor. */
static sealring_status leave_open_and_fail(struct registry *registry, void *context, sealring_error *error)
{
    sealring_status status = leave_open(registry, context, error);
    return status == SEALRING_OK ? error_set(error, SEALRING_WAITING, "not yet") : status;
}

START_TEST(cursor_that_stays_open_hides_no_failure)
{
    struct registry_cursor rings;
    fixture_fill(&fixture, &rows);
    char *before = fixture_dump(&fixture);
    ck_assert_int_eq(fixture_write(&fixture, true, leave_open_and_fail, &rings), SEALRING_WAITING);
    ck_assert_str_eq(fixture.error.message, "not yet");
    registry_close_cursor(&rings, SEALRING_OK);
    expect_unchanged(before);
}
END_TEST

/* In the child neither kind of transaction begins, and the parent's go on. */
START_TEST(forked_child_begins_nothing)
{
    int ended = 0;
    struct registry_write how = fixture_operation(&fixture, true);
    pid_t child = fork();
    if (child == 0) {
        sealring_error error = {0};
        bool refused = fixture_read(fixture.registry, nothing, NULL, &error) == SEALRING_INVALID &&
                       strstr(error.message, "was forked") != NULL &&
                       fixture_write_as(fixture.registry, &how, insert_ring, NULL, &error) == SEALRING_INVALID &&
                       strstr(error.message, "was forked") != NULL;
        _exit(refused ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &ended, 0), child);
    ck_assert(WIFEXITED(ended) && WEXITSTATUS(ended) == 0);
    expect_ok(fixture_write_as(fixture.registry, &how, insert_ring, NULL, &fixture.error));
}
END_TEST

static sealring_status read_within(struct registry *registry, void *context, sealring_error *error)
{
    return fixture_read(registry, nothing, context, error);
}

START_TEST(transactions_do_not_nest)
{
    ck_assert_int_eq(fixture_read(fixture.registry, read_within, NULL, &fixture.error), SEALRING_INVALID);
    ck_assert_int_eq(fixture_write(&fixture, true, read_within, NULL), SEALRING_INVALID);
    expect_ok(fixture_read(fixture.registry, nothing, NULL, &fixture.error));
}
END_TEST

/* ---- Snapshots ------------------------------------------------------------------------------------------------------ */

static sealring_status count_rings(struct registry *registry, void *context, sealring_error *error)
{
    bool found = false;
    struct registry_ring ring;
    uint64_t *seen = context;
    sealring_status status = fixture_found(registry_ring_find(registry, "ring-1", &ring, &found, error), &found);
    seen[0] = registry_vault_row(registry)->epoch;
    seen[1] = status == SEALRING_OK ? 1 : 0;
    return status == SEALRING_NOT_FOUND ? SEALRING_OK : status;
}

struct watched {
    struct registry *reader;
    uint64_t during[2];
};

static sealring_status insert_and_watch(struct registry *registry, void *context, sealring_error *error)
{
    struct watched *watched = context;
    sealring_status status = fixture_insert(registry, &rows, error);
    return status == SEALRING_OK ? fixture_read(watched->reader, count_rings, watched->during, error) : status;
}

START_TEST(reader_sees_nothing_of_an_open_transaction)
{
    struct watched watched = {.reader = fixture_reader(&fixture)};
    expect_ok(fixture_write(&fixture, true, insert_and_watch, &watched));
    ck_assert_uint_eq(watched.during[0], 7);
    ck_assert_uint_eq(watched.during[1], 0);
    uint64_t after[2];
    expect_ok(fixture_read(watched.reader, count_rings, after, &fixture.error));
    ck_assert_uint_eq(after[0], 8);
    ck_assert_uint_eq(after[1], 1);
    registry_close(watched.reader);
}
END_TEST

/* A writer commits in the midst of the reader's transaction. */
static sealring_status read_around_a_commit(struct registry *registry, void *context, sealring_error *error)
{
    (void)context;
    uint64_t seen[2];
    ck_assert_uint_eq(registry_vault_row(registry)->epoch, 7);
    fixture_fill(&fixture, &rows);
    sealring_status status = count_rings(registry, seen, error);
    ck_assert_uint_eq(seen[1], 0);
    return status;
}

START_TEST(reader_keeps_its_snapshot)
{
    struct registry *reader = fixture_reader(&fixture);
    uint64_t after[2];
    expect_ok(fixture_read(reader, read_around_a_commit, NULL, &fixture.error));
    expect_ok(fixture_read(reader, count_rings, after, &fixture.error));
    ck_assert_uint_eq(after[0], 8);
    ck_assert_uint_eq(after[1], 1);
    registry_close(reader);
}
END_TEST

/* ---- Crash ---------------------------------------------------------------------------------------------------------- */

static unsigned deadline; /* how many statements the child gets */

static enum db_problem step_and_die(struct db_statement *statement, bool *row)
{
    if (calls++ == deadline)
        kill(getpid(), SIGKILL);
    return real_driver->step(statement, row);
}

/* Opens the registry anew and inserts until it is killed at its statement `deadline`; exits 0 if it got to the end. */
static void child_inserts(void)
{
    struct registry *registry = NULL;
    if (registry_open(fixture.path, fixture.lock_path, REGISTRY_READ_WRITE, &registry, NULL) != SEALRING_OK ||
        registry_lock(registry, 1000, "child", NULL) != SEALRING_OK)
        _exit(1);
    fixture.registry = registry;
    take_over();
    driver.step = step_and_die;
    struct registry_write how = fixture_operation(&fixture, true);
    _exit(fixture_write_as(registry, &how, fixture_insert, &rows, NULL) == SEALRING_OK ? 0 : 2);
}

START_TEST(killed_writer_leaves_the_old_state)
{
    registry_close(fixture.registry);
    fixture.registry = NULL;
    char *before = fixture_dump(&fixture);
    int status = 0;
    for (deadline = 0; deadline < 100; deadline++) {
        pid_t child = fork();
        if (child == 0)
            child_inserts();
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        if (WIFEXITED(status))
            break;
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        char *after = fixture_dump(&fixture);
        ck_assert_str_eq(before, after);
        free(after);
    }
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_uint_gt(deadline, 6); /* it was killed between all of them, and then got to the end */
    ck_assert_int_eq(fixture_number(&fixture, "SELECT epoch FROM vault"), 8);
    free(before);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry transactions");
    TCase *cases = tcase_create("cases");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, epoch_moves_only_if_asked);
    tcase_add_test(cases, failed_body_leaves_nothing);
    tcase_add_test(cases, dry_run_leaves_nothing);
    tcase_add_test(cases, transaction_with_a_failed_statement_is_not_committed);
    tcase_add_test(cases, second_active_version_is_refused);
    tcase_add_test(cases, operation_is_done_once);
    tcase_add_test(cases, write_lock_of_another_program_is_waited_for);
    tcase_add_test(cases, write_lock_that_is_never_released_ends_the_wait);
    tcase_add_test(cases, body_runs_again_after_a_conflict);
    tcase_add_test(cases, body_runs_again_after_a_conflict_within);
    tcase_add_test(cases, commit_in_doubt_is_not_repeated);
    tcase_add_test(cases, conflicts_without_end_are_reported);
    tcase_add_test(cases, writing_wants_the_lock);
    tcase_add_test(cases, writing_wants_an_operation);
    tcase_add_test(cases, readers_neither_write_nor_lock);
    tcase_add_test(cases, reading_transaction_does_not_write);
    tcase_add_test(cases, rows_want_a_transaction);
    tcase_add_test(cases, nothing_is_written_while_a_cursor_is_open);
    tcase_add_test(cases, cursor_that_stays_open_is_an_error);
    tcase_add_test(cases, cursor_that_is_closed_late_is_harmless);
    tcase_add_test(cases, cursor_that_stays_open_hides_no_failure);
    tcase_add_test(cases, forked_child_begins_nothing);
    tcase_add_test(cases, transactions_do_not_nest);
    tcase_add_test(cases, reader_sees_nothing_of_an_open_transaction);
    tcase_add_test(cases, reader_keeps_its_snapshot);
    tcase_add_test(cases, killed_writer_leaves_the_old_state);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
