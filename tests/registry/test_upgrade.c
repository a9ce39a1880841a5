/* SPDX-License-Identifier: Apache-2.0 */
/* A registry of an older schema is refused, and upgraded by a writer that was opened for that. */
#include <stdio.h>
#include <string.h>

#include "lib/runner.h"
#include "registry/connection/registry_copy.h"
#include "registry/driver/schema.h"
#include "registry/driver/sqlite.h"
#include "registry/fixture.h"
#include "registry/usage/usage_rows.h"

static struct fixture fixture;
static struct fixture_rows rows;

static void reopen(enum registry_mode mode, sealring_status expected)
{
    ck_assert_int_eq(registry_open(fixture.path, fixture.lock_path, mode, &fixture.registry, &fixture.error), expected);
    if (expected == SEALRING_OK)
        ck_assert_int_eq(registry_lock(fixture.registry, 1000, "test", &fixture.error), SEALRING_OK);
}

static void run(sqlite3 *database, const char *sql)
{
    char *problem = NULL;
    ck_assert_msg(sqlite3_exec(database, sql, NULL, NULL, &problem) == SQLITE_OK, "%s: %s", sql, problem);
}

/* Copies what both have; changed_epoch is what it was then. */
static void copy_table(sqlite3 *older, const char *table)
{
    char *columns = NULL, *sql = NULL;
    sqlite3_stmt *row = NULL;
    bool followed = false;
    sql = sqlite3_mprintf("SELECT n.name FROM pragma_table_info(%Q, 'main') n", table);
    ck_assert_int_eq(sqlite3_prepare_v2(older, sql, -1, &row, NULL), SQLITE_OK);
    sqlite3_free(sql);
    while (sqlite3_step(row) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(row, 0);
        char *more;
        if (strcmp(name, "changed_epoch") == 0) {
            followed = true;
            continue;
        }
        more = sqlite3_mprintf("%s%s%s", columns == NULL ? "" : columns, columns == NULL ? "" : ", ", name);
        sqlite3_free(columns);
        columns = more;
    }
    sqlite3_finalize(row);
    sql = sqlite3_mprintf("INSERT INTO main.%s (%s%s) SELECT %s%s FROM now.%s", table, columns,
                          followed ? ", changed_epoch" : "", columns, followed ? ", 8" : "", table);
    run(older, sql);
    sqlite3_free(sql);
    sqlite3_free(columns);
}

/* As schema 1 had it. */
static void set_up(void)
{
    static const char *const tables[] = {"vault", "ring", "version", "client", "api_key", "credential", "audit"};
    char older[sizeof fixture.path + 8];
    sqlite3 *database = NULL;
    fixture_open(&fixture);
    fixture_fill(&fixture, &rows);
    registry_close(fixture.registry);
    fixture.registry = NULL;
    ck_assert_int_eq(
        fixture_sql(&fixture,
                    "UPDATE vault SET schema = 1, min_reader = 1, min_writer = 1; PRAGMA journal_mode = DELETE"),
        SQLITE_OK);
    snprintf(older, sizeof older, "%s.older", fixture.path);
    ck_assert_int_eq(sqlite3_open(older, &database), SQLITE_OK);
    ck_assert_int_eq(sqlite_lay_out(database, 1), SQLITE_OK);
    char *sql = sqlite3_mprintf("PRAGMA application_id = %lld; PRAGMA journal_mode = WAL; ATTACH %Q AS now",
                                (long long)fixture_number(&fixture, "PRAGMA application_id"), fixture.path);
    run(database, sql);
    sqlite3_free(sql);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        copy_table(database, tables[i]);
    ck_assert_int_eq(sqlite3_close(database), SQLITE_OK);
    ck_assert_int_eq(rename(older, fixture.path), 0);
}

static void tear_down(void)
{
    fixture_close(&fixture);
}

