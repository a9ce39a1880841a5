/* SPDX-License-Identifier: Apache-2.0 */
/* API keys for one holder: the same successor until it was used, then the key is contested, until a rekey or a revocation. */
#include <stdio.h>
#include <string.h>

#include "renew/renew_stage.h"

#define TEXT_SIZE (SEALRING_CREDENTIAL_LENGTH_MAX + 1)

#define OWNER "192.0.2.1"
#define THIEF "2001:db8::bad"

static char successor[TEXT_SIZE];

static void keep(const sealring_renewal *answer)
{
    memcpy(successor, answer->successor, TEXT_SIZE);
}

/* The key is for one holder, and its credential was renewed once. */
static void renew_once(void)
{
    ASSERT_OK(sealring_key_set_holders(manager, key_id, SEALRING_HOLDERS_ONE, &error), error);
    stage_rotate();
    keep(stage_expect(text, OWNER, SEALRING_RENEWAL_ISSUED));
}

struct found {
    unsigned count;
    uint32_t serial;
    char first[SEALRING_PEER_SIZE], second[SEALRING_PEER_SIZE];
};

static int find(const sealring_contested *contested, void *context)
{
    struct found *found = context;
    ck_assert_str_eq(contested->key_id, key_id);
    ck_assert_str_eq(contested->client, STAGE_CLIENT);
    ck_assert_str_eq(contested->ring, STAGE_RING);
    ck_assert_str_eq(contested->label, "default");
    ck_assert_int_gt(contested->since, 0);
    found->count++;
    found->serial = contested->serial;
    snprintf(found->first, sizeof found->first, "%s", contested->first_peer);
    snprintf(found->second, sizeof found->second, "%s", contested->second_peer);
    return 0;
}

static struct found contested(void)
{
    struct found found = {.count = 0};
    ASSERT_OK(sealring_contested_list(manager, NULL, find, &found, &error), error);
    return found;
}

START_TEST(the_same_until_it_was_used)
{
    renew_once();
    ck_assert_str_eq(stage_expect(text, OWNER, SEALRING_RENEWAL_AGAIN)->successor, successor);
    test_vault_expect_now(verifier, text, "read", SEALRING_ACCEPTED); /* a use of the predecessor does not count */
    stage_expect(text, OWNER, SEALRING_RENEWAL_AGAIN);
    test_vault_expect_now(verifier, successor, "admin", SEALRING_REJECTED_SCOPE); /* nor does a rejection */
    stage_expect(text, OWNER, SEALRING_RENEWAL_AGAIN);
    ck_assert_uint_eq(contested().count, 0);
    test_vault_expect_now(verifier, successor, "read", SEALRING_ACCEPTED);
    stage_expect(text, THIEF, SEALRING_RENEWAL_CONTESTED);
    struct found found = contested();
    ck_assert_uint_eq(found.count, 1);
    ck_assert_uint_eq(found.serial, 1);
    ck_assert_str_eq(found.first, OWNER);
    ck_assert_str_eq(found.second, THIEF);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM audit WHERE act = 'key.contested' AND key_id <> ''"
                                               " AND client = '" STAGE_CLIENT "'"
                                               " AND json_extract(detail, '$.first_peer') = '" OWNER "'"
                                               " AND json_extract(detail, '$.second_peer') = '" THIEF "'"),
                     1);
    stage_expect(text, OWNER, SEALRING_RENEWAL_CONTESTED);
    stage_expect(successor, OWNER, SEALRING_RENEWAL_CONTESTED);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM audit WHERE act = 'key.contested'"), 1);
    /* neither is locked out silently: both go on until an operator decides */
    test_vault_expect_now(verifier, text, "read", SEALRING_ACCEPTED);
    test_vault_expect_now(verifier, successor, "read", SEALRING_ACCEPTED);
}
END_TEST

START_TEST(a_harvested_use_counts)
{
    renew_once();
    test_vault_expect_now(verifier, successor, "read", SEALRING_ACCEPTED);
    sealring_maintain(verifier, NULL, NULL);
    sealring_close(&verifier);
    ASSERT_OK(sealring_harvest(manager, NULL, &error), error);
    verifier = test_vault_open(&vault);
    stage_expect(text, NULL, SEALRING_RENEWAL_CONTESTED);
    ck_assert_str_eq(contested().second, "");
}
END_TEST

