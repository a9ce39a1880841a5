/* SPDX-License-Identifier: Apache-2.0 */
/* The look: a moved or replaced registry is noticed, and what changed since an epoch is told, in order. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/runner.h"
#include "registry/fixture.h"

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

static sealring_status note_credentials(struct registry *registry, int64_t key, sealring_error *error)
{
    struct registry_holder holder;
    struct registry_cursor credentials = registry_presented_of_key(registry, key, error);
    while (registry_presented_next(&credentials, &holder))
        note("s%u=%d ", holder.credential.serial, (int)holder.credential.state);
    return registry_close_cursor(&credentials, SEALRING_OK);
}

/* Reads on within the walk, as a verifier does. */
static sealring_status note_keys(struct registry *registry, uint64_t since, sealring_error *error)
{
    struct registry_key key;
    sealring_status status = SEALRING_OK;
    struct registry_cursor keys = registry_keys_changed(registry, since, error);
    while (status == SEALRING_OK && registry_key_next(&keys, &key)) {
        note("key %ld=%d ", (long)key.id, (int)key.state);
        status = note_credentials(registry, key.id, error);
    }
    return registry_close_cursor(&keys, status);
}

/* REGISTRY_SINCE_EVER: all rings and versions, and no keys, as a verifier that begins. */
static sealring_status note_changes(struct registry *registry, void *context, sealring_error *error)
{
    uint64_t since = *(const uint64_t *)context;
    struct registry_ring ring;
    told[0] = '\0';
    vault = *registry_vault_row(registry);
    struct registry_cursor rings = registry_rings_changed(registry, since, error);
    while (registry_ring_next(&rings, &ring))
        note("%s ", ring.name);
    sealring_status status = registry_close_cursor(&rings, SEALRING_OK);
    if (status == SEALRING_OK)
        status = note_versions(registry_versions_changed(registry, since, error));
    if (status == SEALRING_OK && since != REGISTRY_SINCE_EVER)
        status = note_keys(registry, since, error);
    return status == SEALRING_OK ? registry_has_imports(registry, &has_imports, error) : status;
}

static void expect_changes(uint64_t since, const char *expected)
{
    memset(&vault, 0xee, sizeof vault);
    expect_ok(fixture_read(reader, note_changes, &since, &fixture.error));
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

START_TEST(changes_since_each_epoch)
{
    struct registry_key key = rows.key;
    struct registry_version version = rows.version;
    expect_changes(8, "");
    ck_assert_uint_eq(vault.epoch, 8);
    expect_changes(7, "ring-1 v1=2 key 1=1 s1=1 ");
    expect_ok(fixture_write(&fixture, true, insert_more, NULL)); /* 9 */
    version.state = SEALRING_VERSION_RETIRING;
    expect_ok(fixture_write(&fixture, true, update_version, &version)); /* 10 */
    key.state = SEALRING_KEY_SUSPENDED;
    expect_ok(fixture_write(&fixture, true, update_key, &key));        /* 11 */
    expect_ok(fixture_write(&fixture, true, update_ring, &rows.ring)); /* 12 */
    expect_changes(0, "ring-1 v2=1 v1=3 key 2=1 s1=1 key 1=2 s1=1 ");
    ck_assert_uint_eq(vault.epoch, 12);
    expect_changes(8, "ring-1 v2=1 v1=3 key 2=1 s1=1 key 1=2 s1=1 ");
    expect_changes(9, "ring-1 v1=3 key 1=2 s1=1 ");
    expect_changes(10, "ring-1 key 1=2 s1=1 ");
    expect_changes(11, "ring-1 ");
    expect_changes(12, "");
    expect_changes(REGISTRY_SINCE_EVER - 1, "");
}
END_TEST

START_TEST(all_is_every_ring_and_version_and_no_key)
{
    expect_ok(fixture_write(&fixture, true, insert_more, NULL));
    expect_changes(REGISTRY_SINCE_EVER, "ring-1 v1=2 v2=1 ");
    ck_assert_uint_eq(vault.epoch, 9);
    ck_assert_int_eq(vault.lease_ms, 60000);
}
END_TEST

START_TEST(updated_credential_moves_its_key)
{
    struct registry_credential credential = rows.credential;
    expect_ok(fixture_write(&fixture, true, insert_more, NULL)); /* 9: another key, which stays where it is */
    credential.state = SEALRING_CREDENTIAL_SUPERSEDED;
    expect_ok(fixture_write(&fixture, true, update_credential, &credential)); /* 10 */
    expect_changes(9, "key 1=1 s1=2 ");
    expect_ok(fixture_write(&fixture, true, update_credential, &credential)); /* 11, whatever it changes */
    expect_changes(10, "key 1=1 s1=2 ");
    ck_assert_int_eq(fixture_number(&fixture, "SELECT changed_epoch FROM api_key WHERE id = 1"), 11);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT changed_epoch FROM api_key WHERE id = 2"), 9);
}
END_TEST

/* Twice in one transaction, as rekey does with every older credential. */
static sealring_status update_twice(struct registry *registry, void *context, sealring_error *error)
{
    sealring_status status = registry_credential_update(registry, context, error);
    return status == SEALRING_OK ? registry_credential_update(registry, context, error) : status;
}

START_TEST(key_that_moved_already_is_no_failure)
{
    struct registry_credential credential = rows.credential;
    expect_ok(fixture_write(&fixture, true, update_twice, &credential));
    expect_changes(8, "key 1=1 s1=1 ");
}
END_TEST

static sealring_status insert_imported(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_credential credential = rows.credential;
    (void)context;
    credential.serial = 2;
    credential.imported = true;
    memset(credential.digest, 0, sizeof credential.digest); /* the lowest there can be */
    return registry_credential_insert(registry, &credential, error);
}

START_TEST(imports_are_told)
{
    has_imports = true;
    expect_changes(8, "");
    ck_assert(!has_imports);
    expect_ok(fixture_write(&fixture, true, insert_imported, NULL));
    expect_changes(9, "");
    ck_assert(has_imports);
}
END_TEST

/* Gives up at the first row, with its cursor closed. */
static sealring_status stop(struct registry *registry, void *context, sealring_error *error)
{
    struct registry_version version;
    (void)context;
    struct registry_cursor versions = registry_versions_changed(registry, 0, error);
    ck_assert(registry_version_next(&versions, &version));
    return registry_close_cursor(&versions, SEALRING_SYSTEM);
}

START_TEST(walk_of_changes_is_given_up)
{
    ck_assert_int_eq(fixture_read(reader, stop, NULL, NULL), SEALRING_SYSTEM);
    expect_changes(0, "ring-1 v1=2 key 1=1 s1=1 "); /* and the connection is good for more */
}
END_TEST

START_TEST(changes_of_a_replaced_file_are_none)
{
    ck_assert_int_eq(unlink(fixture.path), 0);
    told[0] = '\0';
    uint64_t since = 0;
    ck_assert_int_eq(fixture_read(reader, note_changes, &since, &fixture.error), SEALRING_REGISTRY);
    ck_assert_str_eq(told, "");
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
    tcase_add_test(cases, changes_since_each_epoch);
    tcase_add_test(cases, all_is_every_ring_and_version_and_no_key);
    tcase_add_test(cases, updated_credential_moves_its_key);
    tcase_add_test(cases, key_that_moved_already_is_no_failure);
    tcase_add_test(cases, imports_are_told);
    tcase_add_test(cases, walk_of_changes_is_given_up);
    tcase_add_test(cases, changes_of_a_replaced_file_are_none);
    tcase_add_test(cases, owed_closings_are_walked);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
