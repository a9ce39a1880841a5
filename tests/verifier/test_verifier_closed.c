/* SPDX-License-Identifier: Apache-2.0 */
/* What a running verifier knows to be closed stays closed (P3, P4): whoever writes the registry can neither hide nor undo it. */
#include <stdio.h>
#include <string.h>

#include "lib/runner.h"
#include "verifier/stage.h"

static struct stage stage;
static struct stage_key victim, other;
static sealring_vault *vault;
static struct stage_log lines;

static void setup(void)
{
    stage_make(&stage, 0, 50);
    stage_issue(&stage, STAGE_RING, "read write", &victim);
    stage_issue(&stage, STAGE_RING, "read write", &other);
    vault = stage_open_manual(&stage);
    sealring_set_log(vault, stage_log, &lines);
    memset(&lines, 0, sizeof lines);
}

static void teardown(void)
{
    sealring_close(&vault);
    stage_remove(&stage);
}

static void attack(const char *sql)
{
    test_vault_attack(&stage.vault, sql);
}

static void look_and_expect_revoked(void)
{
    stage_look(vault);
    stage_expect(vault, victim.text, SEALRING_REJECTED_REVOKED);
    stage_expect(vault, other.text, SEALRING_ACCEPTED);
}

/* ---- A revocation that somebody hides before the next poll */

static const char *const hidings[] = {
    "UPDATE api_key SET state = 1",
    "UPDATE vault SET epoch = epoch - 1",
    "UPDATE vault SET epoch = epoch - 1; UPDATE api_key SET state = 1",
    "UPDATE api_key SET key_id = '0000000000000000' WHERE state = 3",
};

START_TEST(hidden_revocation_is_followed)
{
    stage_expect(vault, victim.text, SEALRING_ACCEPTED); /* it is cached */
    stage_expect(vault, other.text, SEALRING_ACCEPTED);
    stage_set_state(&stage, victim.key_id, SEALRING_KEY_REVOKED);
    attack(hidings[_i]);
    stage_look(vault);
    sealring_verdict verdict = stage_ask(vault, victim.text, NULL);
    ck_assert_msg(verdict == SEALRING_REJECTED_REVOKED || verdict == SEALRING_REJECTED_UNKNOWN, "verdict %d",
                  (int)verdict);
    stage_expect(vault, other.text, SEALRING_ACCEPTED);
}
END_TEST

/* ---- One that somebody undoes after it */

static const char *const undoings[] = {
    "UPDATE api_key SET state = 1; UPDATE vault SET epoch = epoch + 1",
    ("DELETE FROM closed_fact; UPDATE api_key SET state = 1;"
     "UPDATE vault SET epoch = epoch + 1"),
    "DELETE FROM closed_fact; UPDATE api_key SET state = 1",
    "UPDATE closed_fact SET key_id = '0000000000000000' WHERE kind = 1; UPDATE api_key SET state = 1",
    "DELETE FROM closed_fact; UPDATE api_key SET state = 1; UPDATE vault SET epoch = epoch - 1",
    "DELETE FROM closed_fact; UPDATE api_key SET state = 1; UPDATE vault SET era = randomblob(16)",
    "DELETE FROM closed_fact; UPDATE api_key SET state = 1; DELETE FROM audit_key; UPDATE vault SET era = randomblob(16)",
};

START_TEST(undone_revocation_stays)
{
    stage_set_state(&stage, victim.key_id, SEALRING_KEY_REVOKED);
    look_and_expect_revoked();
    attack(undoings[_i]);
    for (int i = 0; i < 3; i++)
        look_and_expect_revoked();
    if (_i > 0 && _i != 3) /* a fact that was read is not read again: audit verify finds what was edited in place */
        ck_assert_uint_gt(lines.lines[SEALRING_LOG_ALARM] + lines.lines[SEALRING_LOG_WARNING], 0);
}
END_TEST

/* Further restrictions are followed while the registry's chain is broken. */
START_TEST(broken_chain_still_restricts)
{
    stage_set_state(&stage, victim.key_id, SEALRING_KEY_REVOKED);
    look_and_expect_revoked();
    attack("DELETE FROM closed_fact");
    stage_look(vault);
    ck_assert_uint_eq(lines.lines[SEALRING_LOG_ALARM], 1);
    ck_assert_ptr_nonnull(strstr(lines.last[SEALRING_LOG_ALARM], "has lost or changed what it recorded"));
    stage_expect(vault, other.text, SEALRING_ACCEPTED);
    attack(
        "INSERT INTO closed_fact VALUES (1, 1, (SELECT key_id FROM api_key WHERE state = 1), x'', 0, 3, randomblob(32), '')");
    stage_look(vault);
    stage_expect(vault, other.text, SEALRING_REJECTED_REVOKED);
    stage_expect(vault, victim.text, SEALRING_REJECTED_REVOKED);
    ck_assert_uint_eq(lines.lines[SEALRING_LOG_ALARM], 1); /* once */
}
END_TEST

/* ---- Suspensions and narrowings */

