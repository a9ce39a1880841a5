/* SPDX-License-Identifier: Apache-2.0 */
/* Somebody writes the registry and has no token: no edited row gets a successor, or another one than it should. */
#include <string.h>

#include "renew/renew_stage.h"

#define TEXT_SIZE (SEALRING_CREDENTIAL_LENGTH_MAX + 1)

/* Edits of the presented credential's row, or of its key's and ring's. */
static const struct {
    const char *sql;
    sealring_renewal_result result;
} of_presented[] = {
    {"UPDATE credential SET origin = origin + 86400000", SEALRING_RENEWAL_UNAVAILABLE},
    {"UPDATE credential SET predecessor = 7", SEALRING_RENEWAL_UNAVAILABLE},
    {"UPDATE credential SET scopes = 'read write'", SEALRING_RENEWAL_UNAVAILABLE},
    {"UPDATE credential SET expires = 253402300799000", SEALRING_RENEWAL_UNAVAILABLE},
    {"UPDATE credential SET label = ''", SEALRING_RENEWAL_UNAVAILABLE},
    {"UPDATE credential SET serial = 2; UPDATE api_key SET last_serial = 2", SEALRING_RENEWAL_UNAVAILABLE},
    {"UPDATE api_key SET last_serial = 2", SEALRING_RENEWAL_UNAVAILABLE},
    {"UPDATE client SET name = 'mallory'", SEALRING_RENEWAL_UNAVAILABLE},
    {"UPDATE credential SET digest = zeroblob(32)", SEALRING_RENEWAL_REJECTED},
    {"UPDATE ring SET prefix = 'evil'", SEALRING_RENEWAL_ISSUED},
    {"UPDATE ring SET renew = 0", SEALRING_RENEWAL_ISSUED}, /* its fact counts */
    {"UPDATE ring SET renew_life = 60000, renew_age = 60000", SEALRING_RENEWAL_ISSUED},
    {"UPDATE credential SET issued = 1", SEALRING_RENEWAL_ISSUED}, /* which decides nothing */
};

START_TEST(an_edited_credential)
{
    stage_rotate();
    test_vault_attack(&vault, of_presented[_i].sql);
    const sealring_renewal *answer = stage_expect(text, NULL, of_presented[_i].result);
    ck_assert_int_eq(answer->expires, 0);
    ck_assert_int_eq(strncmp(answer->successor, "evil", 4) != 0, 1);
    if (of_presented[_i].result == SEALRING_RENEWAL_UNAVAILABLE)
        ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM audit WHERE act = 'alarm'"), 1);
}
END_TEST

/* Edits of the successor's row, which exists. */
static const char *const of_successor[] = {
    "UPDATE credential SET predecessor = 0 WHERE serial = 2",
    "UPDATE credential SET predecessor = 7 WHERE serial = 2",
    "UPDATE credential SET origin = 5 WHERE serial = 2",
    "UPDATE credential SET digest = zeroblob(32) WHERE serial = 2",
    "UPDATE credential SET scopes = 'read write' WHERE serial = 2",
    "UPDATE credential SET expires = 1 WHERE serial = 2",
    "UPDATE credential SET label = '' WHERE serial = 2",
    "PRAGMA foreign_keys = OFF; DELETE FROM credential WHERE serial = 2",
};

START_TEST(an_edited_successor)
{
    stage_rotate();
    stage_expect(text, NULL, SEALRING_RENEWAL_ISSUED);
    test_vault_attack(&vault, of_successor[_i]);
    stage_expect(text, NULL, SEALRING_RENEWAL_UNAVAILABLE);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM credential WHERE serial > 2"), 0);
}
END_TEST

/* An end is in the key's fact: a row without it is no credential that can be renewed, and one with it is. */
START_TEST(ends_are_those_of_the_facts)
{
    stage_rotate();
    test_vault_attack(&vault, "UPDATE credential SET state = 2, replaced = 1, retire_at = 253402300799000");
    stage_expect(text, NULL, SEALRING_RENEWAL_REJECTED); /* it restricts: in doubt, no */
    test_vault_attack(&vault, "UPDATE credential SET state = 1, replaced = 0, retire_at = 0");
    const sealring_rekey_request request = {.size = sizeof request, .overlap = DAY};
    struct test_handed handed = {.calls = 0};
    ASSERT_OK(sealring_rekey(manager, key_id, &request, test_vault_take, &handed, &error), error);
    test_vault_attack(&vault, "UPDATE credential SET state = 1, replaced = 0, retire_at = 0 WHERE serial = 1");
    stage_expect(text, NULL, SEALRING_RENEWAL_REJECTED);
}
END_TEST

/* A credential of another key under the presented one's row. */
START_TEST(exchanged_rows)
{
    struct test_handed other = stage_issue("other", 0);
    stage_rotate();
    test_vault_attack(&vault, "UPDATE credential SET api_key = -api_key;"
                              "UPDATE credential SET api_key = 3 + api_key");
    stage_expect(text, NULL, SEALRING_RENEWAL_REJECTED);
    stage_expect(other.text, NULL, SEALRING_RENEWAL_REJECTED);
    test_vault_attack(&vault, "UPDATE credential SET api_key = -api_key;"
                              "UPDATE credential SET api_key = 3 + api_key;"
                              "UPDATE api_key SET client = -client; UPDATE api_key SET client = 3 + client");
    stage_expect(text, NULL, SEALRING_RENEWAL_UNAVAILABLE);
    stage_expect(other.text, NULL, SEALRING_RENEWAL_UNAVAILABLE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("renew/edited");
    TCase *cases = tcase_create("edited");
    tcase_add_checked_fixture(cases, stage_open, stage_close);
    tcase_set_timeout(cases, 300);
    tcase_add_loop_test(cases, an_edited_credential, 0, sizeof of_presented / sizeof of_presented[0]);
    tcase_add_loop_test(cases, an_edited_successor, 0, sizeof of_successor / sizeof of_successor[0]);
    tcase_add_test(cases, ends_are_those_of_the_facts);
    tcase_add_test(cases, exchanged_rows);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
