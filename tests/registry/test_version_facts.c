/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about versions: which changes add one, what is read of a version whose row was edited, and what corrects the row. */
#include <stdio.h>
#include <string.h>

#include "lib/runner.h"
#include "registry/connection/handle.h"
#include "registry/fixture.h"
#include "registry/rows/current_rows.h"
#include "registry/rows/version_facts.h"

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

static sealring_status find(struct registry *registry, void *context, sealring_error *error)
{
    bool found = false;
    return fixture_found(registry_version_find(registry, rows.ring.id, 1, context, &found, error), &found);
}

static struct registry_version version_now(void)
{
    struct registry_version version;
    ck_assert_int_eq(fixture_read(fixture.registry, find, &version, &fixture.error), SEALRING_OK);
    return version;
}

static sealring_status update(struct registry *registry, void *context, sealring_error *error)
{
    return registry_version_update(registry, context, error);
}

static void write_version(struct registry_version version)
{
    ck_assert_int_eq(fixture_write(&fixture, false, update, &version), SEALRING_OK);
}

static int64_t facts(void)
{
    return fixture_number(&fixture, "SELECT count(*) FROM closed_fact WHERE kind = 2 AND version = 1");
}

static sealring_status count_contradictions(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_contradiction found;
    sealring_status status = SEALRING_OK;
    for (int kind = 0; kind < CONTRADICTION_KINDS && status == SEALRING_OK; kind++) {
        struct registry_cursor cursor = registry_contradictions(registry, (enum contradiction_kind)kind, error);
        while (registry_contradiction_next(&cursor, &found))
            *(int *)context += found.is_version && found.version == 1 ? 1 : 100;
        status = registry_close_cursor(&cursor, status);
    }
    return status;
}

static int contradictions(void)
{
    int count = 0;
    ck_assert_int_eq(fixture_read(fixture.registry, count_contradictions, &count, &fixture.error), SEALRING_OK);
    return count;
}

START_TEST(each_change_adds_a_fact)
{
    struct registry_version version = version_now();
    int64_t *const times[] = {&version.activated, &version.retire_at, &version.closed, &version.purge_at,
                              &version.destroyed};
    ck_assert_int_eq(facts(), 1); /* of the insertion */
    write_version(version);
    ck_assert_int_eq(facts(), 1);
    if (_i < 5) {
        ++*times[_i];
    } else if (_i == 5) {
        version.state = SEALRING_VERSION_COMPROMISED;
        version.was_compromised = true;
    } else {
        version.state = SEALRING_VERSION_RETIRING;
    }
    write_version(version);
    ck_assert_int_eq(facts(), 2);
    ck_assert_int_eq(contradictions(), 0);
    struct registry_version now = version_now();
    ck_assert(!now.edited && !now.unconfirmed);
    ck_assert_int_eq(now.state, version.state);
    version.closing_owed = version.state == SEALRING_VERSION_COMPROMISED; /* written apart from the act */
    write_version(version);
    ck_assert_int_eq(facts(), 2);
    ck_assert_int_eq(version_now().closing_owed, version.closing_owed);
}
END_TEST

START_TEST(the_value_is_documented)
{
    ck_assert_int_eq(
        fixture_number(
            &fixture,
            "SELECT f.state = v.state AND replace(f.value, char(10), '|') = lower(hex(v.object_id)) || '|' || "
            "lower(hex(v.check_value)) || '|hmac-sha256|generated||0|' || v.activated || '|0|0|0|0' FROM version v, closed_fact f "
            "WHERE f.kind = 2 AND f.version = 1 AND v.number = 1"),
        1);
}
END_TEST

static const char *const edits[] = {
    "state = 4, closed = 1, purge_at = 2, closing_owed = 1",
    "state = 4",
    "state = 5, was_compromised = 1",
    "state = 6, destroyed = 1",
    "state = 3, retire_at = 1",
    "state = 1",
    "closing_owed = 1",
    "activated = 1",
    "retire_at = 1",
    "purge_at = 1",
    "closed = 1",
    "destroyed = 1",
    "object_id = randomblob(16)",
    "object_id = randomblob(8)",
    "check_value = randomblob(8)",
};

