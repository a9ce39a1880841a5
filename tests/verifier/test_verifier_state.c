/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of state reach cached credentials at the next look, and leave the cache alone where nothing was closed. */
#include <stdio.h>
#include <string.h>

#include "lib/runner.h"
#include "verifier/stage.h"

static struct stage stage;
static struct stage_key key, bystander;
static sealring_vault *vault;

static void setup(void)
{
    stage_make(&stage, 0, 50);
    stage_issue(&stage, STAGE_RING, "read write", &key);
    stage_ring(&stage, "quiet", "acme_quiet", 60000);
    stage_issue(&stage, "quiet", "read", &bystander);
    vault = stage_open_manual(&stage);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    stage_expect(vault, bystander.text, SEALRING_ACCEPTED);
}

/* Whatever happened to the one, the other one is answered from memory. */
static void teardown(void)
{
    uint64_t cached = stage_statistics(vault).cached;
    stage_expect(vault, bystander.text, SEALRING_ACCEPTED);
    ck_assert_uint_eq(stage_statistics(vault).cached, cached + 1);
    sealring_close(&vault);
    stage_remove(&stage);
}

/* Looks, and expects the verdict without token or registry being asked: the entry is still there. */
static void expect_from_memory(const char *text, const char *scope, sealring_verdict expected)
{
    stage_look(vault);
    sealring_statistics before = stage_statistics(vault);
    test_vault_expect(vault, text, scope, expected);
    sealring_statistics after = stage_statistics(vault);
    ck_assert_uint_eq(after.cached, before.cached + 1);
    ck_assert_uint_eq(after.token_operations, before.token_operations);
    ck_assert_uint_eq(after.registry_lookups, before.registry_lookups);
}

/* Looks, and expects the rejection, now and later, without the token being asked. */
static void expect_closed(const char *text, sealring_verdict expected)
{
    stage_look(vault);
    sealring_statistics before = stage_statistics(vault);
    uint64_t sign = stage.counting->sign;
    stage_expect(vault, text, expected);
    stage_look(vault);
    stage_expect(vault, text, expected);
    ck_assert_uint_eq(stage_statistics(vault).token_operations, before.token_operations);
    ck_assert_uint_eq(stage.counting->sign, sign);
}

/* ---- API keys */

/* The verifier's time is a look's wall time plus the time since boot: two clocks that are not read at the same moment (look.c: CLOCK_APART_MS),
 * each cut to milliseconds. */
enum { ROUNDED_MS = 7 };

START_TEST(suspended_and_resumed)
{
    for (int i = 0; i < 3; i++) {
        stage_set_state(&stage, key.key_id, SEALRING_KEY_SUSPENDED);
        expect_from_memory(key.text, NULL, SEALRING_REJECTED_SUSPENDED);
        stage_set_state(&stage, key.key_id, SEALRING_KEY_ACTIVE);
        expect_from_memory(key.text, "read write", SEALRING_ACCEPTED);
    }
}
END_TEST

START_TEST(narrowed)
{
    sealring_grant grant = {.size = sizeof grant};
    stage_narrow(&stage, key.key_id, "read");
    expect_from_memory(key.text, "write", SEALRING_REJECTED_SCOPE);
    expect_from_memory(key.text, "read", SEALRING_ACCEPTED);
    ck_assert_int_eq(sealring_verify(vault, key.text, strlen(key.text), NULL, &grant), SEALRING_ACCEPTED);
    ck_assert_str_eq(grant.scopes, "read");
    stage_narrow(&stage, key.key_id, "");
    expect_from_memory(key.text, "read", SEALRING_REJECTED_SCOPE);
    expect_from_memory(key.text, NULL, SEALRING_ACCEPTED);
    ck_assert_int_eq(sealring_verify(vault, key.text, strlen(key.text), NULL, &grant), SEALRING_ACCEPTED);
    ck_assert_str_eq(grant.scopes, "");
}
END_TEST

START_TEST(revoked)
{
    stage_set_state(&stage, key.key_id, SEALRING_KEY_REVOKED);
    expect_closed(key.text, SEALRING_REJECTED_REVOKED);
    ck_assert_uint_eq(stage_statistics(vault).credentials, 1);
}
END_TEST

