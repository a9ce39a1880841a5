/* SPDX-License-Identifier: Apache-2.0 */
/* An altered schema is noticed before a commit, and nothing that it contains runs. */
#include <stdio.h>
#include <string.h>

#include "lib/runner.h"
#include "registry/connection/handle.h"
#include "registry/driver/sqlite.h"
#include "registry/fixture.h"

static struct fixture fixture;
static struct fixture_rows rows;

static void set_up(void)
{
    fixture_open(&fixture);
    fixture_fill(&fixture, &rows);
}

static void tear_down(void)
{
    fixture_close(&fixture);
}

static sealring_status revoke(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_key key = rows.key;
    (void)context;
    key.state = SEALRING_KEY_REVOKED;
    return registry_key_update(registry, &key, error);
}

static sealring_status revoke_with(enum registry_schema_need schema, bool moves_epoch)
{
    struct registry_write how = fixture_operation(&fixture, moves_epoch);
    how.schema = schema;
    return fixture_write_as(fixture.registry, &how, revoke, NULL, &fixture.error);
}

static int64_t is_revoked(void)
{
    return fixture_number(&fixture, "SELECT (SELECT state FROM api_key) = 3 AND EXISTS (SELECT 1 FROM closed_fact)");
}

/* ---- Noticed -------------------------------------------------------------------------------------------------------- */

#define UNDO                                                                                                        \
    "CREATE TRIGGER undo AFTER UPDATE ON api_key BEGIN UPDATE api_key SET state = 1 WHERE id = NEW.id AND state = " \
    "3; END; DROP TRIGGER api_key_final;"
#define AS_SQLITES                                                                                         \
    "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET name = 'sqlite_' || name, sql = replace(sql, '" \
    "undo', 'sqlite_undo') WHERE name = 'undo'; PRAGMA writable_schema = RESET;"

static const struct {
    const char *sql, *found;
} alterations[] = {
    {UNDO, "undo is a trigger that the schema does not have"},
    {UNDO AS_SQLITES, "sqlite_undo is a trigger that the schema does not have"},
    {"DROP TRIGGER closed_fact_stays", "closed_fact_stays is missing"},
    {"DROP INDEX closed_fact_key; CREATE INDEX closed_fact_key ON closed_fact (key_id) WHERE kind = 2",
     "closed_fact_key differs from the schema"},
    {"DROP TRIGGER api_key_final; CREATE TRIGGER api_key_final BEFORE UPDATE ON api_key BEGIN SELECT 1; END",
     "api_key_final differs from the schema"},
    {"CREATE INDEX other ON client (name)", "other is an index that the schema does not have"},
    {"CREATE TABLE sqlite (a)", "sqlite is a table that the schema does not have"},
    {"CREATE VIEW other AS SELECT * FROM client", "other is a view that the schema does not have"},
    {"ALTER TABLE verifier RENAME TO other; CREATE VIEW verifier AS SELECT * FROM other",
     "other is a table that the schema does not have"},
    {"ALTER TABLE client ADD COLUMN other TEXT", "client differs from the schema"},
    {"PRAGMA user_version = 1; DROP TRIGGER vault_stays", "vault_stays is missing"},
    {"PRAGMA user_version = 7; DROP TRIGGER vault_stays", "vault_stays is missing"},
    {"CREATE TABLE made (a INTEGER PRIMARY KEY AUTOINCREMENT); DROP TABLE made; PRAGMA writable_schema = ON;"
     "UPDATE sqlite_schema SET sql = 'CREATE TABLE sqlite_sequence(name,seq,more)' WHERE name = 'sqlite_sequence'",
     "sqlite_sequence is a table that the schema does not have"},
};

START_TEST(an_altered_schema_is_refused)
{
    struct registry *reader = fixture_reader(&fixture);
    ck_assert_int_eq(registry_look_schema(reader, &fixture.error), SEALRING_OK);
    ck_assert_str_eq(registry_altered(reader), "");
    ck_assert_int_eq(fixture_sql(&fixture, alterations[_i].sql), SQLITE_OK);
    ck_assert_int_eq(revoke_with(REGISTRY_SCHEMA_EXACT, true), SEALRING_REGISTRY);
    ck_assert_msg(strstr(fixture.error.message, alterations[_i].found) != NULL, "%s", fixture.error.message);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "sealring doctor"));
    ck_assert_int_eq(revoke_with(REGISTRY_SCHEMA_EXACT, true), SEALRING_REGISTRY); /* nor a second time */
    ck_assert_int_eq(is_revoked(), 0);
    ck_assert_int_eq(registry_look_schema(reader, &fixture.error), SEALRING_OK);
    ck_assert_msg(strstr(registry_altered(reader), alterations[_i].found) != NULL, "%s", registry_altered(reader));
    registry_close(reader);
}
END_TEST

/* What SQLite adds by itself when somebody runs ANALYZE, or made a table with AUTOINCREMENT. */
START_TEST(sqlites_own_tables_are_no_alteration)
{
    ck_assert_int_eq(fixture_sql(&fixture, "ANALYZE; CREATE TABLE made (a INTEGER PRIMARY KEY AUTOINCREMENT);"
                                           "DROP TABLE made"),
                     SQLITE_OK);
    ck_assert_int_gt(fixture_number(&fixture, "SELECT count(*) FROM sqlite_schema WHERE name IN ('sqlite_stat1', "
                                              "'sqlite_sequence')"),
                     1);
    ck_assert_int_eq(revoke_with(REGISTRY_SCHEMA_EXACT, true), SEALRING_OK);
    ck_assert_int_eq(is_revoked(), 1);
}
END_TEST

