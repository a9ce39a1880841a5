/* SPDX-License-Identifier: Apache-2.0 */
/* Renewal: who gets which successor, when, and until when; replicas, batches, kills, revocations beside. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "renew/renew_stage.h"

#define TEXT_SIZE (SEALRING_CREDENTIAL_LENGTH_MAX + 1)

static void copy(char to[TEXT_SIZE], const sealring_renewal *answer)
{
    memcpy(to, answer->successor, TEXT_SIZE);
}

/* ---- which successor */

START_TEST(operators_decide_whether_a_ring_renews)
{
    stage_policy((sealring_policy){.renew = SEALRING_RENEW_OFF}, SEALRING_POLICY_RENEW);
    stage_rotate();
    const sealring_renewal *answer = stage_expect(text, NULL, SEALRING_RENEWAL_OFF);
    ck_assert_str_eq(answer->ring, STAGE_RING);
    stage_policy((sealring_policy){.renew = SEALRING_RENEW_SEALED}, SEALRING_POLICY_RENEW);
    stage_expect(text, NULL, SEALRING_RENEWAL_OFF);
    stage_policy((sealring_policy){.renew = SEALRING_RENEW_BEARER}, SEALRING_POLICY_RENEW);
    stage_expect(text, NULL, SEALRING_RENEWAL_ISSUED);
}
END_TEST

START_TEST(a_rotation_makes_a_successor_due)
{
    char first[TEXT_SIZE];
    sealring_grant grant = {.size = sizeof grant};
    const sealring_renewal *answer = stage_expect(text, NULL, SEALRING_RENEWAL_CURRENT);
    ck_assert_uint_eq(answer->version, 1);
    ck_assert_uint_eq(answer->serial, 1);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM audit WHERE act = 'key.renew'"), 0);
    stage_rotate();
    answer = stage_expect(text, "192.0.2.1", SEALRING_RENEWAL_ISSUED);
    ck_assert_str_eq(answer->key_id, key_id);
    ck_assert_str_eq(answer->client, STAGE_CLIENT);
    ck_assert_uint_eq(answer->version, 2);
    ck_assert_uint_eq(answer->serial, 2);
    ck_assert_int_eq(answer->expires, 0);
    ck_assert_int_gt(answer->predecessor_until, stage_now());
    copy(first, answer);
    sealring_maintain(verifier, NULL, NULL);
    ck_assert_int_eq(sealring_verify(verifier, first, strlen(first), "read", &grant), SEALRING_ACCEPTED);
    ck_assert_str_eq(grant.scopes, "read");
    ck_assert_uint_eq(grant.serial, 2);
    test_vault_expect_now(verifier, text, "read", SEALRING_ACCEPTED);
    /* a lost answer costs nothing */
    ck_assert_str_eq(stage_expect(text, NULL, SEALRING_RENEWAL_AGAIN)->successor, first);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM credential"), 2);
    stage_expect(first, NULL, SEALRING_RENEWAL_CURRENT);
}
END_TEST

START_TEST(each_generation_has_its_successor)
{
    char first[TEXT_SIZE], second[TEXT_SIZE];
    stage_rotate();
    copy(first, stage_expect(text, NULL, SEALRING_RENEWAL_ISSUED));
    stage_rotate();
    ck_assert_str_eq(stage_expect(text, NULL, SEALRING_RENEWAL_AGAIN)->successor, first);
    copy(second, stage_expect(first, NULL, SEALRING_RENEWAL_ISSUED));
    ck_assert_str_eq(stage_expect(first, NULL, SEALRING_RENEWAL_AGAIN)->successor, second);
    ck_assert_str_eq(stage_expect(text, NULL, SEALRING_RENEWAL_AGAIN)->successor, first);
    ck_assert_int_eq(
        test_vault_number(&vault, "SELECT count(DISTINCT origin) = 1 AND sum(predecessor) = 3 FROM credential"), 1);
}
END_TEST