START_TEST(suspended_then_revoked_between_two_looks)
{
    stage_set_state(&stage, key.key_id, SEALRING_KEY_SUSPENDED);
    stage_set_state(&stage, key.key_id, SEALRING_KEY_ACTIVE);
    stage_set_state(&stage, key.key_id, SEALRING_KEY_REVOKED);
    expect_closed(key.text, SEALRING_REJECTED_REVOKED);
}
END_TEST

/* ---- Successors */

START_TEST(replaced_at_once)
{
    struct stage_key next;
    stage_rekey(&stage, key.key_id, 0, &next);
    expect_closed(key.text, SEALRING_REJECTED_REVOKED);
    stage_expect(vault, next.text, SEALRING_ACCEPTED);
    expect_from_memory(next.text, "read", SEALRING_ACCEPTED);
}
END_TEST

static bool is_rejected(void *context)
{
    return stage_ask(vault, ((const struct stage_key *)context)->text, NULL) != SEALRING_ACCEPTED;
}

START_TEST(replaced_after_an_overlap)
{
    enum { OVERLAP = 800 };
    struct stage_key next;
    sealring_grant grant = {.size = sizeof grant};
    int64_t before = stage_wall_ms();
    stage_rekey(&stage, key.key_id, OVERLAP, &next);
    int64_t after = stage_wall_ms();
    expect_from_memory(key.text, NULL, SEALRING_ACCEPTED);
    ck_assert_int_eq(sealring_verify(vault, key.text, strlen(key.text), NULL, &grant), SEALRING_ACCEPTED);
    ck_assert_int_ge(grant.sunset, before + OVERLAP);
    ck_assert_int_le(grant.sunset, after + OVERLAP);
    stage_expect(vault, next.text, SEALRING_ACCEPTED);
    ck_assert(stage_wait(is_rejected, &key)); /* no look is needed for that */
    ck_assert_int_ge(stage_wall_ms() + ROUNDED_MS, before + OVERLAP);
    stage_expect(vault, key.text, SEALRING_REJECTED_REVOKED);
    expect_from_memory(next.text, NULL, SEALRING_ACCEPTED);
}
END_TEST

/* ---- Versions */

START_TEST(rotated_and_rolled_back)
{
    sealring_grant grant = {.size = sizeof grant};
    stage_event(&stage, STAGE_RING, SEALRING_EVENT_ROTATE, 0);
    expect_from_memory(key.text, NULL, SEALRING_ACCEPTED);
    ck_assert_int_eq(sealring_verify(vault, key.text, strlen(key.text), NULL, &grant), SEALRING_ACCEPTED);
    ck_assert_int_eq(grant.version_state, SEALRING_VERSION_RETIRING);
    ck_assert_int_gt(grant.sunset, stage_wall_ms());
    stage_event(&stage, STAGE_RING, SEALRING_EVENT_ROLLBACK, 0);
    expect_from_memory(key.text, NULL, SEALRING_ACCEPTED);
    ck_assert_int_eq(sealring_verify(vault, key.text, strlen(key.text), NULL, &grant), SEALRING_ACCEPTED);
    ck_assert_int_eq(grant.version_state, SEALRING_VERSION_ACTIVE);
    ck_assert_int_eq(grant.sunset, 0);
}
END_TEST

START_TEST(retired_and_reinstated)
{
    struct stage_key next;
    stage_event(&stage, STAGE_RING, SEALRING_EVENT_ROTATE, 0);
    stage_reissue(&stage, key.key_id, &next);
    stage_look(vault);
    stage_expect(vault, next.text, SEALRING_ACCEPTED);
    for (int i = 0; i < 2; i++) {
        stage_event(&stage, STAGE_RING, SEALRING_EVENT_RETIRE, 1);
        expect_closed(key.text, SEALRING_REJECTED_VERSION_RETIRED);
        expect_from_memory(next.text, NULL, SEALRING_ACCEPTED);
        stage_event(&stage, STAGE_RING, SEALRING_EVENT_REINSTATE, 1);
        stage_look(vault);
        stage_expect(vault, key.text, SEALRING_ACCEPTED);
        expect_from_memory(key.text, "read write", SEALRING_ACCEPTED);
        stage_event(&stage, STAGE_RING, SEALRING_EVENT_ACTIVATE, 1);
        stage_event(&stage, STAGE_RING, SEALRING_EVENT_ROLLBACK, 0); /* version 1 is retiring again */
    }
}
END_TEST

