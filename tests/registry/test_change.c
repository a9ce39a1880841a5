/* SPDX-License-Identifier: Apache-2.0 */
/* The look: a moved or replaced registry is noticed, and what changed a verdict is a fact. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/runner.h"
#include "registry/fixture.h"
#include "registry/rows/closed_facts.h"

static struct fixture fixture;
static struct fixture_rows rows;
static struct registry *reader;
static struct registry_vault vault;
static bool replaced, has_imports;

static void set_up(void)
{
    fixture_open(&fixture);
    fixture_fill(&fixture, &rows);
    reader = fixture_reader(&fixture);
}

static void tear_down(void)
{
    registry_close(reader);
    fixture_close(&fixture);
}

static void expect_ok(sealring_status status)
{
    ck_assert_msg(status == SEALRING_OK, "status %d: %s", (int)status, fixture.error.message);
}

/* ---- The vault's row ------------------------------------------------------------------------------------------------ */

static sealring_status do_nothing(struct registry *registry, void *context, sealring_error *error)
{
    (void)registry;
    (void)context;
    (void)error;
    return SEALRING_OK;
}

START_TEST(look_is_the_row_of_now)
{
    replaced = true;
    expect_ok(registry_look_vault(reader, &vault, &replaced, &fixture.error));
    ck_assert(!replaced);
    ck_assert_uint_eq(vault.epoch, 8);
    ck_assert_int_eq(vault.lease_ms, 60000);
    ck_assert_int_eq(vault.refresh_ms, 200);
    expect_ok(fixture_write(&fixture, true, do_nothing, NULL));
    expect_ok(registry_look_vault(reader, &vault, &replaced, &fixture.error));
    ck_assert_uint_eq(vault.epoch, 9);
}
END_TEST

START_TEST(look_notices_another_file)
{
    char aside[128];
    struct registry_vault other;
    fixture_vault(&other);
    other.epoch = 99;
    snprintf(aside, sizeof aside, "%s/aside.db", fixture.directory);
    expect_ok(registry_create(aside, &other, &fixture.error));
    ck_assert_int_eq(rename(aside, fixture.path), 0);
    memset(&vault, 0xee, sizeof vault);
    struct registry_vault before = vault;
    expect_ok(registry_look_vault(reader, &vault, &replaced, &fixture.error));
    ck_assert(replaced);
    ck_assert_mem_eq(&vault, &before, sizeof vault); /* nothing of either file is told */
}
END_TEST

/* A registry that is away is not another one. */
START_TEST(look_does_not_take_a_missing_file_for_another)
{
    char aside[128];
    snprintf(aside, sizeof aside, "%s/aside.db", fixture.directory);
    ck_assert_int_eq(rename(fixture.path, aside), 0);
    ck_assert_int_eq(registry_look_vault(reader, &vault, &replaced, &fixture.error), SEALRING_REGISTRY);
    ck_assert(!replaced);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "does not exist"));
    ck_assert_int_eq(rename(aside, fixture.path), 0);
    expect_ok(registry_look_vault(reader, &vault, &replaced, &fixture.error));
    ck_assert(!replaced);
}
END_TEST

START_TEST(look_tells_a_newer_schema)
{
    ck_assert_int_eq(fixture_sql(&fixture, "UPDATE vault SET schema = 9, min_reader = 9"), SQLITE_OK);
    ck_assert_int_eq(registry_look_vault(reader, &vault, &replaced, &fixture.error), SEALRING_REGISTRY);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "is newer than this program"));
}
END_TEST

static sealring_status look_within(struct registry *registry, void *context, sealring_error *error)
{
    (void)context;
    return registry_look_vault(registry, &vault, &replaced, error);
}

START_TEST(look_is_not_within_a_transaction)
{
    ck_assert_int_eq(fixture_read(reader, look_within, NULL, &fixture.error), SEALRING_INVALID);
}
END_TEST

/* ---- What changed --------------------------------------------------------------------------------------------------- */

static char told[512];

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *format, ...)
{
    size_t used = strlen(told);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(told + used, sizeof told - used, format, arguments);
    va_end(arguments);
}