static void count_flaw(enum db_flaw flaw, const char *name, const char *words, void *context)
{
    (void)flaw;
    fprintf(stderr, "# %s: %s\n", name, words);
    ++*(unsigned *)context;
}

static sealring_status examine(struct registry *registry, void *context, sealring_error *error)
{
    return registry_examine(registry, count_flaw, context, error);
}

static unsigned flaws(void)
{
    unsigned count = 0;
    ck_assert_int_eq(fixture_read(fixture.registry, examine, &count, &fixture.error), SEALRING_OK);
    return count;
}

static sealring_status get_ring(struct registry *registry, void *context, sealring_error *error)
{
    bool found = false;
    return fixture_found(registry_ring_find(registry, rows.ring.name, context, &found, error), &found);
}

static sealring_status set_succession(struct registry *registry, void *context, sealring_error *error)
{
    bool found = false;
    struct registry_ring ring;
    sealring_status status = fixture_found(registry_ring_find(registry, rows.ring.name, &ring, &found, error), &found);
    ring.policy.succession = *(const int64_t *)context;
    return status == SEALRING_OK ? registry_ring_update(registry, &ring, error) : status;
}

static int64_t succession(void)
{
    struct registry_ring ring = {.policy.succession = -1};
    ck_assert_int_eq(fixture_read(fixture.registry, get_ring, &ring, &fixture.error), SEALRING_OK);
    return ring.policy.succession;
}

/* Neither a server nor a command guesses what is missing. */
START_TEST(an_older_schema_is_refused)
{
    reopen(_i == 0 ? REGISTRY_READ_WRITE : REGISTRY_READ_ONLY, SEALRING_REGISTRY);
    ck_assert_ptr_nonnull(
        strstr(fixture.error.message, "has schema 1, and this program needs 3: run `sealring upgrade --backup FILE`"));
    ck_assert_int_eq(fixture_number(&fixture, "SELECT schema FROM vault"), 1);
    reopen(REGISTRY_UPGRADE, SEALRING_OK);
}
END_TEST

/* Older programs may read it until facts contain values. */
START_TEST(a_write_upgrades)
{
    int64_t wanted = 5000;
    reopen(REGISTRY_UPGRADE, SEALRING_OK);
    ck_assert_int_eq(fixture_write(&fixture, false, set_succession, &wanted), SEALRING_OK);
    ck_assert_int_eq(succession(), wanted);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT schema FROM vault"), REGISTRY_SCHEMA);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT min_reader FROM vault"), 1);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT min_writer FROM vault"), REGISTRY_MIN_WRITER);
    ck_assert_int_eq(fixture_number(&fixture, "PRAGMA user_version"), REGISTRY_SCHEMA);
    ck_assert_uint_eq(flaws(), 0);
    registry_close(fixture.registry);
    reopen(REGISTRY_READ_WRITE, SEALRING_OK);
    ck_assert_int_eq(fixture_write(&fixture, false, set_succession, &wanted), SEALRING_OK); /* and once is enough */
}
END_TEST

static sealring_status get_version(struct registry *registry, void *context, sealring_error *error)
{
    bool found = false;
    return fixture_found(registry_version_find(registry, rows.ring.id, 1, context, &found, error), &found);
}

/* All that an older sealring made. */
START_TEST(versions_are_of_hmac_and_generated)
{
    int64_t wanted = 5000;
    struct registry_version version;
    reopen(REGISTRY_UPGRADE, SEALRING_OK);
    ck_assert_int_eq(fixture_write(&fixture, false, set_succession, &wanted), SEALRING_OK);
    ck_assert_int_eq(fixture_read(fixture.registry, get_version, &version, &fixture.error), SEALRING_OK);
    ck_assert_str_eq(version.prf, "hmac-sha256");
    ck_assert_str_eq(version.origin, "generated");
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM version WHERE public_key IS NULL"), 1);
}
END_TEST