START_TEST(a_closed_successor_is_made_again)
{
    char first[TEXT_SIZE];
    sealring_vault *const verifiers[] = {verifier, NULL};
    stage_rotate();
    copy(first, stage_expect(text, NULL, SEALRING_RENEWAL_ISSUED));
    ASSERT_OK(test_vault_change(manager, verifiers, STAGE_RING, SEALRING_EVENT_COMPROMISE, 2, NULL, NULL, &error),
              error);
    stage_expect(first, NULL, SEALRING_RENEWAL_REJECTED);
    stage_expect(text, NULL, SEALRING_RENEWAL_UNAVAILABLE); /* the ring has no active version */
    ASSERT_OK(test_vault_change(manager, verifiers, STAGE_RING, SEALRING_EVENT_ROTATE, 0, NULL, NULL, &error), error);
    const sealring_renewal *answer = stage_expect(text, NULL, SEALRING_RENEWAL_ISSUED);
    ck_assert_uint_eq(answer->version, 3);
    ck_assert_uint_eq(answer->serial, 3);
}
END_TEST

START_TEST(after_a_reissue_each_has_its_own_successor)
{
    char first[TEXT_SIZE];
    struct test_handed handed = {.calls = 0};
    stage_rotate();
    ASSERT_OK(sealring_reissue(manager, key_id, test_vault_take, &handed, &error), error);
    copy(first, stage_expect(text, NULL, SEALRING_RENEWAL_ISSUED));
    ck_assert_str_ne(first, handed.text);
    stage_expect(handed.text, NULL, SEALRING_RENEWAL_CURRENT);
    test_vault_expect_now(verifier, first, "read", SEALRING_ACCEPTED);
    ASSERT_OK(sealring_reissue(manager, key_id, test_vault_take, &handed, &error), error);
    ck_assert(handed.existed);
    ck_assert_str_eq(handed.text, first); /* the newest one */
}
END_TEST

/* ---- times */

START_TEST(a_policy_of_life_makes_short_ones)
{
    char first[TEXT_SIZE];
    struct test_handed handed = stage_issue("brief", stage_now() + 30 * DAY);
    stage_policy((sealring_policy){.renew_life = 30 * DAY}, SEALRING_POLICY_RENEW_LIFE);
    stage_expect(handed.text, NULL, SEALRING_RENEWAL_CURRENT);
    stage_wait(19 * DAY);
    stage_expect(handed.text, NULL, SEALRING_RENEWAL_CURRENT);
    stage_wait(2 * DAY);
    const sealring_renewal *answer = stage_expect(handed.text, NULL, SEALRING_RENEWAL_ISSUED);
    ck_assert_uint_eq(answer->version, 1);
    ck_assert_int_gt(answer->expires, stage_now() + 30 * DAY - 10 * MINUTE);
    ck_assert_int_le(answer->expires, stage_now() + 30 * DAY);
    copy(first, answer);
    stage_expect(first, NULL, SEALRING_RENEWAL_CURRENT);
    stage_wait(10 * DAY);
    stage_expect(handed.text, NULL, SEALRING_RENEWAL_REJECTED); /* it has expired */
    stage_wait(11 * DAY);
    ck_assert_int_gt(stage_expect(first, NULL, SEALRING_RENEWAL_ISSUED)->expires, stage_now() + 29 * DAY);
}
END_TEST

START_TEST(without_a_life_the_end_stays)
{
    const int64_t end = stage_now() + 30 * DAY;
    struct test_handed handed = stage_issue("brief", end);
    stage_wait(29 * DAY);
    stage_expect(handed.text, NULL, SEALRING_RENEWAL_CURRENT);
    stage_rotate();
    ck_assert_int_eq(stage_expect(handed.text, NULL, SEALRING_RENEWAL_ISSUED)->expires, end);
}
END_TEST