static sealring_status note_versions(struct registry_cursor versions)
{
    struct registry_version version;
    while (registry_version_next(&versions, &version))
        note("v%u=%d ", version.number, (int)version.state);
    return registry_close_cursor(&versions, SEALRING_OK);
}

/* As a verifier does: the facts after the last one that it has. */
static sealring_status note_facts(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_closed fact;
    bool imports;
    uint64_t *after = context;
    told[0] = '\0';
    struct registry_cursor facts = registry_closed_facts(registry, *after, error);
    while (registry_closed_next(&facts, &fact)) {
        *after = fact.sequence;
        if (!fact.is_version)
            note("key=%d ", fact.state);
        else if (registry_fact_of_vault(&fact, &imports))
            note("vault%s ", imports ? " imports" : "");
        else if (fact.version == 0)
            note("%s ", strncmp(fact.value, rows.ring.name, strlen(rows.ring.name)) == 0 ? "ring" : "client");
        else
            note("v%u=%d ", fact.version, fact.state);
    }
    return registry_close_cursor(&facts, SEALRING_OK);
}

static void expect_facts(uint64_t *after, const char *expected)
{
    expect_ok(fixture_read(reader, note_facts, after, &fixture.error));
    ck_assert_str_eq(told, expected);
}

static sealring_status insert_more(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_version version;
    struct registry_key key;
    struct registry_credential credential;
    (void)context;
    fixture_version(&version, rows.ring.id, 2);
    sealring_status status = registry_version_insert(registry, &version, error);
    fixture_key(&key, rows.ring.id, rows.client.id, 2);
    strcpy(key.label, "second");
    status = status == SEALRING_OK ? registry_key_insert(registry, &key, error) : status;
    fixture_credential(&credential, &key, 1);
    return status == SEALRING_OK ? registry_credential_insert(registry, &credential, error) : status;
}

static sealring_status update_ring(struct registry *registry, void *context, sealring_error *error)
{
    return registry_ring_update(registry, context, error);
}

static sealring_status update_version(struct registry *registry, void *context, sealring_error *error)
{
    return registry_version_update(registry, context, error);
}

static sealring_status update_key(struct registry *registry, void *context, sealring_error *error)
{
    return registry_key_update(registry, context, error);
}

static sealring_status update_credential(struct registry *registry, void *context, sealring_error *error)
{
    return registry_credential_update(registry, context, error);
}

START_TEST(each_change_of_a_verdict_is_a_fact)
{
    struct registry_key key = rows.key;
    struct registry_version version = rows.version;
    struct registry_ring ring = rows.ring;
    uint64_t after = 0;
    expect_facts(&after, "vault ring v1=2 ");
    expect_ok(fixture_write(&fixture, true, insert_more,
                            NULL)); /* nobody's verdict depends on the new key before it is presented */
    expect_facts(&after, "v2=1 ");
    version.state = SEALRING_VERSION_RETIRING;
    expect_ok(fixture_write(&fixture, true, update_version, &version));
    key.state = SEALRING_KEY_SUSPENDED;
    expect_ok(fixture_write(&fixture, true, update_key, &key));
    expect_ok(fixture_write(&fixture, true, update_ring, &ring)); /* it is as it was */
    expect_facts(&after, "v1=3 key=2 ");
    ring.policy.keep++;
    expect_ok(fixture_write(&fixture, true, update_ring, &ring));
    expect_facts(&after, "ring ");
    expect_facts(&after, "");
}
END_TEST

START_TEST(the_end_of_a_credential_is_a_fact_about_its_key)
{
    struct registry_credential credential = rows.credential;
    uint64_t after = 0;
    expect_facts(&after, "vault ring v1=2 ");
    credential.state = SEALRING_CREDENTIAL_SUPERSEDED;
    expect_ok(fixture_write(&fixture, true, update_credential, &credential));
    expect_facts(&after, ""); /* it is valid as before */
    credential.replaced = true;
    credential.retire_at = 1750000000000;
    expect_ok(fixture_write(&fixture, true, update_credential, &credential));
    expect_facts(&after, "key=1 ");
    expect_ok(fixture_write(&fixture, true, update_credential, &credential));
    expect_facts(&after, "");
    credential.retire_at--;
    expect_ok(fixture_write(&fixture, true, update_credential, &credential));
    expect_facts(&after, "key=1 ");
}
END_TEST