/* What is read of the version is the fact; the next update corrects the row, reports that, and adds no fact. */
START_TEST(an_edited_row_decides_nothing)
{
    char sql[512];
    struct registry_version before = version_now();
    snprintf(sql, sizeof sql, "UPDATE version SET %s", edits[_i]);
    ck_assert_int_eq(fixture_sql(&fixture, sql), SQLITE_OK);
    struct registry_version version = version_now();
    ck_assert(version.edited && !version.unconfirmed && !version.closing_owed);
    ck_assert_int_ge(contradictions(), 1);
    ck_assert_int_eq(version.state, before.state);
    ck_assert_int_eq(version.was_compromised, before.was_compromised);
    ck_assert_int_eq(version.activated, before.activated);
    ck_assert_int_eq(version.retire_at, before.retire_at);
    ck_assert_int_eq(version.closed, before.closed);
    ck_assert_int_eq(version.purge_at, before.purge_at);
    ck_assert_int_eq(version.destroyed, before.destroyed);
    ck_assert_uint_eq(version.object_id_length, before.object_id_length);
    ck_assert_mem_eq(version.object_id, before.object_id, sizeof before.object_id);
    ck_assert_mem_eq(version.check_value, before.check_value, sizeof before.check_value);
}
END_TEST

START_TEST(an_edited_row_is_corrected)
{
    char sql[256];
    snprintf(sql, sizeof sql, "UPDATE version SET %s", edits[_i]);
    ck_assert_int_eq(fixture_sql(&fixture, sql), SQLITE_OK);
    struct registry_version version = version_now();
    struct registry_write how = fixture_operation(&fixture, false);
    ck_assert_int_eq(version.stuck, strstr(edits[_i], "state = 5") != NULL || strstr(edits[_i], "state = 6") != NULL);
    if (version.stuck) {
        ck_assert_int_eq(fixture_write(&fixture, false, update, &version), SEALRING_REGISTRY);
        ck_assert_ptr_nonnull(strstr(fixture.error.message, "sealring run --once"));
        how = fixture_operation(&fixture, false);
        how.schema = REGISTRY_SCHEMA_CORRECTION;
    }
    ck_assert_int_eq(fixture_write_as(fixture.registry, &how, update, &version, &fixture.error), SEALRING_OK);
    ck_assert_ptr_nonnull(strstr(registry_corrected(fixture.registry), "the row of version 1 of ring ring-1"));
    ck_assert_int_eq(facts(), 1);
    ck_assert_int_eq(contradictions(), 0);
    ck_assert(!version_now().edited);
}
END_TEST

static sealring_status find_object(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_version version;
    return registry_version_find_by_object(registry, rows.version.object_id, rows.version.object_id_length, &version,
                                           context, error);
}

START_TEST(an_object_is_found_by_the_fact)
{
    bool found = false;
    ck_assert_int_eq(fixture_sql(&fixture, "UPDATE version SET object_id = randomblob(16)"), SQLITE_OK);
    ck_assert_int_eq(fixture_read(fixture.registry, find_object, &found, &fixture.error), SEALRING_OK);
    ck_assert(found);
    ck_assert_int_eq(version_now().number, 1);
}
END_TEST

static const char *const malformed[] = {
    "'x'",
    "value || char(10) || '1'",
    "value || ' '",
    "replace(value, char(10), ' ')",
    "'zz' || value",
    "'0' || value",
    "hex(zeroblob(33)) || value",
    "substr(value, 1, length(value) - 1)",
    "upper(hex(randomblob(16))) || 'A' || value",
    "replace(value, char(10) || '0' || char(10), char(10) || '-1' || char(10))",
    "replace(value, char(10) || '0' || char(10), char(10) || '00' || char(10))",
    "replace(value, char(10) || '0' || char(10), char(10) || '99999999999999999999' || char(10))",
    "substr(value, 1, instr(value, char(10))) || '00' || substr(value, instr(value, char(10)) + 1)",
    "substr(value, 1, instr(value, char(10)))",
};