START_TEST(no_successor_outlives_the_limit)
{
    char first[TEXT_SIZE];
    stage_policy((sealring_policy){.renew_age = 90 * DAY, .renew_life = 60 * DAY},
                 SEALRING_POLICY_RENEW_AGE | SEALRING_POLICY_RENEW_LIFE);
    const int64_t origin = test_vault_number(&vault, "SELECT origin FROM credential");
    stage_rotate();
    copy(first, stage_expect(text, NULL, SEALRING_RENEWAL_ISSUED));
    stage_wait(45 * DAY);
    const sealring_renewal *answer = stage_expect(first, NULL, SEALRING_RENEWAL_ISSUED);
    ck_assert_int_eq(answer->expires, origin + 90 * DAY);
    copy(first, answer);
    stage_wait(40 * DAY); /* five days before the end that no successor would have later */
    stage_expect(first, NULL, SEALRING_RENEWAL_AGE);
    answer = stage_expect(text, NULL, SEALRING_RENEWAL_ISSUED); /* its former successor has expired */
    ck_assert_int_eq(answer->expires, origin + 90 * DAY);
    stage_wait(6 * DAY);
    stage_expect(first, NULL, SEALRING_RENEWAL_REJECTED);
    stage_expect(text, NULL, SEALRING_RENEWAL_AGE);
    struct test_handed handed = {.calls = 0}; /* the operator's issue begins anew */
    const sealring_rekey_request request = {.size = sizeof request, .set_expires = true, .overlap = DAY};
    ASSERT_OK(sealring_rekey(manager, key_id, &request, test_vault_take, &handed, &error), error);
    stage_rotate();
    ck_assert_int_gt(stage_expect(handed.text, NULL, SEALRING_RENEWAL_ISSUED)->expires, origin + 90 * DAY);
    ck_assert_int_gt(test_vault_number(&vault, "SELECT max(origin) FROM credential"), origin + 90 * DAY);
}
END_TEST

/* ---- who gets none */

START_TEST(a_rekeyed_credential_has_no_successor)
{
    struct test_handed handed = {.calls = 0};
    const sealring_rekey_request request = {.size = sizeof request, .overlap = DAY};
    stage_rotate();
    ASSERT_OK(sealring_rekey(manager, key_id, &request, test_vault_take, &handed, &error), error);
    test_vault_expect_now(verifier, text, "read", SEALRING_ACCEPTED);
    stage_expect(text, NULL, SEALRING_RENEWAL_REJECTED);
    stage_rotate();
    stage_expect(handed.text, NULL, SEALRING_RENEWAL_ISSUED);
    stage_expect(text, NULL, SEALRING_RENEWAL_REJECTED);
}
END_TEST

