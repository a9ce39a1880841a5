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
    "UPDATE api_key SET changed_epoch = 1",
    "UPDATE api_key SET changed_epoch = 1, state = 1",
    "UPDATE vault SET epoch = epoch - 1",
    "UPDATE vault SET epoch = epoch - 1; UPDATE api_key SET state = 1, changed_epoch = 1",
    "UPDATE api_key SET key_id = '0000000000000000', changed_epoch = 1 WHERE state = 3",
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
    ("DELETE FROM closed_fact; UPDATE api_key SET state = 1, changed_epoch = changed_epoch + 1;"
     "UPDATE vault SET epoch = epoch + 1"),
    "DELETE FROM closed_fact; UPDATE api_key SET state = 1",
    "UPDATE closed_fact SET key_id = '0000000000000000'; UPDATE api_key SET state = 1",
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
        "INSERT INTO closed_fact VALUES (1, 1, (SELECT key_id FROM api_key WHERE state = 1), x'', 0, 3, randomblob(32))");
    stage_look(vault);
    stage_expect(vault, other.text, SEALRING_REJECTED_REVOKED);
    stage_expect(vault, victim.text, SEALRING_REJECTED_REVOKED);
    ck_assert_uint_eq(lines.lines[SEALRING_LOG_ALARM], 1); /* once */
}
END_TEST

/* ---- Versions */

static const char *const version_attacks[] = {
    "UPDATE version SET changed_epoch = 1",
    "UPDATE version SET changed_epoch = 1, was_compromised = 0, state = 3 WHERE number = 1",
    ("UPDATE version SET was_compromised = 0, state = 3, changed_epoch = changed_epoch + 1 WHERE number = 1;"
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
    tcase_add_loop_test(cases, compromised_version_stays_closed, 0,
                        2 * sizeof version_attacks / sizeof *version_attacks);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