/* Before the poll that would see the restriction, and with what has to be found after it. */
static const char *const key_hidings[] = {
    "UPDATE api_key SET state = 1, narrowed = 0, narrowed_scopes = ''",
    "UPDATE vault SET epoch = epoch - 1",
    ("UPDATE vault SET epoch = epoch - 1;"
     "UPDATE api_key SET state = 1, narrowed = 0, narrowed_scopes = ''"),
};

static void expect_suspended_and_narrowed(void)
{
    stage_expect(vault, victim.text, SEALRING_REJECTED_SUSPENDED);
    ck_assert_int_eq(stage_ask(vault, other.text, "read"), SEALRING_ACCEPTED);
    ck_assert_int_eq(stage_ask(vault, other.text, "write"), SEALRING_REJECTED_SCOPE);
}

START_TEST(hidden_suspension_and_narrowing_are_followed)
{
    stage_expect(vault, victim.text, SEALRING_ACCEPTED); /* they are cached */
    stage_expect(vault, other.text, SEALRING_ACCEPTED);
    stage_set_state(&stage, victim.key_id, SEALRING_KEY_SUSPENDED);
    stage_narrow(&stage, other.key_id, "read");
    attack(key_hidings[_i]);
    stage_look(vault);
    expect_suspended_and_narrowed();
}
END_TEST

/* ---- Ends that rekeying sets */

#define UNEND "UPDATE credential SET replaced = 0, retire_at = 0, state = 1 WHERE serial = 1"

/* Between the commit and the poll, for a credential that is cached or not, and after a later poll. */
START_TEST(a_hidden_end_is_followed)
{
    static const char *const attacks[] = {
        UNEND,
        UNEND "; UPDATE vault SET epoch = epoch - 1",
        "UPDATE credential SET retire_at = 4102444800000 WHERE serial = 1",
        "UPDATE vault SET epoch = epoch - 1",
    };
    struct stage_key next;
    sealring_vault *cold;
    if (_i % 2 == 0)
        stage_expect(vault, victim.text, SEALRING_ACCEPTED);
    stage_rekey(&stage, victim.key_id, 0, &next);
    attack(attacks[_i / 2]);
    stage_look(vault);
    stage_expect(vault, victim.text, SEALRING_REJECTED_REVOKED);
    stage_expect(vault, other.text, SEALRING_ACCEPTED);
    attack(UNEND "; UPDATE vault SET epoch = epoch + 1");
    for (int i = 0; i < 2; i++) {
        stage_look(vault);
        stage_expect(vault, victim.text, SEALRING_REJECTED_REVOKED);
    }
    /* it was cached, so the poll that reads the fact reads the row */
    if (_i % 2 == 0 && strstr(attacks[_i / 2], "credential") != NULL)
        ck_assert_ptr_nonnull(strstr(lines.last[SEALRING_LOG_ALARM], "permit more than the facts"));
    stage_expect(vault, next.text, SEALRING_ACCEPTED);
    cold = stage_open_manual(&stage);
    stage_expect(cold, victim.text, SEALRING_REJECTED_REVOKED);
    stage_expect(cold, next.text, SEALRING_ACCEPTED);
    sealring_close(&cold);
}
END_TEST

/* After the poll. Facts that are gone are an alarm; rows are not read again. */
START_TEST(undone_suspension_and_narrowing_stay)
{
    static const char *const attacks[] = {
        "UPDATE vault SET epoch = epoch + 1; UPDATE api_key SET state = 1, narrowed = 0, narrowed_scopes = ''",
        "DELETE FROM closed_fact; UPDATE api_key SET state = 1, narrowed = 0, narrowed_scopes = ''",
        "UPDATE closed_fact SET state = 1, value = '0' || char(10) || char(10) || char(10) WHERE kind = 1",
        ("DELETE FROM closed_fact; UPDATE api_key SET state = 1, narrowed = 0, narrowed_scopes = '';"
         "UPDATE vault SET epoch = epoch - 1"),
        ("DELETE FROM closed_fact; UPDATE api_key SET state = 1, narrowed = 0, narrowed_scopes = '';"
         "UPDATE vault SET era = randomblob(16)"),
    };
    stage_set_state(&stage, victim.key_id, SEALRING_KEY_SUSPENDED);
    stage_narrow(&stage, other.key_id, "read");
    stage_look(vault);
    stage_expect(vault, victim.text, SEALRING_REJECTED_SUSPENDED); /* and cached so */
    stage_expect(vault, other.text, SEALRING_ACCEPTED);
    attack(attacks[_i]);
    for (int i = 0; i < 3; i++) {
        stage_look(vault);
        expect_suspended_and_narrowed();
    }
    if (_i != 0 && _i != 2) /* nor is a fact that was read: audit verify finds what was edited in place */
        ck_assert_uint_gt(lines.lines[SEALRING_LOG_ALARM] + lines.lines[SEALRING_LOG_WARNING], 0);
}
END_TEST