START_TEST(a_batch_with_bad_requests)
{
    struct test_handed revoked = stage_issue("revoked", 0), suspended = stage_issue("suspended", 0);
    struct test_handed early = {.calls = 0};
    const sealring_issue_request later = {.client = STAGE_CLIENT, .label = "early", .not_before = stage_now() + DAY};
    ASSERT_OK(sealring_issue(manager, STAGE_RING, &later, 1, 0, test_vault_take, &early, NULL, &error), error);
    stage_rotate();
    ASSERT_OK(sealring_key_set_state(manager, revoked.key_id, SEALRING_KEY_REVOKED, NULL, &error), error);
    ASSERT_OK(sealring_key_set_state(manager, suspended.key_id, SEALRING_KEY_SUSPENDED, NULL, &error), error);
    char wrong[TEXT_SIZE], long_text[4096];
    memcpy(wrong, revoked.text, TEXT_SIZE);
    wrong[strlen(wrong) - 10] ^= 1;
    memset(long_text, 'a', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    const char *const presented[] = {revoked.text, suspended.text, early.text,    wrong,
                                     "",           long_text,      "acme_live_x", text};
    enum { COUNT = sizeof presented / sizeof presented[0] };
    sealring_renewal requests[COUNT + 1];
    memset(requests, 0, sizeof requests);
    for (size_t i = 0; i < COUNT; i++)
        requests[i] = (sealring_renewal){
            .size = sizeof requests[i], .credential = presented[i], .credential_length = strlen(presented[i])};
    requests[COUNT].size = sizeof requests[COUNT]; /* no credential at all */
    ASSERT_OK(sealring_renew(manager, requests, COUNT + 1, &error), error);
    for (size_t i = 0; i <= COUNT; i++) {
        ck_assert_int_eq(requests[i].result, i == COUNT - 1 ? SEALRING_RENEWAL_ISSUED : SEALRING_RENEWAL_REJECTED);
        ck_assert_str_ne(requests[i].reason, "");
        sealring_renewal_release(&requests[i]);
        ck_assert_str_eq(requests[i].successor, "");
    }
    requests[0].size--;
    ck_assert_int_eq(sealring_renew(manager, requests, 1, &error), SEALRING_INVALID);
    ck_assert_int_eq(sealring_renew(manager, requests, 0, &error), SEALRING_INVALID);
    ck_assert_int_eq(sealring_renew(manager, requests, SEALRING_RENEWAL_BATCH_MAX + 1, &error), SEALRING_INVALID);
}
END_TEST

static int take_none(const sealring_issued *issued, void *context)
{
    (void)context;
    return issued->credential != NULL;
}

START_TEST(an_imported_key_has_no_successor)
{
    static const char presented[] = "their-own-key-of-former-times-0123456789";
    /* SHA-256 of it, by sha256sum */
    static const uint8_t digest[32] = {0x5b, 0x2e, 0x31, 0x99, 0x7a, 0x0d, 0xbd, 0xf6, 0x3c, 0xff, 0x5c,
                                       0x37, 0xec, 0x85, 0x29, 0x76, 0xc0, 0xd6, 0x5e, 0x4b, 0x9c, 0x70,
                                       0x13, 0xa7, 0xc8, 0x36, 0x13, 0xac, 0x94, 0x3a, 0x11, 0xcd};
    const sealring_issue_request request = {
        .client = STAGE_CLIENT, .label = "imported", .expires = stage_now() + 300 * DAY, .sha256 = digest};
    ASSERT_OK(sealring_import(manager, STAGE_RING, &request, 1, 0, take_none, NULL, NULL, &error), error);
    ck_assert_ptr_nonnull(strstr(stage_expect(presented, NULL, SEALRING_RENEWAL_REJECTED)->reason, "sealring reissue"));
}
END_TEST

START_TEST(a_key_is_renewed_from_its_networks_only)
{
    ASSERT_OK(sealring_key_set_addresses(manager, key_id, "192.0.2.0/24,2001:db8::/32", &error), error);
    stage_rotate();
    stage_expect(text, "198.51.100.1", SEALRING_RENEWAL_ADDRESS);
    stage_expect(text, NULL, SEALRING_RENEWAL_ADDRESS);
    stage_expect(text, "192.0.2.1 ", SEALRING_RENEWAL_ADDRESS);
    sealring_renewal requests[4];
    static const char *const peers[] = {"203.0.113.1", "2001:db8::1", "198.51.100.1", "::ffff:192.0.2.7"};
    for (size_t i = 0; i < 4; i++)
        requests[i] = (sealring_renewal){
            .size = sizeof requests[i], .credential = text, .credential_length = strlen(text), .peer = peers[i]};
    ASSERT_OK(sealring_renew(manager, requests, 4, &error), error);
    ck_assert_int_eq(requests[0].result, SEALRING_RENEWAL_ADDRESS);
    ck_assert_int_eq(requests[1].result, SEALRING_RENEWAL_ISSUED);
    ck_assert_int_eq(requests[2].result, SEALRING_RENEWAL_ADDRESS);
    ck_assert_str_eq(requests[2].successor, "");
    ck_assert_int_eq(requests[3].result, SEALRING_RENEWAL_AGAIN);
    ck_assert_str_eq(requests[3].successor, requests[1].successor);
    for (size_t i = 0; i < 4; i++)
        sealring_renewal_release(&requests[i]);
}
END_TEST

/* ---- batches */

enum { REPLICAS = 10 };

START_TEST(replicas_move_together)
{
    char first[TEXT_SIZE];
    sealring_renewal requests[REPLICAS + 2];
    stage_rotate();
    copy(first, stage_expect(text, NULL, SEALRING_RENEWAL_ISSUED));
    stage_rotate();
    for (size_t i = 0; i < REPLICAS + 2; i++)
        requests[i] =
            (sealring_renewal){.size = sizeof requests[i], .credential = first, .credential_length = strlen(first)};
    struct test_handed other = stage_issue("other", 0);
    requests[3].credential = text; /* of the same key, and next in turn */
    requests[REPLICAS + 1].credential = other.text;
    requests[REPLICAS + 1].credential_length = strlen(other.text);
    const long long entries = test_vault_number(&vault, "SELECT count(*) FROM audit WHERE act = 'key.renew'");
    ASSERT_OK(sealring_renew(manager, requests, REPLICAS + 2, &error), error);
    for (size_t i = 0; i <= REPLICAS; i++) {
        ck_assert_int_eq(requests[i].result, i == 0 ? SEALRING_RENEWAL_ISSUED : SEALRING_RENEWAL_AGAIN);
        ck_assert_str_eq(requests[i].successor, i == 3 ? first : requests[0].successor);
        ck_assert_uint_eq(requests[i].serial, i == 3 ? 2 : 3);
        ck_assert_int_eq(requests[i].predecessor_until > 0, 1);
    }
    ck_assert_int_eq(requests[REPLICAS + 1].result, SEALRING_RENEWAL_CURRENT);
    for (size_t i = 0; i < REPLICAS + 2; i++)
        sealring_renewal_release(&requests[i]);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM audit WHERE act = 'key.renew'"), entries + 2);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM credential"), 4);
}
END_TEST