/* A newer sealring's schema is not distinguished from an altered one: nothing is written, and the message names both. */
START_TEST(a_newer_schema_is_not_written)
{
    ck_assert_int_eq(fixture_sql(&fixture, "PRAGMA user_version = 4; UPDATE vault SET schema = 4; ALTER TABLE client "
                                           "ADD COLUMN other TEXT"),
                     SQLITE_OK);
    ck_assert_int_eq(revoke_with(REGISTRY_SCHEMA_EXACT, true), SEALRING_REGISTRY);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "newer than this program"));
}
END_TEST

/* ---- Without effect ------------------------------------------------------------------------------------------------- */

/* A restriction is written, and the trigger does not run. Afterwards the schema's own triggers run again. */
START_TEST(a_restriction_is_written_and_kept)
{
    ck_assert_int_eq(fixture_sql(&fixture, _i == 0 ? UNDO : UNDO AS_SQLITES), SQLITE_OK);
    ck_assert_int_eq(revoke_with(REGISTRY_SCHEMA_UNTRUSTED, true), SEALRING_OK);
    ck_assert_ptr_nonnull(strstr(registry_altered(fixture.registry), "undo is a trigger"));
    ck_assert_int_eq(is_revoked(), 1);
    sqlite3 *handle = ((struct sqlite_db *)fixture.registry->db)->handle;
    ck_assert_int_eq(sqlite3_exec(handle, "DELETE FROM closed_fact", NULL, NULL, NULL), SQLITE_CONSTRAINT_TRIGGER);
}
END_TEST

static sealring_status read_key(struct registry *registry, void *context, sealring_error *error)
{
    bool found = false;
    struct registry_key key;
    (void)context;
    return fixture_found(registry_key_find(registry, rows.key.key_id, &key, &found, error), &found);
}

/* The connection has parsed the trigger. It is then removed from sqlite_schema, and the schema cookie stays as it is. */
START_TEST(a_trigger_that_only_the_connection_knows_does_not_run)
{
    ck_assert_int_eq(revoke_with(REGISTRY_SCHEMA_EXACT, false), SEALRING_OK); /* so that the schema was right once */
    ck_assert_int_eq(fixture_sql(&fixture, "CREATE TRIGGER undo AFTER UPDATE ON client BEGIN UPDATE client SET "
                                           "forgotten = 1; END"),
                     SQLITE_OK);
    ck_assert_int_eq(fixture_read(fixture.registry, read_key, NULL, &fixture.error), SEALRING_OK);
    int64_t cookie = fixture_number(&fixture, "PRAGMA schema_version");
    ck_assert_int_eq(
        fixture_sql(&fixture, "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'undo'"), SQLITE_OK);
    ck_assert_int_eq(fixture_number(&fixture, "PRAGMA schema_version"), cookie);
    struct registry_write how = fixture_operation(&fixture, true);
    ck_assert_int_eq(fixture_write_as(fixture.registry, &how, read_key, NULL, &fixture.error), SEALRING_OK);
    ck_assert_str_eq(registry_altered(fixture.registry), "");
    sqlite3 *handle = ((struct sqlite_db *)fixture.registry->db)->handle;
    ck_assert_int_eq(sqlite3_exec(handle, "UPDATE client SET contact = 'other'", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT forgotten FROM client"), 0);
}
END_TEST

/* ---- Read again ----------------------------------------------------------------------------------------------------- */

/* What undoes the change inside its own transaction, whatever that may be. */
static const char *const undoings[] = {
    "DROP TRIGGER closed_fact_stays; DELETE FROM closed_fact",
    "DROP TRIGGER closed_fact_fixed; UPDATE closed_fact SET hash = zeroblob(32)",
    "INSERT INTO closed_fact SELECT sequence + 1, kind, key_id, ring_id, version, state, hash, value FROM closed_fact ORDER BY sequence DESC LIMIT 1",
    "DROP TRIGGER vault_forward; UPDATE vault SET epoch = epoch - 1",
    "UPDATE vault SET era = zeroblob(16)",
};

static sealring_status revoke_and_undo(struct registry *registry, void *context, sealring_error *error)
{
    sealring_status status = revoke(registry, NULL, error);
    sqlite3 *handle = ((struct sqlite_db *)registry->db)->handle;
    ck_assert_int_eq(sqlite3_exec(handle, context, NULL, NULL, NULL), SQLITE_OK);
    return status;
}

START_TEST(what_was_not_kept_is_not_committed)
{
    struct registry_write how = fixture_operation(&fixture, true);
    ck_assert_int_eq(
        fixture_write_as(fixture.registry, &how, revoke_and_undo, (void *)(uintptr_t)undoings[_i], &fixture.error),
        SEALRING_REGISTRY);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "did not keep"));
    ck_assert_int_eq(fixture_number(&fixture, "SELECT state FROM api_key"), 1);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM closed_fact WHERE kind = 1"), 0);
    ck_assert_int_eq(revoke_with(REGISTRY_SCHEMA_EXACT, true), SEALRING_OK);
    ck_assert_int_eq(is_revoked(), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("altered schema");
    TCase *cases = tcase_create("cases");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, an_altered_schema_is_refused, 0, (int)(sizeof alterations / sizeof *alterations));
    tcase_add_test(cases, sqlites_own_tables_are_no_alteration);
    tcase_add_test(cases, a_newer_schema_is_not_written);
    tcase_add_loop_test(cases, a_restriction_is_written_and_kept, 0, 2);
    tcase_add_test(cases, a_trigger_that_only_the_connection_knows_does_not_run);
    tcase_add_loop_test(cases, what_was_not_kept_is_not_committed, 0, (int)(sizeof undoings / sizeof *undoings));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
