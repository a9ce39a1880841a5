/* SPDX-License-Identifier: Apache-2.0 */
/* A revocation that somebody hides from a verifier, by SQL, is never called effective: neither by a report nor by time (P3). */
#include <string.h>
#include <time.h>

#include "lib/runner.h"
#include "lib/test_vault.h"

#define RING     "payments"
#define LEASE_MS 2000
#define PATIENCE 60000

struct key {
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
};

static struct test_vault vault;
static sealring_manager *manager;
static sealring_vault *verifier;
static sealring_error error;
static struct key first, second;

static void setup(void)
{
    const sealring_options manual = {.size = sizeof manual, .manual_maintenance = 1, .no_warming = 1};
    test_vault_make(&vault);
    test_vault_timing(&vault, LEASE_MS, 50);
    manager = test_vault_manage(&vault);
    test_vault_ring(manager, RING, "acme_live", 1000);
    test_vault_issue(manager, RING, "acme-mobile", "read", first.text, first.key_id);
    test_vault_issue(manager, RING, "acme-web", "read", second.text, second.key_id);
    verifier = test_vault_open_with(&vault, &manual);
}

static void teardown(void)
{
    sealring_close(&verifier);
    sealring_manager_close(&manager);
    test_vault_remove(&vault);
}

static int64_t boot_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void revoke_key(const struct key *key)
{
    ASSERT_OK(sealring_key_set_state(manager, key->key_id, SEALRING_KEY_REVOKED, NULL, &error), error);
}

static sealring_status effective(int64_t most)
{
    sealring_wait wait = {.size = sizeof wait, .most = most};
    return sealring_wait_effective(manager, &wait, &error);
}

/* Polls as a server does, until the verifier serves: on a busy machine its lease may have ended. */
static void poll_registry(void)
{
    while (sealring_maintain(verifier, NULL, NULL) != SEALRING_OK)
        ;
}

/* The fact is removed between its commit and the next poll. The verifier polls on and never sees it. */
START_TEST(removed_fact_is_never_effective)
{
    poll_registry();
    revoke_key(&first);
    int64_t committed = boot_ms();
    test_vault_attack(&vault, "DELETE FROM closed_fact;"
                              "UPDATE api_key SET state = 1");
    while (boot_ms() - committed < 3 * LEASE_MS) {
        poll_registry();
        ck_assert_int_eq(effective(0), SEALRING_NOT_EFFECTIVE);
    }
    ck_assert_msg(strstr(error.message, "the registry hides the change from it") != NULL, "%s", error.message);
    test_vault_expect_now(verifier, first.text, NULL, SEALRING_ACCEPTED); /* so it is true that it is not effective */
    sealring_close(&verifier);                                            /* with its end it is */
    ASSERT_OK(effective(PATIENCE), error);
}
END_TEST

/* A verifier that has other facts than the registry proves nothing, even if the registry has as many. */
START_TEST(another_chain_is_no_evidence)
{
    revoke_key(&first);
    poll_registry();
    ASSERT_OK(effective(PATIENCE), error);
    test_vault_attack(&vault, "DELETE FROM closed_fact");
    revoke_key(&second);
    poll_registry();
    ck_assert_int_eq(effective(0), SEALRING_NOT_EFFECTIVE);
    test_vault_expect_now(verifier, second.text, NULL, SEALRING_REJECTED_REVOKED); /* it is applied all the same */
    test_vault_expect_now(verifier, first.text, NULL, SEALRING_REJECTED_REVOKED);
}
END_TEST

static sealring_status change(sealring_event event, uint32_t version)
{
    sealring_event_options overrule = {
        .size = sizeof overrule, .overrule = true, .overrule_succession = true, .reason = "test"};
    bool overrules = event == SEALRING_EVENT_RETIRE;
    return sealring_version_change(manager, "payments", event, version, overrules ? &overrule : NULL, NULL, &error);
}

/* A version that was closed since is another one for its barrier, whatever its row contains about epochs. */
START_TEST(a_proof_of_before_the_closing_does_not_count)
{
    poll_registry();
    ASSERT_OK(change(SEALRING_EVENT_PREPARE, 0), error);
    poll_registry();
    ASSERT_OK(change(SEALRING_EVENT_ACTIVATE, 2), error);
    poll_registry();
    ASSERT_OK(change(SEALRING_EVENT_RETIRE, 1), error);
    ASSERT_OK(change(SEALRING_EVENT_REINSTATE, 1), error);
    test_vault_sql(&vault, "UPDATE version SET created_epoch = 0");
    ck_assert_int_eq(change(SEALRING_EVENT_ACTIVATE, 1), SEALRING_WAITING);
    ck_assert_ptr_nonnull(strstr(error.message, "at fact "));
    poll_registry();
    ASSERT_OK(change(SEALRING_EVENT_ACTIVATE, 1), error);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vault/hidden");
    TCase *cases = tcase_create("hidden");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, removed_fact_is_never_effective);
    tcase_add_test(cases, another_chain_is_no_evidence);
    tcase_add_test(cases, a_proof_of_before_the_closing_does_not_count);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