START_TEST(a_malformed_fact_is_none)
{
    char sql[512];
    struct registry_version version;
    snprintf(sql, sizeof sql,
             "DROP TRIGGER closed_fact_fixed; UPDATE closed_fact SET value = %s WHERE kind = 2 AND version = 1",
             malformed[_i]);
    ck_assert_int_eq(fixture_sql(&fixture, sql), SQLITE_OK);
    ck_assert_int_eq(fixture_read(fixture.registry, find, &version, &fixture.error), SEALRING_OK);
    ck_assert(version.unfounded);
}
END_TEST

#define WITHOUT_FACTS(where)                                            \
    "DROP TRIGGER closed_fact_stays; DELETE FROM closed_fact" where ";" \
    "CREATE TRIGGER closed_fact_stays BEFORE DELETE ON closed_fact"     \
    " BEGIN SELECT RAISE(ABORT, 'closed_fact rows are kept'); END"

static sealring_status begin_facts(struct registry *registry, void *context, sealring_error *error)
{
    (void)context;
    return facts_begin(registry, error);
}

/* Before a vault is upgraded as a whole, facts are about closed versions only, and have no value. Then each ring and version gets one. */
START_TEST(facts_begin_with_what_exists)
{
    struct registry_version version = version_now();
    ck_assert_int_eq(fixture_sql(&fixture, WITHOUT_FACTS("")), SQLITE_OK);
    version.retire_at++;
    write_version(version);
    ck_assert_int_eq(facts(), 0);
    version.state = SEALRING_VERSION_RETIRED;
    write_version(version);
    ck_assert_int_eq(facts(), 1);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM closed_fact WHERE value <> ''"), 0);
    ck_assert(!version_now().unconfirmed);
    ck_assert_int_eq(contradictions(), 0);
    ck_assert_int_eq(fixture_write(&fixture, false, begin_facts, NULL), SEALRING_OK);
    ck_assert_int_eq(facts(), 2);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM closed_fact WHERE value <> ''"), 3);
    ck_assert_int_eq(contradictions(), 0);
    ck_assert_int_eq(fixture_sql(&fixture, "UPDATE version SET state = 1"), SQLITE_OK);
    ck_assert_int_eq(version_now().state, SEALRING_VERSION_RETIRED);
}
END_TEST

/* One that has no fact, although facts have begun, was inserted by somebody else. */
START_TEST(a_version_without_a_fact_contradicts)
{
    ck_assert_int_eq(fixture_sql(&fixture, WITHOUT_FACTS(" WHERE version = 1")), SQLITE_OK);
    ck_assert_int_eq(contradictions(), 1);
    ck_assert_int_eq(fixture_sql(&fixture, "UPDATE version SET state = 4"), SQLITE_OK);
    ck_assert(version_now().unconfirmed);
    ck_assert_int_eq(contradictions(), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry/version_facts");
    TCase *cases = tcase_create("version_facts");
    const int edit_count = sizeof edits / sizeof *edits;
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, each_change_adds_a_fact, 0, 7);
    tcase_add_test(cases, the_value_is_documented);
    tcase_add_loop_test(cases, an_edited_row_decides_nothing, 0, edit_count);
    tcase_add_loop_test(cases, an_edited_row_is_corrected, 0, edit_count);
    tcase_add_test(cases, an_object_is_found_by_the_fact);
    tcase_add_loop_test(cases, a_malformed_fact_is_none, 0, sizeof malformed / sizeof *malformed);
    tcase_add_test(cases, facts_begin_with_what_exists);
    tcase_add_test(cases, a_version_without_a_fact_contradicts);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