static sealring_status insert_imported(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_credential credential = rows.credential;
    const uint32_t *serial = context;
    credential.serial = *serial;
    credential.imported = true;
    memset(credential.digest, (int)(*serial - 2), sizeof credential.digest); /* the lowest there can be, for serial 2 */
    return registry_credential_insert(registry, &credential, error);
}

static sealring_status ask_imports(struct registry *registry, void *context, sealring_error *error)
{
    (void)context;
    return registry_has_imports(registry, &has_imports, error);
}

START_TEST(the_first_import_is_a_fact)
{
    uint64_t after = 0;
    has_imports = true;
    expect_ok(fixture_read(reader, ask_imports, NULL, &fixture.error));
    ck_assert(!has_imports);
    expect_facts(&after, "vault ring v1=2 ");
    expect_ok(fixture_write(&fixture, true, insert_imported, &(uint32_t){2}));
    expect_facts(&after, "vault imports ");
    expect_ok(fixture_write(&fixture, true, insert_imported, &(uint32_t){3}));
    expect_facts(&after, "");
    expect_ok(fixture_read(reader, ask_imports, NULL, &fixture.error));
    ck_assert(has_imports);
}
END_TEST

static sealring_status find_ring(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_ring ring;
    bool found = false;
    sealring_status status = registry_ring_find_by_id(registry, rows.ring.ring_id, &ring, &found, error);
    ck_assert(found);
    ck_assert_int_eq(ring.id, rows.ring.id);
    *(bool *)context = ring.edited;
    return status;
}

START_TEST(a_ring_is_found_by_what_its_facts_name)
{
    bool edited = true;
    expect_ok(fixture_read(reader, find_ring, &edited, &fixture.error));
    ck_assert(!edited);
    ck_assert_int_eq(fixture_sql(&fixture, "UPDATE ring SET prefix = 'evil'"), SQLITE_OK);
    expect_ok(fixture_read(reader, find_ring, &edited, &fixture.error));
    ck_assert(edited);
}
END_TEST

/* ---- Owed closings -------------------------------------------------------------------------------------------------- */

static sealring_status walk_owed(struct registry *registry, void *context, sealring_error *error)
{
    (void)context;
    return note_versions(registry_versions_owed(registry, error));
}

START_TEST(owed_closings_are_walked)
{
    struct registry_version version;
    expect_ok(fixture_write(&fixture, true, insert_more, NULL));
    told[0] = '\0';
    expect_ok(fixture_read(reader, walk_owed, NULL, &fixture.error));
    ck_assert_str_eq(told, "");
    fixture_version(&version, rows.ring.id, 2);
    version.state = SEALRING_VERSION_RETIRED;
    version.closing_owed = true;
    expect_ok(fixture_write(&fixture, false, update_version, &version));
    expect_ok(fixture_read(reader, walk_owed, NULL, &fixture.error));
    ck_assert_str_eq(told, "v2=4 ");
    version.closing_owed = false;
    expect_ok(fixture_write(&fixture, false, update_version, &version));
    expect_ok(fixture_read(reader, walk_owed, NULL, &fixture.error));
    ck_assert_str_eq(told, "v2=4 ");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry looks");
    TCase *cases = tcase_create("cases");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, look_is_the_row_of_now);
    tcase_add_test(cases, look_notices_another_file);
    tcase_add_test(cases, look_does_not_take_a_missing_file_for_another);
    tcase_add_test(cases, look_tells_a_newer_schema);
    tcase_add_test(cases, look_is_not_within_a_transaction);
    tcase_add_test(cases, each_change_of_a_verdict_is_a_fact);
    tcase_add_test(cases, the_end_of_a_credential_is_a_fact_about_its_key);
    tcase_add_test(cases, the_first_import_is_a_fact);
    tcase_add_test(cases, a_ring_is_found_by_what_its_facts_name);
    tcase_add_test(cases, owed_closings_are_walked);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
