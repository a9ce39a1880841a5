/* SPDX-License-Identifier: Apache-2.0 */
/* The facts that an upgrade makes from rows and log, also where an old log does not contain a label. */
#include <stdio.h>
#include <string.h>

#include "lib/runner.h"
#include "manage/audit/value_facts.h"
#include "registry/fixture.h"
#include "registry/log/log_rows.h"

static struct fixture fixture;
static struct fixture_rows rows;
static struct value_facts made;

#define NOW INT64_C(1790000000000)

static sealring_status insert_key(struct registry *registry, void *context, sealring_error *error)
{
    return registry_key_insert(registry, context, error);
}

static sealring_status append(struct registry *registry, void *context, sealring_error *error)
{
    return registry_audit_append(registry, context, error);
}

static sealring_status begin(struct registry *registry, void *context, sealring_error *error)
{
    return value_facts_begin(registry, NOW, context, error);
}

static void set_up(void)
{
    fixture_open(&fixture);
    fixture_fill(&fixture, &rows);
}

static void tear_down(void)
{
    fixture_close(&fixture);
}

static void add_key(unsigned n, const char *label, sealring_key_state state, const char *narrowed_to)
{
    struct registry_key key;
    fixture_key(&key, rows.ring.id, rows.client.id, n);
    snprintf(key.label, sizeof key.label, "%s", label);
    key.state = state;
    key.narrowed = narrowed_to != NULL;
    if (key.narrowed)
        snprintf(key.narrowed_scopes, sizeof key.narrowed_scopes, "%s", narrowed_to);
    ck_assert_int_eq(fixture_write(&fixture, true, insert_key, &key), SEALRING_OK);
}

/* detail: NULL as by an old release; n 0: an entry that names no key. */
static void relabel(unsigned n, const char *detail)
{
    struct registry_write how = fixture_operation(&fixture, false);
    struct registry_audit entry;
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    fixture_audit(&entry, &how);
    fixture_key_id(key_id, n);
    entry.act = "key.label";
    entry.key_id = n > 0 ? key_id : NULL;
    entry.detail = detail;
    ck_assert_int_eq(fixture_write_as(fixture.registry, &how, append, &entry, &fixture.error), SEALRING_OK);
}

static void upgrade(uint64_t count, uint64_t labels, uint64_t unsure)
{
    ck_assert_int_eq(fixture_write(&fixture, false, begin, &made), SEALRING_OK);
    ck_assert_uint_eq(made.count, count);
    ck_assert_uint_eq(made.labels, labels);
    ck_assert_uint_eq(made.unsure, unsure);
    ck_assert_int_eq(fixture_number(&fixture, "SELECT count(*) FROM closed_fact WHERE kind = 1"), (int64_t)count);
}

static int64_t facts_with(const char *value, int state)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM closed_fact WHERE kind = 1 AND state = %d AND replace(value, char(10), '|') = '%s'",
             state, value);
    return fixture_number(&fixture, sql);
}

START_TEST(keys_as_issued_and_revoked_ones_get_none)
{
    add_key(2, "two", SEALRING_KEY_REVOKED, "read");
    add_key(3, "three", SEALRING_KEY_ACTIVE, NULL);
    relabel(2, "{\"after\": \"two\"}");
    upgrade(0, 0, 0);
}
END_TEST

START_TEST(each_value_becomes_a_fact)
{
    add_key(2, "two", SEALRING_KEY_SUSPENDED, NULL);
    add_key(3, "three", SEALRING_KEY_ACTIVE, "read write");
    add_key(4, "four", SEALRING_KEY_ACTIVE, "");
    add_key(5, "five", SEALRING_KEY_SUSPENDED, "read");
    relabel(5, "{\"after\": \"other\"}");
    relabel(5, "{\"after\": \"five\"}");
    upgrade(4, 1, 0);
    ck_assert_int_eq(facts_with("0|||", SEALRING_KEY_SUSPENDED), 1);
    ck_assert_int_eq(facts_with("1|read write||", SEALRING_KEY_ACTIVE), 1);
    ck_assert_int_eq(facts_with("1|||", SEALRING_KEY_ACTIVE), 1);
    ck_assert_int_eq(facts_with("1|read|five|", SEALRING_KEY_SUSPENDED), 1);
}
END_TEST