START_TEST(a_dry_run_hands_out_nothing)
{
    sealring_manager *dry = NULL;
    const sealring_manage_options options = {.size = sizeof options, .dry_run = true};
    sealring_renewal request = {.size = sizeof request, .credential = text, .credential_length = strlen(text)};
    stage_rotate();
    ASSERT_OK(sealring_manager_open(vault.path, &options, &dry, &error), error);
    ASSERT_OK(sealring_renew(dry, &request, 1, &error), error);
    sealring_manager_close(&dry);
    ck_assert_int_eq(request.result, SEALRING_RENEWAL_ISSUED);
    ck_assert_str_eq(request.successor, "");
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM credential"), 1);
}
END_TEST

/* ---- kills, and others beside */

enum { CLIENTS = 40 };

static struct test_handed many[CLIENTS];

static int take_one(const sealring_issued *issued, void *context)
{
    (void)context;
    return test_vault_take(issued, &many[issued->index]);
}

static void issue_many(void)
{
    static char clients[CLIENTS][32];
    sealring_issue_request requests[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        snprintf(clients[i], sizeof clients[i], "client-%d", i);
        requests[i] = (sealring_issue_request){.client = clients[i], .scopes = "read write"};
    }
    ASSERT_OK(sealring_issue(manager, STAGE_RING, requests, CLIENTS, SEALRING_ISSUE_ADD_CLIENTS, take_one, NULL, NULL,
                             &error),
              error);
}

static void renew_each(sealring_manager *renewing, sealring_renewal answers[CLIENTS])
{
    for (int i = 0; i < CLIENTS; i++) {
        answers[i] = (sealring_renewal){
            .size = sizeof answers[i], .credential = many[i].text, .credential_length = strlen(many[i].text)};
        ASSERT_OK(sealring_renew(renewing, &answers[i], 1, &error), error);
    }
}

/* The child renews one after the other; it is killed when some are committed, wherever it is then. */
START_TEST(a_kill_loses_and_doubles_nothing)
{
    sealring_renewal answers[CLIENTS];
    issue_many();
    stage_rotate();
    for (long long kills = 1; kills <= 3; kills++) {
        pid_t child = fork();
        if (child == 0) {
            sealring_manager *own = test_vault_manage(&vault);
            renew_each(own, answers);
            pause();
        }
        while (test_vault_number(&vault, "SELECT count(*) FROM audit WHERE act = 'key.renew'") < 3 * kills)
            usleep(1000);
        ck_assert_int_eq(kill(child, SIGKILL), 0);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
    }
    renew_each(manager, answers);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM credential WHERE predecessor = 1"), CLIENTS);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM credential WHERE serial > 2"), 0);
    for (int i = 0; i < CLIENTS; i++) {
        test_vault_expect_now(verifier, answers[i].successor, "read", SEALRING_ACCEPTED);
        sealring_renewal_release(&answers[i]);
    }
}
END_TEST

