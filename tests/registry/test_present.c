/* SPDX-License-Identifier: Apache-2.0 */
/* One presented credential: found, wrong, unknown, imported, each with the era and epoch of its snapshot. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/runner.h"
#include "registry/fixture.h"

#define UNKNOWN_KEY_ID "0000000000000000"

static struct fixture fixture;
static struct fixture_rows rows;
static struct registry *reader;
static struct registry_presented presented;
static uint8_t era[REGISTRY_ID_SIZE];

static sealring_status do_nothing(struct registry *registry, void *context, sealring_error *error)
{
    (void)registry;
    (void)context;
    (void)error;
    return SEALRING_OK;
}

static void set_up(void)
{
    fixture_open(&fixture);
    fixture_fill(&fixture, &rows);
    reader = fixture_reader(&fixture);
    ck_assert_int_eq(fixture_read(reader, do_nothing, NULL, &fixture.error), SEALRING_OK);
    memcpy(era, registry_vault_row(reader)->era, sizeof era);
    memset(&presented, 0xee, sizeof presented); /* nothing of what was there before may be left */
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

static void expect_snapshot(void)
{
    ck_assert_mem_eq(presented.era, era, sizeof era);
}

/* The holder that a verdict needs, and zeros. */
static void expect_holder(const struct registry_key *key, const struct registry_credential *credential)
{
    struct registry_holder expected = {.ring.id = rows.ring.id,
                                       .version = {.ring = rows.ring.id, .number = credential->version}};
    memcpy(expected.client.name, rows.client.name, sizeof expected.client.name);
    expected.key = *key;
    memset(expected.key.label, 0, sizeof expected.key.label);
    expected.key.last_serial = 0;
    expected.key.created = 0;
    expected.credential = *credential;
    expected.credential.issued = 0;
    const struct registry_holder *found = &presented.holder;
    ck_assert_int_eq(found->ring.id, expected.ring.id);
    ck_assert_int_eq(found->version.ring, expected.version.ring);
    ck_assert_uint_eq(found->version.number, expected.version.number);
    ck_assert_str_eq(found->client.name, expected.client.name);
    ck_assert_int_eq(found->key.id, expected.key.id);
    ck_assert_str_eq(found->key.key_id, expected.key.key_id);
    ck_assert_int_eq(found->key.ring, expected.key.ring);
    ck_assert_int_eq(found->key.client, expected.key.client);
    ck_assert_str_eq(found->key.label, "");
    ck_assert_int_eq(found->key.state, expected.key.state);
    ck_assert_int_eq(found->key.narrowed, expected.key.narrowed);
    ck_assert_str_eq(found->key.narrowed_scopes, expected.key.narrowed_scopes);
    ck_assert_uint_eq(found->key.last_serial, 0);
    ck_assert_int_eq(found->credential.key, expected.credential.key);
    ck_assert_uint_eq(found->credential.serial, expected.credential.serial);
    ck_assert_uint_eq(found->credential.version, expected.credential.version);
    ck_assert_mem_eq(found->credential.digest, expected.credential.digest, sizeof expected.credential.digest);
    ck_assert_mem_eq(found->credential.nonce, expected.credential.nonce, sizeof expected.credential.nonce);
    ck_assert_str_eq(found->credential.scopes, expected.credential.scopes);
    ck_assert_int_eq(found->credential.not_before, expected.credential.not_before);
    ck_assert_int_eq(found->credential.expires, expected.credential.expires);
    ck_assert_int_eq(found->credential.state, expected.credential.state);
    ck_assert_int_eq(found->credential.replaced, expected.credential.replaced);
    ck_assert_int_eq(found->credential.retire_at, expected.credential.retire_at);
    ck_assert_int_eq(found->credential.issued, 0);
    ck_assert_int_eq(found->credential.imported, expected.credential.imported);
    ck_assert_mem_eq(found->credential.binding, expected.credential.binding, sizeof expected.credential.binding);
    ck_assert_int_eq(found->credential.origin, expected.credential.origin);
    ck_assert_uint_eq(found->credential.predecessor, expected.credential.predecessor);
    ck_assert_str_eq(found->ring.name, "");
    ck_assert_uint_eq(found->version.object_id_length, 0);
}

