/* SPDX-License-Identifier: Apache-2.0 */
/* The PKCS#11 token is away, or lacks a key: what is cached is served, the rest is unavailable, and it heals without a restart. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/record_rows.h"
#include "lib/runner.h"
#include "verifier/stage.h"

#define KEYS 20

static struct stage stage;
static struct stage_key key;
static sealring_vault *vault;
static struct stage_log lines;
static unsigned next_key;

static void setup(void)
{
    stage_make(&stage, 0, 50);
    stage_issue(&stage, STAGE_RING, "read write", &key);
    stage_issue_many(&stage, STAGE_RING, KEYS);
}

static void teardown(void)
{
    sealring_close(&vault);
    stage_remove(&stage);
}

static void move_token(bool away)
{
    char here[160], there[176];
    snprintf(here, sizeof here, "%s/tokens/softhsm2", stage.vault.path);
    snprintf(there, sizeof there, "%s.away", here);
    ck_assert_int_eq(rename(away ? here : there, away ? there : here), 0);
}

/* One that this verifier never accepted is accepted: each time another. */
static bool first_sight_is_accepted(void *context)
{
    (void)context;
    return stage_ask(vault, stage.keys[next_key].text, NULL) == SEALRING_ACCEPTED;
}

START_TEST(cached_credentials_outlive_the_token)
{
    bool manual = _i == 0;
    vault = manual ? stage_open_manual(&stage) : stage_open(&stage);
    sealring_set_log(vault, stage_log, &lines);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    for (int round = 0; round < 2; round++) {
        sealring_grant grant = {.size = sizeof grant};
        sealring_statistics before = stage_statistics(vault);
        move_token(true);
        for (int i = 0; i < 200; i++) {
            stage_expect(vault, key.text, SEALRING_ACCEPTED);
            const char *first_sight = stage.keys[next_key + (unsigned)i % 3].text;
            ck_assert_int_eq(sealring_verify(vault, first_sight, strlen(first_sight), NULL, &grant),
                             SEALRING_UNAVAILABLE);
            ck_assert_uint_gt(strlen(grant.reason), 0);
            ck_assert_str_eq(grant.client, "");
        }
        stage_expect(vault, "nonsense", SEALRING_REJECTED_MALFORMED);
        if (manual) /* looks go on without the token, so the lease does, too */
            (void)sealring_maintain(vault, NULL, NULL);
        stage_expect(vault, key.text, SEALRING_ACCEPTED);
        ck_assert_uint_ge(stage_statistics(vault).credentials, before.credentials);
        move_token(false);
        ck_assert(stage_wait(first_sight_is_accepted, NULL));
        next_key += 4;
        ck_assert(stage_wait(first_sight_is_accepted, NULL));
        next_key++;
        stage_expect(vault, key.text, SEALRING_ACCEPTED);
    }
}
END_TEST

/* Revocation does not need the token. */
START_TEST(changes_take_effect_while_the_token_is_away)
{
    vault = stage_open_manual(&stage);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    stage_expect(vault, stage.keys[0].text, SEALRING_ACCEPTED);
    move_token(true);
    stage_set_state(&stage, key.key_id, SEALRING_KEY_REVOKED);
    stage_look(vault);
    stage_expect(vault, key.text, SEALRING_REJECTED_REVOKED);
    stage_expect(vault, stage.keys[0].text, SEALRING_ACCEPTED);
    move_token(false);
}
END_TEST

/* ---- A key that the token lacks: its ring is out of service, the others are not. */

/* As if the key had been made like that: servers follow the facts, and not the row, once they are signed. */
static void edit_orphan(const char *sql)
{
    struct stage_key signs;
    test_vault_sql(&stage.vault, sql);
    record_rows(&stage.vault);
    stage_issue(&stage, STAGE_RING, "read", &signs);
}

START_TEST(a_version_without_its_key_does_not_keep_the_vault_from_opening)
{
    struct stage_key orphan;
    sealring_error error = {0};
    stage_ring(&stage, "orphan", "acme_orphan", 60000);
    stage_issue(&stage, "orphan", "read", &orphan);
    edit_orphan(
        "UPDATE version SET object_id = randomblob(16) WHERE ring = (SELECT id FROM ring WHERE name = 'orphan')");
    vault = stage_open_manual(&stage);
    sealring_set_log(vault, stage_log, &lines);
    ck_assert_uint_eq(stage_statistics(vault).versions_unproved, 1);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    stage_expect(vault, orphan.text, SEALRING_UNAVAILABLE);
    ck_assert_int_eq(sealring_maintain(vault, NULL, &error), SEALRING_TOKEN);
    ck_assert_uint_gt(strlen(error.message), 0);
    ck_assert_uint_gt(lines.lines[SEALRING_LOG_WARNING] + lines.lines[SEALRING_LOG_ALARM], 0);
    stage_expect(vault, key.text, SEALRING_ACCEPTED); /* the lease goes on */
    ck_assert_int_gt(stage_statistics(vault).lease_left_ms, 0);
}
END_TEST

/* A key in its place that is another: its check value gives it away. */
START_TEST(a_version_with_another_key_alarms)
{
    struct stage_key orphan;
    stage_ring(&stage, "orphan", "acme_orphan", 60000);
    stage_issue(&stage, "orphan", "read", &orphan);
    edit_orphan(
        "UPDATE version SET check_value = randomblob(8) WHERE ring = (SELECT id FROM ring WHERE name = 'orphan')");
    vault = stage_open_manual(&stage);
    sealring_set_log(vault, stage_log, &lines);
    (void)sealring_maintain(vault, NULL, NULL);
    ck_assert_uint_eq(stage_statistics(vault).versions_unproved, 1);
    ck_assert_uint_gt(lines.lines[SEALRING_LOG_ALARM], 0);
    stage_expect(vault, orphan.text, SEALRING_UNAVAILABLE);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
}
END_TEST

/* A new version is proved by the look that brings it, or as soon as the token is back. */
static bool it_is_proved(void *context)
{
    (void)context;
    return sealring_maintain(vault, NULL, NULL) == SEALRING_OK && stage_statistics(vault).versions_unproved == 0;
}

START_TEST(a_new_version_is_proved_when_the_token_is_back)
{
    struct stage_key fresh;
    vault = stage_open_manual(&stage);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    stage_event(&stage, STAGE_RING, SEALRING_EVENT_ROTATE, 0);
    stage_issue(&stage, STAGE_RING, "read", &fresh);
    move_token(true);
    stage_expect(vault, stage.keys[0].text, SEALRING_UNAVAILABLE); /* from here on the module knows */
    ck_assert_int_eq(sealring_maintain(vault, NULL, NULL), SEALRING_TOKEN);
    ck_assert_uint_eq(stage_statistics(vault).versions_unproved, 1);
    stage_expect(vault, key.text, SEALRING_ACCEPTED);
    stage_expect(vault, fresh.text, SEALRING_UNAVAILABLE);
    move_token(false);
    ck_assert(stage_wait(it_is_proved, NULL));
    stage_expect(vault, fresh.text, SEALRING_ACCEPTED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("outage");
    TCase *cases = tcase_create("outage");
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, cached_credentials_outlive_the_token, 0, 2);
    tcase_add_test(cases, changes_take_effect_while_the_token_is_away);
    tcase_add_test(cases, a_version_without_its_key_does_not_keep_the_vault_from_opening);
    tcase_add_test(cases, a_version_with_another_key_alarms);
    tcase_add_test(cases, a_new_version_is_proved_when_the_token_is_back);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