static void *revoke_all(void *context)
{
    sealring_manager *own = test_vault_manage(&vault);
    sealring_error failure;
    (void)context;
    for (int i = CLIENTS; i-- > 0;)
        ASSERT_OK(sealring_key_set_state(own, many[i].key_id, SEALRING_KEY_REVOKED, NULL, &failure), failure);
    sealring_manager_close(&own);
    return NULL;
}

/* Entries in their order: no successor is new of a key that was revoked before. */
static int find_late_successor(const sealring_audit_entry *entry, void *context)
{
    static bool revoked[CLIENTS];
    unsigned *found = context;
    const char *renewed = strcmp(entry->act, "key.renew") == 0 ? strstr(entry->detail, "\"renewed\"") : NULL;
    for (int i = 0; i < CLIENTS; i++) {
        const char *one = renewed != NULL ? strstr(renewed, many[i].key_id) : NULL;
        const char *end = one != NULL ? strchr(one, ']') : NULL;
        if (end != NULL && revoked[i] && strncmp(end - 5, "false", 5) == 0)
            ++*found;
        if (strcmp(entry->act, "key.revoke") == 0 && strcmp(entry->key_id, many[i].key_id) == 0)
            revoked[i] = true;
    }
    return 0;
}

/* In one batch, so that revocations are committed while it is read, sealed and written. */
START_TEST(no_successor_after_a_revocation)
{
    pthread_t revoking;
    sealring_renewal requests[CLIENTS];
    unsigned late = 0;
    issue_many();
    stage_rotate();
    ck_assert_int_eq(pthread_create(&revoking, NULL, revoke_all, NULL), 0);
    while (test_vault_number(&vault, "SELECT count(*) FROM audit WHERE act = 'key.revoke'") == 0)
        usleep(1000);
    for (bool all_rejected = false; !all_rejected;) {
        for (int i = 0; i < CLIENTS; i++)
            requests[i] = (sealring_renewal){
                .size = sizeof requests[i], .credential = many[i].text, .credential_length = strlen(many[i].text)};
        sealring_status status = sealring_renew(manager, requests, CLIENTS, &error);
        ck_assert_msg(status == SEALRING_OK || status == SEALRING_REGISTRY, "%s", error.message);
        all_rejected = true;
        for (int i = 0; i < CLIENTS; i++) {
            all_rejected = all_rejected && requests[i].result == SEALRING_RENEWAL_REJECTED;
            sealring_renewal_release(&requests[i]);
        }
    }
    ck_assert_int_eq(pthread_join(revoking, NULL), 0);
    ASSERT_OK(sealring_audit_list(manager, NULL, find_late_successor, &late, &error), error);
    ck_assert_uint_eq(late, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("renew");
    TCase *cases = tcase_create("renew");
    tcase_add_checked_fixture(cases, stage_open, stage_verify_and_close);
    tcase_set_timeout(cases, 300);
    tcase_add_test(cases, operators_decide_whether_a_ring_renews);
    tcase_add_test(cases, a_rotation_makes_a_successor_due);
    tcase_add_test(cases, each_generation_has_its_successor);
    tcase_add_test(cases, a_closed_successor_is_made_again);
    tcase_add_test(cases, after_a_reissue_each_has_its_own_successor);
    tcase_add_test(cases, a_policy_of_life_makes_short_ones);
    tcase_add_test(cases, without_a_life_the_end_stays);
    tcase_add_test(cases, no_successor_outlives_the_limit);
    tcase_add_test(cases, a_rekeyed_credential_has_no_successor);
    tcase_add_test(cases, a_batch_with_bad_requests);
    tcase_add_test(cases, an_imported_key_has_no_successor);
    tcase_add_test(cases, a_key_is_renewed_from_its_networks_only);
    tcase_add_test(cases, replicas_move_together);
    tcase_add_test(cases, a_dry_run_hands_out_nothing);
    tcase_add_test(cases, a_kill_loses_and_doubles_nothing);
    tcase_add_test(cases, no_successor_after_a_revocation);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