static sealring_status update_key(struct registry *registry, void *context, sealring_error *error)
{
    return registry_key_update(registry, context, error);
}

static sealring_status update_credential(struct registry *registry, void *context, sealring_error *error)
{
    return registry_credential_update(registry, context, error);
}

static sealring_status insert_credential(struct registry *registry, void *context, sealring_error *error)
{
    return registry_credential_insert(registry, context, error);
}

/* ---- By key ID ------------------------------------------------------------------------------------------------------ */

START_TEST(found_with_what_a_verdict_needs)
{
    expect_ok(registry_present(reader, rows.key.key_id, rows.credential.digest, &presented, &fixture.error));
    ck_assert(presented.key_exists && presented.found);
    expect_snapshot();
    expect_holder(&rows.key, &rows.credential);
}
END_TEST

START_TEST(wrong_digest_is_told_from_unknown_key)
{
    uint8_t digest[REGISTRY_DIGEST_SIZE];
    static const struct registry_holder nothing;
    memcpy(digest, rows.credential.digest, sizeof digest);
    digest[sizeof digest - 1] ^= 1;
    expect_ok(registry_present(reader, rows.key.key_id, digest, &presented, &fixture.error));
    ck_assert(presented.key_exists && !presented.found);
    expect_snapshot();
    ck_assert_mem_eq(&presented.holder, &nothing, sizeof nothing);
    expect_ok(registry_present(reader, UNKNOWN_KEY_ID, rows.credential.digest, &presented, &fixture.error));
    ck_assert(!presented.key_exists && !presented.found);
    expect_snapshot();
    ck_assert_mem_eq(&presented.holder, &nothing, sizeof nothing);
}
END_TEST

START_TEST(narrowed_and_suspended_key)
{
    struct registry_key key = rows.key;
    key.state = SEALRING_KEY_SUSPENDED;
    key.narrowed = true;
    strcpy(key.narrowed_scopes, "orders:read");
    expect_ok(fixture_write(&fixture, true, update_key, &key));
    expect_ok(registry_present(reader, rows.key.key_id, rows.credential.digest, &presented, &fixture.error));
    ck_assert(presented.found);
    expect_snapshot();
    expect_holder(&key, &rows.credential);
    key.narrowed_scopes[0] = '\0'; /* down to nothing */
    expect_ok(fixture_write(&fixture, true, update_key, &key));
    expect_ok(registry_present(reader, rows.key.key_id, rows.credential.digest, &presented, &fixture.error));
    expect_snapshot();
    expect_holder(&key, &rows.credential);
}
END_TEST

/* Superseded and replaced; and its successor beside it, under the same key ID. */
START_TEST(superseded_credential_and_its_successor)
{
    struct registry_credential old = rows.credential, successor = rows.credential;
    old.state = SEALRING_CREDENTIAL_SUPERSEDED;
    old.replaced = true;
    old.retire_at = 1750000000000;
    successor.serial = 2;
    successor.not_before = 5;
    successor.expires = 0;
    successor.scopes[0] = '\0';
    memset(successor.digest, 0x77, sizeof successor.digest);
    expect_ok(fixture_write(&fixture, true, update_credential, &old));
    expect_ok(fixture_write(&fixture, true, insert_credential, &successor));
    expect_ok(registry_present(reader, rows.key.key_id, old.digest, &presented, &fixture.error));
    ck_assert(presented.found);
    expect_holder(&rows.key, &old);
    expect_ok(registry_present(reader, rows.key.key_id, successor.digest, &presented, &fixture.error));
    ck_assert(presented.found);
    expect_snapshot();
    expect_holder(&rows.key, &successor);
}
END_TEST

