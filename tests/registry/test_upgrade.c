/* SPDX-License-Identifier: Apache-2.0 */
/* A registry of an older schema is refused, and upgraded by a writer that was opened for that. */
#include <stdio.h>
#include <string.h>

#include "lib/runner.h"
#include "registry/connection/registry_copy.h"
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

/* As schema 1 had it. */
static void set_up(void)
{
    fixture_open(&fixture);
    fixture_fill(&fixture, &rows);
    registry_close(fixture.registry);
    fixture.registry = NULL;
    ck_assert_int_eq(
        fixture_sql(
            &fixture,
            "DROP TRIGGER closed_fact_stays; DELETE FROM closed_fact;"
            "ALTER TABLE ring DROP COLUMN succession;"
            "ALTER TABLE credential DROP COLUMN label; ALTER TABLE closed_fact DROP COLUMN value;"
            "ALTER TABLE version DROP COLUMN prf; ALTER TABLE version DROP COLUMN origin;"
            "ALTER TABLE client DROP COLUMN salt; ALTER TABLE client DROP COLUMN contact_hash;"
            "ALTER TABLE client DROP COLUMN certificate; ALTER TABLE client DROP COLUMN certificate_hash;"
            "ALTER TABLE version DROP COLUMN public_key; DROP INDEX usage_hour_seat; ALTER TABLE audit DROP COLUMN packed; PRAGMA user_version = 1;"
            "CREATE TRIGGER closed_fact_stays BEFORE DELETE ON closed_fact"
            " BEGIN SELECT RAISE(ABORT, 'closed_fact rows are kept'); END;"
            "UPDATE vault SET schema = 1, min_reader = 1, min_writer = 1"),
        SQLITE_OK);
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
    tcase_add_test(cases, a_dry_run_leaves_it);
    tcase_add_test(cases, a_number_that_was_set_back_is_corrected);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
