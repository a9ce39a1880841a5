/* SPDX-License-Identifier: Apache-2.0 */
/* An edited registry under a running verifier (DESIGN, P4): no row makes a cached credential wider than the token derived it. */
#include <stdio.h>
#include <string.h>

#include "lib/runner.h"
#include "verifier/stage.h"

#define BRIEF_MS 1000

static struct stage stage;
static struct stage_key key, other;
static sealring_vault *vault;
static struct stage_log log_lines;

static void setup(void)
{
    stage_make(&stage, 0, 50);
    stage_issue(&stage, STAGE_RING, "read write", &key);
    stage_issue(&stage, STAGE_RING, "admin read", &other);
}

static void teardown(void)
{
    sealring_close(&vault);
    stage_remove(&stage);
}

/* Opens it, and sees these and the two credentials of the set-up. */
static void open_and_see(const struct stage_key *keys, size_t count)
{
    vault = stage_open_manual(&stage);
    sealring_set_log(vault, stage_log, &log_lines);
    for (size_t i = 0; i < count; i++) {
        test_vault_expect(vault, keys[i].text, "admin", SEALRING_REJECTED_SCOPE);
        stage_expect(vault, keys[i].text, SEALRING_ACCEPTED);
    }
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    stage_expect(vault, other.text, SEALRING_ACCEPTED);
}

#define OF_KEY "api_key = (SELECT id FROM api_key WHERE key_id = '%s')"

/* With SQL in hand, and %s for the credential's key ID. */
static const struct tampering {
    const char *what;
    const char *sql;
} tamperings[] = {
    {"expiry prolonged", "UPDATE credential SET expires = 4102444800000 WHERE " OF_KEY},
    {"expiry taken away", "UPDATE credential SET expires = 0 WHERE " OF_KEY},
    {"scopes widened", "UPDATE credential SET scopes = 'admin read write' WHERE " OF_KEY},
    {"narrowed to more", "UPDATE api_key SET narrowed = 1, narrowed_scopes = 'admin read write' WHERE key_id = '%s'"},
    {"moved to another client",
     "INSERT OR IGNORE INTO client (id, name, contact, created, forgotten) SELECT 77, 'mallory', '', created, 0 FROM client LIMIT 1;"
     "UPDATE api_key SET client = 77 WHERE key_id = '%s'"},
    {"not-before moved", "UPDATE credential SET not_before = 1 WHERE " OF_KEY},
    {"nonce changed", "UPDATE credential SET nonce = randomblob(16) WHERE " OF_KEY},
    {"serial changed", "UPDATE credential SET serial = 4000000 WHERE " OF_KEY},
    {"digest changed", "UPDATE credential SET digest = randomblob(32) WHERE " OF_KEY},
    {"client renamed", "UPDATE client SET name = 'eve' WHERE name <> 'mallory' AND '%s' <> ''"}, /* everybody's */
};
#define TAMPERINGS (sizeof tamperings / sizeof tamperings[0])
#define PROLONGING 2 /* the first ones */

static void tamper(const struct tampering *tampering, const struct stage_key *victim)
{
    char sql[1024];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(sql, sizeof sql, tampering->sql, victim->key_id);
#pragma GCC diagnostic pop
    test_vault_sql(&stage.vault, sql);
}

/* With another epoch a verifier looks for new facts. */
static void move_epoch(bool moves)
{
    if (moves)
        test_vault_sql(&stage.vault, "UPDATE vault SET epoch = epoch + 1");
}

/* Whatever the registry says now, the credential is what it was, or nothing. */
static void expect_no_wider(const struct tampering *tampering, const struct stage_key *victim, const char *scope)
{
    sealring_grant grant = {.size = sizeof grant};
    sealring_verdict verdict = sealring_verify(vault, victim->text, strlen(victim->text), scope, &grant);
    ck_assert_msg(scope == NULL || verdict != SEALRING_ACCEPTED, "%s: the scope %s is accepted", tampering->what,
                  scope);
    if (verdict != SEALRING_ACCEPTED && verdict != SEALRING_REJECTED_SCOPE)
        return;
    ck_assert_msg(strstr(grant.scopes, "admin") == NULL, "%s: granted %s", tampering->what, grant.scopes);
    ck_assert_msg(strcmp(grant.client, STAGE_CLIENT) == 0, "%s: granted to %s", tampering->what, grant.client);
    ck_assert_msg(grant.serial == 1, "%s: serial %u", tampering->what, grant.serial);
    ck_assert_msg(grant.expires == 0 && grant.not_before == 0, "%s: other times", tampering->what);
}

START_TEST(a_cached_credential_is_not_widened)
{
    stage_issue_many(&stage, STAGE_RING, TAMPERINGS);
    open_and_see(stage.keys, TAMPERINGS);
    for (size_t i = 0; i < TAMPERINGS; i++) {
        const struct stage_key *victim = &stage.keys[i];
        tamper(&tamperings[i], victim);
        expect_no_wider(&tamperings[i], victim, NULL);
        move_epoch(_i == 1);
        for (int j = 0; j < 3; j++) {
            stage_look(vault);
            expect_no_wider(&tamperings[i], victim, "admin");
            expect_no_wider(&tamperings[i], victim, NULL);
        }
    }
    /* nor does another verifier, or the same after a restart, see more */
    sealring_close(&vault);
    vault = stage_open_manual(&stage);
    for (size_t i = 0; i < TAMPERINGS; i++) {
        expect_no_wider(&tamperings[i], &stage.keys[i], "admin");
        expect_no_wider(&tamperings[i], &stage.keys[i], NULL);
    }
}
END_TEST