/* Each call is a snapshot of its own, also of what is not there. */
START_TEST(era_is_read_with_what_is_not_there)
{
    uint8_t none[REGISTRY_DIGEST_SIZE] = {0};
    expect_ok(registry_present(reader, UNKNOWN_KEY_ID, none, &presented, &fixture.error));
    expect_snapshot();
    expect_ok(registry_present_imported(reader, none, &presented, &fixture.error));
    expect_snapshot();
    ck_assert_int_eq(fixture_sql(&fixture, "UPDATE vault SET era = x'000102030405060708090a0b0c0d0e0f', epoch = 3"),
                     SQLITE_OK);
    for (uint8_t i = 0; i < sizeof era; i++)
        era[i] = i;
    expect_ok(registry_present(reader, UNKNOWN_KEY_ID, none, &presented, &fixture.error));
    expect_snapshot();
}
END_TEST

/* ---- Imported ------------------------------------------------------------------------------------------------------- */

START_TEST(imported_credential_by_its_digest)
{
    struct registry_credential imported = rows.credential;
    imported.serial = 2;
    imported.imported = true;
    memset(imported.digest, 0x44, sizeof imported.digest);
    memset(imported.binding, 0x55, sizeof imported.binding);
    expect_ok(fixture_write(&fixture, true, insert_credential, &imported));
    expect_ok(registry_present_imported(reader, imported.digest, &presented, &fixture.error));
    ck_assert(presented.found && presented.key_exists);
    expect_snapshot();
    expect_holder(&rows.key, &imported);
    /* by its key ID too, if it is one that looks so */
    expect_ok(registry_present(reader, rows.key.key_id, imported.digest, &presented, &fixture.error));
    ck_assert(presented.found);
    expect_holder(&rows.key, &imported);
    /* an issued one is not found by its digest alone */
    expect_ok(registry_present_imported(reader, rows.credential.digest, &presented, &fixture.error));
    ck_assert(!presented.found && !presented.key_exists);
    expect_snapshot();
}
END_TEST

/* ---- Not taken for an answer ---------------------------------------------------------------------------------------- */

/* Written with a connection that checks nothing, as somebody could who may write the file. */
static const char *const forgeries[] = {
    "UPDATE vault SET era = zeroblob(15)",
    "UPDATE vault SET min_reader = 0",
    "DROP TRIGGER vault_stays; DELETE FROM vault",
    "UPDATE api_key SET narrowed = 2",
    "UPDATE api_key SET state = 0",
    "UPDATE api_key SET narrowed = 1, narrowed_scopes = replace(hex(zeroblob(600)), '0', 'x')",
    "UPDATE api_key SET narrowed = 1, narrowed_scopes = 'a' || char(10)",
    "UPDATE client SET name = 'a/../b'",
    "PRAGMA foreign_keys = OFF; UPDATE api_key SET client = 9",
    "UPDATE credential SET scopes = replace(hex(zeroblob(600)), '0', 'x')",
    "UPDATE credential SET nonce = zeroblob(17)",
    "UPDATE credential SET state = 3",
    "UPDATE credential SET imported = 1, binding = zeroblob(31)",
    "PRAGMA foreign_keys = OFF; UPDATE credential SET version = 4294967296",
};

START_TEST(forged_rows_are_damage)
{
    sqlite3 *raw = fixture_raw(&fixture);
    char sql[512];
    snprintf(sql, sizeof sql, "PRAGMA ignore_check_constraints = ON; %s", forgeries[_i]);
    ck_assert_int_eq(sqlite3_exec(raw, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(raw);
    ck_assert_int_eq(registry_present(reader, rows.key.key_id, rows.credential.digest, &presented, &fixture.error),
                     SEALRING_REGISTRY);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "is damaged"));
}
END_TEST

START_TEST(newer_schema_is_told)
{
    ck_assert_int_eq(fixture_sql(&fixture, "UPDATE vault SET schema = 9, min_reader = 9"), SQLITE_OK);
    ck_assert_int_eq(registry_present(reader, UNKNOWN_KEY_ID, rows.credential.digest, &presented, &fixture.error),
                     SEALRING_REGISTRY);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "is newer than this program"));
    ck_assert_int_eq(registry_present_imported(reader, rows.credential.digest, &presented, &fixture.error),
                     SEALRING_REGISTRY);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "is newer than this program"));
}
END_TEST

