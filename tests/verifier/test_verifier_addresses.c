/* SPDX-License-Identifier: Apache-2.0 */
/* API keys that are bound to networks: on every way to a verdict, from the first call after their issue. */
#include <arpa/inet.h>
#include <string.h>

#include "lib/runner.h"
#include "verifier/stage.h"

static struct stage stage;
static sealring_vault *vault;

static void setup(void)
{
    struct stage_key first;
    stage_make(&stage, 0, 0);
    stage_issue(&stage, STAGE_RING, "read", &first);
    vault = stage_open_manual(&stage);
    stage_expect(vault, first.text, SEALRING_ACCEPTED);
}

static void teardown(void)
{
    sealring_close(&vault);
    stage_remove(&stage);
}

static sealring_verdict ask_from(const struct stage_key *key, const char *address, sealring_grant *grant)
{
    uint8_t bytes[16];
    bool six = strchr(address, ':') != NULL;
    ck_assert_int_eq(inet_pton(six ? AF_INET6 : AF_INET, address, bytes), 1);
    sealring_request request = {.size = sizeof request,
                                .credential = key->text,
                                .length = strlen(key->text),
                                .address = bytes,
                                .address_length = six ? 16 : 4};
    grant->size = sizeof *grant;
    return sealring_verify_request(vault, &request, grant);
}

static void expect_from(const struct stage_key *key, const char *address, sealring_verdict expected)
{
    sealring_grant grant;
    ck_assert_int_eq(ask_from(key, address, &grant), expected);
}

/* The poll after the issue has not come yet. _i: of the call that comes first. */
START_TEST(a_new_key_is_bound_before_the_next_poll)
{
    struct stage_key key;
    stage_issue_bound(&stage, STAGE_RING, "203.0.113.0/24,2001:db8::/48", &key);
    uint64_t looks = stage_statistics(vault).looks;
    if (_i == 0)
        expect_from(&key, "203.0.113.1", SEALRING_ACCEPTED);
    for (int i = 0; i < 2; i++) {
        expect_from(&key, "203.0.114.1", SEALRING_REJECTED_ADDRESS);
        stage_expect(vault, key.text, SEALRING_REJECTED_ADDRESS);
        expect_from(&key, "::ffff:203.0.113.7", SEALRING_ACCEPTED);
        expect_from(&key, "2001:db8::1", SEALRING_ACCEPTED);
    }
    ck_assert_uint_eq(stage_statistics(vault).looks, looks);
    stage_look(vault);
    expect_from(&key, "203.0.114.1", SEALRING_REJECTED_ADDRESS);
    expect_from(&key, "203.0.113.1", SEALRING_ACCEPTED);
}
END_TEST

START_TEST(the_reason_says_what_is_wrong)
{
    struct stage_key key;
    sealring_grant grant = {.size = sizeof grant};
    stage_issue_bound(&stage, STAGE_RING, "203.0.113.0/24", &key);
    ck_assert_int_eq(ask_from(&key, "2001:db8::7", &grant), SEALRING_REJECTED_ADDRESS);
    ck_assert_str_eq(grant.reason, "the address 2001:db8::7 is in none of the networks that the API key is bound to");
    ck_assert_str_eq(grant.key_id, key.key_id);
    ck_assert_int_eq(sealring_verify(vault, key.text, strlen(key.text), "read", &grant), SEALRING_REJECTED_ADDRESS);
    ck_assert_str_eq(grant.reason, "the API key is bound to networks, and the request's address is not known");
    ck_assert_int_eq(sealring_verdict_http_status(SEALRING_REJECTED_ADDRESS), 403);
    ck_assert_str_eq(sealring_verdict_name(SEALRING_REJECTED_ADDRESS), "address");
    ck_assert_uint_eq(stage_statistics(vault).verdicts[SEALRING_REJECTED_ADDRESS], 2);
}
END_TEST

/* What a poll applies to cached credentials, in both directions, and what a new credential of the key has. */
START_TEST(changes_reach_cached_credentials)
{
    struct stage_key key, next;
    stage_issue(&stage, STAGE_RING, "read", &key);
    expect_from(&key, "198.51.100.1", SEALRING_ACCEPTED);
    stage_bind(&stage, key.key_id, "203.0.113.0/24");
    stage_look(vault);
    expect_from(&key, "198.51.100.1", SEALRING_REJECTED_ADDRESS);
    stage_rekey(&stage, key.key_id, 3600000, &next);
    expect_from(&next, "198.51.100.1", SEALRING_REJECTED_ADDRESS);
    expect_from(&next, "203.0.113.9", SEALRING_ACCEPTED);
    stage_bind(&stage, key.key_id, "203.0.113.9");
    stage_look(vault);
    expect_from(&next, "203.0.113.8", SEALRING_REJECTED_ADDRESS);
    stage_bind(&stage, key.key_id, "198.51.100.0/24");
    stage_look(vault);
    expect_from(&next, "203.0.113.9", SEALRING_REJECTED_ADDRESS);
    expect_from(&next, "198.51.100.1", SEALRING_ACCEPTED);
    stage_bind(&stage, key.key_id, "any");
    stage_look(vault);
    stage_expect(vault, next.text, SEALRING_ACCEPTED);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
}
END_TEST

/* A key that something else makes unusable is rejected for that reason, and an address of a strange length is none. */
START_TEST(order_and_strange_lengths)
{
    struct stage_key key;
    uint8_t bytes[16] = {203, 0, 113, 7};
    stage_issue_bound(&stage, STAGE_RING, "203.0.113.0/24", &key);
    for (size_t length = 0; length <= 16; length++) {
        sealring_request request = {.size = sizeof request,
                                    .credential = key.text,
                                    .length = strlen(key.text),
                                    .address = bytes,
                                    .address_length = length};
        ck_assert_int_eq(sealring_verify_request(vault, &request, NULL),
                         length == 4 ? SEALRING_ACCEPTED : SEALRING_REJECTED_ADDRESS);
    }
    stage_set_state(&stage, key.key_id, SEALRING_KEY_SUSPENDED);
    stage_look(vault);
    expect_from(&key, "198.51.100.1", SEALRING_REJECTED_SUSPENDED);
}
END_TEST

/* A server that has polled the fact keeps it. One that has not cannot know it, which the command that issued the key reports as it waits. */
START_TEST(a_removed_fact_is_reported)
{
    struct stage_key key;
    struct stage_log lines = {.last = {""}};
    sealring_set_log(vault, stage_log, &lines);
    stage_issue_bound(&stage, STAGE_RING, "203.0.113.0/24", &key);
    if (_i == 0)
        stage_look(vault);
    test_vault_attack(&stage.vault, "DELETE FROM closed_fact WHERE sequence = (SELECT max(sequence) FROM closed_fact)");
    for (int i = 0; i < 30; i++) {
        expect_from(&key, "192.0.2.1", _i == 0 ? SEALRING_REJECTED_ADDRESS : SEALRING_ACCEPTED);
        (void)sealring_maintain(vault, NULL, NULL);
    }
    if (_i == 0)
        ck_assert_uint_eq(lines.lines[SEALRING_LOG_ALARM], 1);
    sealring_set_log(vault, NULL, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("verifier/addresses");
    TCase *cases = tcase_create("addresses");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, a_new_key_is_bound_before_the_next_poll, 0, 2);
    tcase_add_test(cases, the_reason_says_what_is_wrong);
    tcase_add_test(cases, changes_reach_cached_credentials);
    tcase_add_test(cases, order_and_strange_lengths);
    tcase_add_loop_test(cases, a_removed_fact_is_reported, 0, 2);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