static sealring_status begin(struct registry *registry, void *context, sealring_error *error)
{
    (void)context;
    return registry_begin_facts(registry, error);
}

/* Between the steps older servers find what has changed; the second step ends that, and leaves the schema of a new registry. */
START_TEST(older_servers_are_followed_until_the_second_step)
{
    int64_t wanted = 5000;
    reopen(REGISTRY_UPGRADE, SEALRING_OK);
    ck_assert_int_eq(fixture_write(&fixture, true, set_succession, &wanted), SEALRING_OK); /* epoch 9 */
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM api_key WHERE changed_epoch = 9"), 1);
    ck_assert_uint_eq(flaws(), 0);
    registry_close(fixture.registry);
    reopen(REGISTRY_READ_WRITE, SEALRING_OK);
    wanted++;
    ck_assert_int_eq(fixture_write(&fixture, true, set_succession, &wanted), SEALRING_OK); /* 10 */
    ck_assert_int_eq(fixture_number(&fixture, "SELECT changed_epoch FROM ring"), 10);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT changed_epoch FROM api_key"), 9);
    ck_assert_int_eq(fixture_sql(&fixture, "UPDATE credential SET state = 2; UPDATE version SET closed = 1;"),
                     SQLITE_OK);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT changed_epoch FROM api_key"), 10);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT changed_epoch FROM version"), 10);
    ck_assert_uint_eq(flaws(), 0);
    ck_assert_int_eq(fixture_write(&fixture, true, begin, NULL), SEALRING_OK);
    ck_assert_uint_eq(flaws(), 0);
    ck_assert_int_ne(fixture_sql(&fixture, "SELECT changed_epoch FROM ring"), SQLITE_OK);
    char digest[SCHEMA_DIGEST_SIZE];
    sqlite3 *raw = fixture_raw(&fixture);
    ck_assert_int_eq(sqlite_schema_digest(raw, digest), SQLITE_OK);
    sqlite3_close(raw);
    ck_assert_str_eq(digest, schema_sqlite_digest);
}
END_TEST

START_TEST(a_dry_run_leaves_it)
{
    int64_t wanted = 5000;
    struct registry_write how = fixture_operation(&fixture, false);
    how.dry_run = true;
    reopen(REGISTRY_UPGRADE, SEALRING_OK);
    ck_assert_int_eq(fixture_write_as(fixture.registry, &how, set_succession, &wanted, &fixture.error), SEALRING_OK);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT schema FROM vault"), 1);
    ck_assert_uint_eq(flaws(), 0);
}
END_TEST

/* Whoever writes the registry can state that it is an older one: that hinders nobody, and lets nobody read it as an older one. */
START_TEST(a_number_that_was_set_back_is_corrected)
{
    int64_t wanted = 5000;
    reopen(REGISTRY_UPGRADE, SEALRING_OK);
    ck_assert_int_eq(fixture_write(&fixture, false, set_succession, &wanted), SEALRING_OK);
    registry_close(fixture.registry);
    ck_assert_int_eq(fixture_sql(&fixture, "UPDATE vault SET schema = 1, min_writer = 1"), SQLITE_OK);
    reopen(REGISTRY_READ_WRITE, SEALRING_OK);
    ck_assert_int_eq(succession(), wanted);
    ck_assert_int_eq(fixture_write(&fixture, false, set_succession, &wanted), SEALRING_OK);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT schema FROM vault"), REGISTRY_SCHEMA);
    ck_assert_uint_eq(flaws(), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry/upgrade");
    TCase *cases = tcase_create("upgrade");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, an_older_schema_is_refused, 0, 2);
    tcase_add_test(cases, a_write_upgrades);
    tcase_add_test(cases, versions_are_of_hmac_and_generated);
    tcase_add_test(cases, older_servers_are_followed_until_the_second_step);
    tcase_add_test(cases, a_dry_run_leaves_it);
    tcase_add_test(cases, a_number_that_was_set_back_is_corrected);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