static bool is_past(void *context)
{
    return stage_wall_ms() >= *(int64_t *)context;
}

START_TEST(a_cached_credential_does_not_live_longer)
{
    struct stage_key brief[PROLONGING];
    /* how long the same takes now: a host under load may need many times as long */
    int64_t began = stage_wall_ms();
    for (size_t i = 0; i < PROLONGING; i++)
        stage_issue_timed(&stage, STAGE_RING, 0, 0, &brief[i]);
    open_and_see(brief, PROLONGING);
    sealring_close(&vault);
    int64_t expires = stage_wall_ms() + BRIEF_MS + 5 * (stage_wall_ms() - began);
    for (size_t i = 0; i < PROLONGING; i++)
        stage_issue_timed(&stage, STAGE_RING, 0, expires, &brief[i]);
    open_and_see(brief, PROLONGING);
    for (size_t i = 0; i < PROLONGING; i++)
        tamper(&tamperings[i], &brief[i]);
    move_epoch(_i == 1);
    stage_look(vault);
    expires += 10; /* a verifier's wall clock is one look old, to the millisecond */
    ck_assert(stage_wait(is_past, &expires));
    for (size_t i = 0; i < 2 * PROLONGING; i++) {
        sealring_verdict verdict = stage_ask(vault, brief[i % PROLONGING].text, NULL);
        ck_assert_msg(verdict == SEALRING_REJECTED_EXPIRED || verdict == SEALRING_REJECTED_BAD_SECRET, "%s: %s",
                      tamperings[i % PROLONGING].what, sealring_verdict_name(verdict));
        stage_look(vault);
    }
}
END_TEST

/* Another key's row takes the place of this one's: its wide scopes under this text. */
START_TEST(rows_cannot_swap_their_texts)
{
    char sql[1024];
    snprintf(
        sql, sizeof sql,
        "CREATE TEMP TABLE swap AS SELECT k.key_id AS owner, c.digest, c.nonce FROM credential c JOIN api_key k ON "
        "k.id = c.api_key;"
        "UPDATE credential SET digest = (SELECT digest FROM swap WHERE owner = '%s') WHERE " OF_KEY ";",
        key.key_id, other.key_id);
    open_and_see(NULL, 0);
    test_vault_sql(&stage.vault, sql);
    move_epoch(true);
    stage_look(vault);
    ck_assert_int_ne(stage_ask(vault, key.text, "admin"), SEALRING_ACCEPTED);
    sealring_close(&vault);
    vault = stage_open_manual(&stage);
    ck_assert_int_ne(stage_ask(vault, key.text, "admin"), SEALRING_ACCEPTED);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
}
END_TEST

/* A row of a version or ring that is another: a running verifier does not read it again, and one that starts goes by the facts. */
static const struct {
    const char *sql;
    bool served; /* by one that starts; not if the row does not lead to its facts */
} version_tamperings[] = {
    {"UPDATE version SET check_value = randomblob(8)", true}, {"UPDATE version SET object_id = randomblob(16)", true},
    {"UPDATE version SET state = 4, closed = 1", true},       {"UPDATE ring SET prefix = 'evil'", true},
    {"UPDATE ring SET ring_id = randomblob(16)", false},      {"UPDATE ring SET name = 'another'", false},
};

START_TEST(an_edited_row_of_a_version_or_ring_counts_for_nothing)
{
    open_and_see(NULL, 0);
    test_vault_sql(&stage.vault, version_tamperings[_i].sql);
    move_epoch(true);
    stage_look(vault);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    stage_expect(vault, other.text, SEALRING_ACCEPTED);
    sealring_close(&vault);
    memset(&log_lines, 0, sizeof log_lines);
    vault = stage_open_manual(&stage);
    sealring_set_log(vault, stage_log, &log_lines);
    stage_look(vault);
    ck_assert_uint_gt(log_lines.lines[SEALRING_LOG_ALARM], 0);
    ck_assert_int_ne(stage_ask(vault, key.text, "admin"), SEALRING_ACCEPTED);
    ck_assert_int_eq(stage_ask(vault, other.text, NULL),
                     version_tamperings[_i].served ? SEALRING_ACCEPTED : SEALRING_UNAVAILABLE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("claims");
    TCase *cases = tcase_create("claims");
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, a_cached_credential_is_not_widened, 0, 2);
    tcase_add_loop_test(cases, a_cached_credential_does_not_live_longer, 0, 2);
    tcase_add_test(cases, rows_cannot_swap_their_texts);
    tcase_add_loop_test(cases, an_edited_row_of_a_version_or_ring_counts_for_nothing, 0,
                        sizeof version_tamperings / sizeof *version_tamperings);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