/* A row's label counts only if the log has it. */
START_TEST(a_label_that_the_log_does_not_have_is_left_out)
{
    static const char *const details[] = {NULL, "{}", "{\"after\": 5}", "not JSON", "{\"after\": \"other\"}"};
    add_key(2, "two", SEALRING_KEY_ACTIVE, NULL);
    add_key(3, "three", SEALRING_KEY_SUSPENDED, NULL);
    relabel(0, "{\"after\": \"nobody\"}");
    relabel(2, "{\"after\": \"two\"}");
    relabel(2, details[_i]);
    relabel(3, details[_i]);
    upgrade(1, 0, 2);
    ck_assert_int_eq(facts_with("0|||", SEALRING_KEY_SUSPENDED), 1);
}
END_TEST

static sealring_status insert_credential(struct registry *registry, void *context, sealring_error *error)
{
    return registry_credential_insert(registry, context, error);
}

/* end 0: none. */
static void add_credential(int64_t key, uint32_t serial, int64_t end)
{
    struct registry_credential credential;
    struct registry_key of = {.id = key, .last_serial = serial};
    fixture_key_id(of.key_id, (unsigned)(100 * key + serial));
    fixture_credential(&credential, &of, rows.version.number);
    credential.serial = serial;
    credential.replaced = end != 0;
    credential.retire_at = end;
    credential.state = end != 0 ? SEALRING_CREDENTIAL_SUPERSEDED : SEALRING_CREDENTIAL_CURRENT;
    ck_assert_int_eq(fixture_write(&fixture, true, insert_credential, &credential), SEALRING_OK);
}

/* Rows of keys 2 and 4; key 3, between them, has none. */
START_TEST(ends_of_credentials_become_facts)
{
    add_key(2, "two", SEALRING_KEY_ACTIVE, NULL);
    add_key(3, "three", SEALRING_KEY_ACTIVE, NULL);
    add_key(4, "four", SEALRING_KEY_SUSPENDED, "read");
    add_key(5, "five", SEALRING_KEY_REVOKED, NULL);
    int64_t first = fixture_number(&fixture, "SELECT id FROM api_key WHERE label = 'two'");
    for (uint32_t serial = 1; serial <= 4; serial++)
        add_credential(first, serial, serial == 1 ? 500 : serial < 4 ? NOW + 1 : 0);
    add_credential(first + 1, 1, 0);
    add_credential(first + 2, 1, NOW);
    add_credential(first + 3, 1, NOW);
    upgrade(2, 0, 0);
    ck_assert_int_eq(facts_with("0|||1:500 3:1790000000001", SEALRING_KEY_ACTIVE), 1);
    ck_assert_int_eq(facts_with("1|read||1:1790000000000", SEALRING_KEY_SUSPENDED), 1);
}
END_TEST

/* Those that are past are joined; more cannot be. */
START_TEST(more_ends_than_are_kept)
{
    add_key(2, "two", SEALRING_KEY_ACTIVE, NULL);
    int64_t key = fixture_number(&fixture, "SELECT id FROM api_key WHERE label = 'two'");
    for (uint32_t serial = 1; serial <= KEY_ENDS_MAX + 1; serial++)
        add_credential(key, serial, NOW - (_i == 0 ? 2 : 1) + serial);
    if (_i == 0)
        upgrade(1, 0, 0);
    else
        ck_assert_int_eq(fixture_write(&fixture, false, begin, &made), SEALRING_REFUSED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("upgrade/value_facts");
    TCase *cases = tcase_create("value facts");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, keys_as_issued_and_revoked_ones_get_none);
    tcase_add_test(cases, each_value_becomes_a_fact);
    tcase_add_loop_test(cases, a_label_that_the_log_does_not_have_is_left_out, 0, 5);
    tcase_add_test(cases, ends_of_credentials_become_facts);
    tcase_add_loop_test(cases, more_ends_than_are_kept, 0, 2);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