START_TEST(a_renewed_successor_counts_as_used)
{
    renew_once();
    stage_rotate();
    stage_expect(successor, OWNER, SEALRING_RENEWAL_ISSUED);
    stage_expect(text, THIEF, SEALRING_RENEWAL_CONTESTED);
    ck_assert_uint_eq(contested().count, 1);
}
END_TEST

START_TEST(many_holders_are_never_contested)
{
    stage_rotate();
    keep(stage_expect(text, OWNER, SEALRING_RENEWAL_ISSUED));
    test_vault_expect_now(verifier, successor, "read", SEALRING_ACCEPTED);
    ck_assert_str_eq(stage_expect(text, THIEF, SEALRING_RENEWAL_AGAIN)->successor, successor);
    ck_assert_uint_eq(contested().count, 0);
}
END_TEST

static void contest(void)
{
    renew_once();
    test_vault_expect_now(verifier, successor, "read", SEALRING_ACCEPTED);
    stage_expect(text, THIEF, SEALRING_RENEWAL_CONTESTED);
}

START_TEST(a_rekey_ends_it)
{
    const sealring_rekey_request request = {.size = sizeof request, .overlap = DAY};
    struct test_handed handed = {.calls = 0};
    contest();
    ck_assert_int_eq(sealring_key_set_holders(manager, key_id, SEALRING_HOLDERS_MANY, &error), SEALRING_REFUSED);
    ASSERT_OK(sealring_rekey(manager, key_id, &request, test_vault_take, &handed, &error), error);
    ck_assert_uint_eq(contested().count, 0);
    stage_expect(text, THIEF, SEALRING_RENEWAL_REJECTED);
    stage_expect(successor, THIEF, SEALRING_RENEWAL_REJECTED);
    stage_rotate();
    keep(stage_expect(handed.text, OWNER, SEALRING_RENEWAL_ISSUED));
    test_vault_expect_now(verifier, successor, "read", SEALRING_ACCEPTED);
    stage_expect(handed.text, THIEF, SEALRING_RENEWAL_CONTESTED); /* and once more */
    ck_assert_uint_eq(contested().serial, 65537);
}
END_TEST

START_TEST(a_revocation_ends_it)
{
    contest();
    ASSERT_OK(sealring_key_set_state(manager, key_id, SEALRING_KEY_REVOKED, NULL, &error), error);
    ck_assert_uint_eq(contested().count, 0);
}
END_TEST

START_TEST(holders_are_set_by_operators)
{
    ck_assert_int_eq(sealring_key_set_holders(manager, key_id, SEALRING_HOLDERS_MANY, &error), SEALRING_REFUSED);
    ck_assert_int_eq(sealring_key_set_holders(manager, key_id, (sealring_holders)2, &error), SEALRING_INVALID);
    ck_assert_int_eq(sealring_key_set_holders(manager, "0000000000000000", SEALRING_HOLDERS_ONE, &error),
                     SEALRING_NOT_FOUND);
    ASSERT_OK(sealring_key_set_holders(manager, key_id, SEALRING_HOLDERS_ONE, &error), error);
    ck_assert_int_eq(sealring_key_set_holders(manager, key_id, SEALRING_HOLDERS_ONE, &error), SEALRING_REFUSED);
    ASSERT_OK(sealring_key_set_addresses(manager, key_id, "192.0.2.0/24", &error), error); /* which keeps the other */
    ck_assert_int_eq(sealring_key_set_holders(manager, key_id, SEALRING_HOLDERS_ONE, &error), SEALRING_REFUSED);
    ASSERT_OK(sealring_key_set_holders(manager, key_id, SEALRING_HOLDERS_MANY, &error), error);
    stage_rotate();
    stage_expect(text, NULL, SEALRING_RENEWAL_ADDRESS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("renew/contested");
    TCase *cases = tcase_create("contested");
    tcase_add_checked_fixture(cases, stage_open, stage_verify_and_close);
    tcase_set_timeout(cases, 300);
    tcase_add_test(cases, the_same_until_it_was_used);
    tcase_add_test(cases, a_harvested_use_counts);
    tcase_add_test(cases, a_renewed_successor_counts_as_used);
    tcase_add_test(cases, many_holders_are_never_contested);
    tcase_add_test(cases, a_rekey_ends_it);
    tcase_add_test(cases, a_revocation_ends_it);
    tcase_add_test(cases, holders_are_set_by_operators);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