/* A newer schema may have other columns: it is told as newer, not as a statement that fails. */
START_TEST(newer_schema_with_other_columns_is_told)
{
    ck_assert_int_eq(fixture_sql(&fixture, "UPDATE vault SET schema = 9, min_reader = 9;"
                                           "ALTER TABLE api_key RENAME COLUMN narrowed_scopes TO left_scopes"),
                     SQLITE_OK);
    ck_assert_int_eq(registry_present(reader, rows.key.key_id, rows.credential.digest, &presented, &fixture.error),
                     SEALRING_REGISTRY);
    ck_assert_ptr_nonnull(strstr(fixture.error.message, "is newer than this program"));
}
END_TEST

static sealring_status present_within(struct registry *registry, void *context, sealring_error *error)
{
    (void)context;
    return registry_present(registry, rows.key.key_id, rows.credential.digest, &presented, error);
}

START_TEST(not_within_a_transaction)
{
    ck_assert_int_eq(fixture_read(reader, present_within, NULL, &fixture.error), SEALRING_INVALID);
    expect_ok(registry_present(reader, rows.key.key_id, rows.credential.digest, &presented, &fixture.error));
}
END_TEST

/* The path is not asked about: what is open is read until a look finds out. */
START_TEST(removed_file_is_read_on)
{
    ck_assert_int_eq(unlink(fixture.path), 0);
    expect_ok(registry_present(reader, rows.key.key_id, rows.credential.digest, &presented, &fixture.error));
    ck_assert(presented.found);
}
END_TEST

/* ---- Of one API key ------------------------------------------------------------------------------------------------- */

static unsigned walked;

static sealring_status walk_credentials(struct registry *registry, int64_t key, const void *expected,
                                        sealring_error *error)
{
    const struct registry_credential *credential = expected;
    struct registry_cursor credentials = registry_presented_of_key(registry, key, error);
    while (registry_presented_next(&credentials, &presented.holder))
        expect_holder(&rows.key, &credential[walked++]);
    return registry_close_cursor(&credentials, SEALRING_OK);
}

static sealring_status walk_key(struct registry *registry, void *context, sealring_error *error)
{
    ck_assert_int_eq(walk_credentials(registry, 999, context, error), SEALRING_OK);
    ck_assert_uint_eq(walked, 0);
    return walk_credentials(registry, rows.key.id, context, error);
}

START_TEST(holders_of_a_key_are_all_its_credentials)
{
    struct registry_credential credentials[3] = {rows.credential, rows.credential, rows.credential};
    for (uint32_t i = 1; i < 3; i++) {
        credentials[i].serial = i + 1;
        memset(credentials[i].digest, (int)(9 - i), sizeof credentials[i].digest); /* not in the order of serials */
    }
    credentials[1].imported = true;
    memset(credentials[1].binding, 0x55, sizeof credentials[1].binding);
    expect_ok(fixture_write(&fixture, true, insert_credential, &credentials[1]));
    expect_ok(fixture_write(&fixture, true, insert_credential, &credentials[2]));
    walked = 0;
    expect_ok(fixture_read(reader, walk_key, credentials, &fixture.error));
    ck_assert_uint_eq(walked, 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry presented credentials");
    TCase *cases = tcase_create("cases");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, found_with_what_a_verdict_needs);
    tcase_add_test(cases, wrong_digest_is_told_from_unknown_key);
    tcase_add_test(cases, narrowed_and_suspended_key);
    tcase_add_test(cases, superseded_credential_and_its_successor);
    tcase_add_test(cases, era_is_read_with_what_is_not_there);
    tcase_add_test(cases, imported_credential_by_its_digest);
    tcase_add_loop_test(cases, forged_rows_are_damage, 0, (int)(sizeof forgeries / sizeof *forgeries));
    tcase_add_test(cases, newer_schema_is_told);
    tcase_add_test(cases, newer_schema_with_other_columns_is_told);
    tcase_add_test(cases, not_within_a_transaction);
    tcase_add_test(cases, removed_file_is_read_on);
    tcase_add_test(cases, holders_of_a_key_are_all_its_credentials);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