START_TEST(retired_and_reinstated_between_two_looks)
{
    stage_event(&stage, STAGE_RING, SEALRING_EVENT_ROTATE, 0);
    stage_look(vault);
    stage_event(&stage, STAGE_RING, SEALRING_EVENT_RETIRE, 1);
    stage_event(&stage, STAGE_RING, SEALRING_EVENT_REINSTATE, 1);
    stage_look(vault);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
}
END_TEST

START_TEST(compromised)
{
    stage_event(&stage, STAGE_RING, SEALRING_EVENT_PREPARE, 0);
    stage_event(&stage, STAGE_RING, SEALRING_EVENT_COMPROMISE, 1);
    expect_closed(key.text, SEALRING_REJECTED_VERSION_COMPROMISED);
}
END_TEST

START_TEST(destroyed)
{
    stage_event(&stage, STAGE_RING, SEALRING_EVENT_ROTATE, 0);
    stage_event(&stage, STAGE_RING, SEALRING_EVENT_RETIRE, 1);
    stage_event(&stage, STAGE_RING, SEALRING_EVENT_DESTROY, 1);
    expect_closed(key.text, SEALRING_REJECTED_VERSION_RETIRED);
}
END_TEST

/* ---- Times, which need no look */

/* On a busy machine the two are read up to 5 ms apart, and each look reads them anew: a verdict that hangs on the time is another one only
 * this long after, whatever look comes between. */
enum { SURELY_MS = 20 };

static bool is_surely_past(void *context)
{
    return stage_wall_ms() >= *(const int64_t *)context + SURELY_MS;
}

START_TEST(expired_while_cached)
{
    enum { LIFE = 800 };
    struct stage_key brief;
    int64_t expires = stage_wall_ms() + LIFE;
    stage_issue_timed(&stage, STAGE_RING, 0, expires, &brief);
    stage_expect(vault, brief.text, SEALRING_ACCEPTED);
    uint64_t operations = stage_statistics(vault).token_operations;
    ck_assert(stage_wait(is_rejected, &brief));
    ck_assert_int_ge(stage_wall_ms() + ROUNDED_MS, expires);
    ck_assert(stage_wait(is_surely_past, &expires));
    stage_expect(vault, brief.text, SEALRING_REJECTED_EXPIRED);
    ck_assert_uint_eq(stage_statistics(vault).token_operations, operations);
}
END_TEST

static bool is_accepted(void *context)
{
    return stage_ask(vault, ((const struct stage_key *)context)->text, NULL) == SEALRING_ACCEPTED;
}

START_TEST(not_before_its_time)
{
    enum { AHEAD = 800 };
    struct stage_key early;
    int64_t not_before = stage_wall_ms() + AHEAD;
    stage_issue_timed(&stage, STAGE_RING, not_before, 0, &early);
    uint64_t operations = stage_statistics(vault).token_operations;
    stage_expect(vault, early.text, SEALRING_REJECTED_NOT_YET_VALID);
    ck_assert_uint_eq(stage_statistics(vault).token_operations, operations);
    ck_assert(stage_wait(is_accepted, &early));
    ck_assert_int_ge(stage_wall_ms() + ROUNDED_MS, not_before);
    ck_assert(stage_wait(is_surely_past, &not_before));
    expect_from_memory(early.text, NULL, SEALRING_ACCEPTED);
}
END_TEST

/* ---- Imported keys are credentials like others */

START_TEST(imported_and_changed)
{
    static const char text[] = "sk_live_4eC39HqLyjWDarjtT1zdp7dc";
    struct stage_key imported, next;
    stage_import(&stage, STAGE_RING, text, &imported);
    stage_look(vault); /* the vault's first import is known from the next look on */
    stage_expect(vault, text, SEALRING_ACCEPTED);
    expect_from_memory(text, "read", SEALRING_ACCEPTED);
    stage_set_state(&stage, imported.key_id, SEALRING_KEY_SUSPENDED);
    expect_from_memory(text, NULL, SEALRING_REJECTED_SUSPENDED);
    stage_set_state(&stage, imported.key_id, SEALRING_KEY_ACTIVE);
    stage_narrow(&stage, imported.key_id, "read");
    expect_from_memory(text, "write", SEALRING_REJECTED_SCOPE);
    expect_from_memory(text, "read", SEALRING_ACCEPTED);
    stage_reissue(&stage, imported.key_id, &next);
    expect_from_memory(text, "read", SEALRING_ACCEPTED); /* within the ring's overlap */
    stage_expect(vault, next.text, SEALRING_ACCEPTED);
    stage_set_state(&stage, imported.key_id, SEALRING_KEY_REVOKED);
    expect_closed(text, SEALRING_REJECTED_REVOKED);
    expect_closed(next.text, SEALRING_REJECTED_REVOKED);
}
END_TEST