/* A forged fact that does not continue the chain permits nothing; one that restricts is followed. */
START_TEST(a_forged_fact_permits_nothing)
{
    stage_set_state(&stage, victim.key_id, SEALRING_KEY_SUSPENDED);
    stage_look(vault);
    attack(
        "INSERT INTO closed_fact SELECT (SELECT max(sequence) + 1 FROM closed_fact), 1, key_id, x'', 0, 1, randomblob(32), '0' || char(10) || char(10) || label || char(10)"
        " FROM api_key WHERE state = 2; UPDATE api_key SET state = 1;"
        "INSERT INTO closed_fact SELECT (SELECT max(sequence) + 1 FROM closed_fact), 1, key_id, x'', 0, 1, randomblob(32), '1' || char(10) || 'read' || char(10) || label || char(10)"
        " FROM api_key WHERE id = 2");
    stage_look(vault);
    ck_assert_uint_eq(lines.lines[SEALRING_LOG_ALARM], 1);
    expect_suspended_and_narrowed();
}
END_TEST

START_TEST(resumed_key_is_accepted_again)
{
    stage_set_state(&stage, victim.key_id, SEALRING_KEY_SUSPENDED);
    stage_look(vault);
    stage_expect(vault, victim.text, SEALRING_REJECTED_SUSPENDED);
    stage_set_state(&stage, victim.key_id, SEALRING_KEY_ACTIVE);
    stage_look(vault);
    stage_expect(vault, victim.text, SEALRING_ACCEPTED);
    ck_assert_uint_eq(lines.lines[SEALRING_LOG_ALARM], 0);
}
END_TEST

/* An act on an edited row starts from the facts, and corrects the row. */
START_TEST(an_act_corrects_an_edited_row)
{
    sealring_error error;
    stage_set_state(&stage, victim.key_id, SEALRING_KEY_SUSPENDED);
    attack("UPDATE api_key SET state = 1 WHERE state = 2");
    sealring_manager *manager = test_vault_manage(&stage.vault);
    ASSERT_OK(sealring_key_narrow(manager, victim.key_id, "read", &error), error);
    ck_assert_ptr_nonnull(strstr(sealring_manager_remark(manager), "the facts corrected the row of API key"));
    sealring_manager_close(&manager);
    ck_assert_int_eq(test_vault_number(&stage.vault, "SELECT count(*) FROM api_key WHERE state = 2 AND narrowed = 1"),
                     1);
    ck_assert_int_eq(test_vault_number(&stage.vault, "SELECT count(*) FROM audit WHERE act = 'alarm'"), 1);
    stage_look(vault);
    stage_expect(vault, victim.text, SEALRING_REJECTED_SUSPENDED);
}
END_TEST

/* ---- Versions */

static const char *const version_attacks[] = {
    "UPDATE version SET state = 3 WHERE state = 4",
    "UPDATE version SET was_compromised = 0, state = 3 WHERE number = 1",
    ("UPDATE version SET was_compromised = 0, state = 3 WHERE number = 1;"
     "DELETE FROM closed_fact; UPDATE vault SET epoch = epoch + 1"),
    "UPDATE vault SET epoch = epoch - 1",
};

/* _i: the attack; before the poll that would see the compromise, and after it. */
START_TEST(compromised_version_stays_closed)
{
    struct stage_key newer;
    bool looked = _i % 2 == 1;
    stage_event(&stage, STAGE_RING, SEALRING_EVENT_PREPARE, 0);
    stage_look(vault);
    stage_event(&stage, STAGE_RING, SEALRING_EVENT_ACTIVATE, 2);
    stage_issue(&stage, STAGE_RING, "read", &newer);
    stage_look(vault);
    stage_expect(vault, victim.text, SEALRING_ACCEPTED);
    stage_event(&stage, STAGE_RING, SEALRING_EVENT_COMPROMISE, 1);
    if (looked)
        stage_look(vault);
    if (!looked && _i / 2 == 2)
        return; /* whoever deletes the fact before anybody has read it hides it: only the anchor knows */
    attack(version_attacks[_i / 2]);
    for (int i = 0; i < 2; i++) {
        (void)sealring_maintain(vault, NULL, NULL);
        ck_assert_int_ne(stage_ask(vault, victim.text, NULL), SEALRING_ACCEPTED);
    }
    stage_look(vault);
    stage_expect(vault, newer.text, SEALRING_ACCEPTED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("verifier closed");
    TCase *cases = tcase_create("closed");
    tcase_set_timeout(cases, 240);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, hidden_revocation_is_followed, 0, sizeof hidings / sizeof *hidings);
    tcase_add_loop_test(cases, undone_revocation_stays, 0, sizeof undoings / sizeof *undoings);
    tcase_add_test(cases, broken_chain_still_restricts);
    tcase_add_loop_test(cases, hidden_suspension_and_narrowing_are_followed, 0,
                        sizeof key_hidings / sizeof *key_hidings);
    tcase_add_loop_test(cases, undone_suspension_and_narrowing_stay, 0, 5);
    tcase_add_loop_test(cases, a_hidden_end_is_followed, 0, 8);
    tcase_add_test(cases, a_forged_fact_permits_nothing);
    tcase_add_test(cases, resumed_key_is_accepted_again);
    tcase_add_test(cases, an_act_corrects_an_edited_row);
    tcase_add_loop_test(cases, compromised_version_stays_closed, 0,
                        2 * sizeof version_attacks / sizeof *version_attacks);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