/* ---- With the maintenance thread, in any number of verifiers: by itself, within the refresh time. */

START_TEST(every_verifier_sees_it_by_itself)
{
    enum { VERIFIERS = 4 };
    sealring_vault *vaults[VERIFIERS], *own = vault;
    for (size_t i = 0; i < VERIFIERS; i++) {
        vaults[i] = stage_open(&stage);
        stage_expect(vaults[i], key.text, SEALRING_ACCEPTED);
    }
    stage_set_state(&stage, key.key_id, SEALRING_KEY_REVOKED);
    int64_t since = stage_time_ms();
    for (size_t i = 0; i < VERIFIERS; i++) {
        vault = vaults[i];
        ck_assert(stage_wait(is_rejected, &key));
        stage_expect(vault, key.text, SEALRING_REJECTED_REVOKED);
    }
    ck_assert_int_le(stage_time_ms() - since, 2000); /* refresh is 50 ms; the machine may be busy */
    vault = own;
    for (size_t i = 0; i < VERIFIERS; i++)
        sealring_close(&vaults[i]);
}
END_TEST

START_TEST(maintain_tells_when_to_come_back)
{
    uint32_t next = 0;
    sealring_error error;
    ASSERT_OK(sealring_maintain(vault, &next, &error), error);
    ck_assert_uint_gt(next, 0);
    ck_assert_uint_le(next, 50);
    uint64_t looks = stage_statistics(vault).looks;
    uint64_t epoch = stage_statistics(vault).epoch;
    stage_set_state(&stage, key.key_id, SEALRING_KEY_SUSPENDED);
    ASSERT_OK(sealring_maintain(vault, NULL, &error), error);
    ck_assert_uint_eq(stage_statistics(vault).looks, looks + 1);
    ck_assert_uint_gt(stage_statistics(vault).epoch, epoch);
    ck_assert_uint_eq(stage_statistics(vault).epoch,
                      (uint64_t)test_vault_number(&stage.vault, "SELECT epoch FROM vault"));
}
END_TEST

/* With a thread whose turn is far away, maintain looks at once. */
START_TEST(maintain_beside_the_thread_looks_at_once)
{
    test_vault_timing(&stage.vault, 0, 30000);
    sealring_vault *slow = stage_open(&stage);
    stage_expect(slow, key.text, SEALRING_ACCEPTED);
    stage_set_state(&stage, key.key_id, SEALRING_KEY_REVOKED);
    stage_look(slow);
    stage_expect(slow, key.text, SEALRING_REJECTED_REVOKED);
    sealring_close(&slow);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state");
    TCase *cases = tcase_create("state");
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, suspended_and_resumed);
    tcase_add_test(cases, narrowed);
    tcase_add_test(cases, revoked);
    tcase_add_test(cases, suspended_then_revoked_between_two_looks);
    tcase_add_test(cases, replaced_at_once);
    tcase_add_test(cases, replaced_after_an_overlap);
    tcase_add_test(cases, rotated_and_rolled_back);
    tcase_add_test(cases, retired_and_reinstated);
    tcase_add_test(cases, retired_and_reinstated_between_two_looks);
    tcase_add_test(cases, compromised);
    tcase_add_test(cases, destroyed);
    tcase_add_test(cases, expired_while_cached);
    tcase_add_test(cases, not_before_its_time);
    tcase_add_test(cases, imported_and_changed);
    tcase_add_test(cases, every_verifier_sees_it_by_itself);
    tcase_add_test(cases, maintain_tells_when_to_come_back);
    tcase_add_test(cases, maintain_beside_the_thread_looks_at_once);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
