/* SPDX-License-Identifier: Apache-2.0 */
/* The key that signs the audit log is changed while verifiers run: they follow, and what the old key signs afterwards counts for nothing. */
#include <inttypes.h>
#include <sealring/backup.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/runner.h"
#include "log/checkpoint.h"
#include "manage/session/audit_token.h"
#include "manage/session/manager.h"
#include "registry/rows/closed_facts.h"
#include "verifier/stage.h"

static struct stage stage;
static struct stage_key victim, other;
static sealring_vault *vault;      /* opened before the change */
static sealring_manager *operator; /* likewise */
static struct stage_log lines;
static struct audit_keys old; /* the old key alone, as a thief has it */

static void setup(void)
{
    stage_make(&stage, 0, 50);
    stage_issue(&stage, STAGE_RING, "read write", &victim);
    stage_issue(&stage, STAGE_RING, "read write", &other);
    operator= test_vault_manage(&stage.vault);
    ck_assert(audit_keys_parse(operator->config->audit_key, &old, NULL));
    vault = stage_open_manual(&stage);
    sealring_set_log(vault, stage_log, &lines);
    memset(&lines, 0, sizeof lines);
    stage_look(vault);
}

static void teardown(void)
{
    sealring_close(&vault);
    sealring_manager_close(&operator);
    stage_remove(&stage);
}

static void change_key(sealring_audit_rekey_result *result)
{
    sealring_error error;
    sealring_manager *manager = test_vault_manage(&stage.vault);
    *result = (sealring_audit_rekey_result){.size = sizeof *result};
    ASSERT_OK(sealring_audit_rekey(manager, NULL, result, &error), error);
    ck_assert_str_eq(sealring_manager_remark(manager), "");
    sealring_manager_close(&manager);
}

static void expect(sealring_vault *of, sealring_verdict verdict)
{
    ck_assert_int_eq(stage_ask(of, victim.text, "write"), verdict);
    ck_assert_int_eq(stage_ask(of, other.text, "read"), SEALRING_ACCEPTED);
}

/* ---- Verifiers follow ---- */

/* _i: how often the key is changed between two polls. The acts are of a manager that was opened before. */
START_TEST(a_permission_after_the_change_counts)
{
    sealring_audit_rekey_result result;
    stage_set_state(&stage, victim.key_id, SEALRING_KEY_SUSPENDED);
    stage_look(vault);
    expect(vault, SEALRING_REJECTED_SUSPENDED);
    for (int changes = 0; changes < _i; changes++)
        change_key(&result);
    stage_set_state(&stage, victim.key_id, SEALRING_KEY_ACTIVE);
    stage_look(vault);
    expect(vault, SEALRING_ACCEPTED);
    sealring_vault *fresh = stage_open_manual(&stage);
    expect(fresh, SEALRING_ACCEPTED);
    sealring_close(&fresh);
    for (int polls = 0; polls < 20; polls++)
        stage_look(vault);
    ck_assert_uint_eq(lines.lines[SEALRING_LOG_ALARM], 0);
    ck_assert_uint_eq(lines.lines[SEALRING_LOG_WARNING], 0);
}
END_TEST

/* ---- The stolen key ---- */

struct state {
    uint8_t vault_id[REGISTRY_ID_SIZE], era[REGISTRY_ID_SIZE];
    uint64_t facts, entries;
    uint8_t head[REGISTRY_DIGEST_SIZE];
};

static void read_state(struct state *state)
{
    sqlite3 *database = NULL;
    sqlite3_stmt *row = NULL;
    ck_assert_int_eq(sqlite3_open_v2(stage.vault.registry, &database, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_busy_timeout(database, 10000);
    ck_assert_int_eq(
        sqlite3_prepare_v2(database,
                           "SELECT v.vault_id, v.era, f.sequence, f.hash, (SELECT max(size) FROM checkpoint)"
                           " FROM vault v, closed_fact f ORDER BY f.sequence DESC LIMIT 1",
                           -1, &row, NULL),
        SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(row), SQLITE_ROW);
    memcpy(state->vault_id, sqlite3_column_blob(row, 0), sizeof state->vault_id);
    memcpy(state->era, sqlite3_column_blob(row, 1), sizeof state->era);
    state->facts = (uint64_t)sqlite3_column_int64(row, 2);
    memcpy(state->head, sqlite3_column_blob(row, 3), sizeof state->head);
    state->entries = (uint64_t)sqlite3_column_int64(row, 4);
    sqlite3_finalize(row);
    sqlite3_close(database);
}

static void hex(const uint8_t *bytes, size_t length, char *text)
{
    for (size_t i = 0; i < length; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

/* The fact that resumes the key, as the next one of the chain. */
static void forge_fact(struct state *state)
{
    struct registry_closed fact = {.sequence = ++state->facts, .state = SEALRING_KEY_ACTIVE, .value = "0\n\n\n"};
    char digits[2 * REGISTRY_DIGEST_SIZE + 1];
    memcpy(fact.key_id, victim.key_id, sizeof fact.key_id);
    registry_closed_hash(state->head, &fact, state->head);
    hex(state->head, sizeof state->head, digits);
    char *sql = sqlite3_mprintf("UPDATE api_key SET state = 1 WHERE state = 2;"
                                "UPDATE vault SET epoch = epoch + 1;"
                                "INSERT INTO closed_fact VALUES (%lld, 1, %Q, x'', 0, 1, x'%s', %Q)",
                                (long long)fact.sequence, fact.key_id, digits, fact.value);
    test_vault_attack(&stage.vault, sql);
    sqlite3_free(sql);
}

/* A checkpoint under the old key. */
static void sign(const struct state *state, uint64_t size)
{
    sealring_error error;
    char text[CHECKPOINT_TEXT_SIZE], note[REGISTRY_NOTE_SIZE];
    struct checkpoint checkpoint = {.size = size, .closed_count = state->facts, .time = stage_wall_ms()};
    checkpoint_origin(state->vault_id, checkpoint.origin);
    memcpy(checkpoint.era, state->era, sizeof checkpoint.era);
    memcpy(checkpoint.closed.bytes, state->head, sizeof checkpoint.closed.bytes);
    checkpoint_format(&checkpoint, text);
    ASSERT_OK(witness_sign_note(operator->config, state->vault_id, &old, text, note, &error), error);
    char *sql = sqlite3_mprintf("DELETE FROM checkpoint WHERE size = %lld; INSERT INTO checkpoint VALUES (%lld, 1, %Q)",
                                (long long)size, (long long)size, note);
    test_vault_attack(&stage.vault, sql);
    sqlite3_free(sql);
}

enum theft { BEYOND, BACKDATED, BEFORE_ITS_END, ANOTHER_ERA, THEFTS };

/* _i / THEFTS: 1: the server has not polled since the change; it follows in the poll that finds the forgery. */
START_TEST(a_stolen_old_key_signs_nothing_new)
{
    struct state state;
    sealring_audit_rekey_result result;
    enum theft theft = (enum theft)(_i % THEFTS);
    stage_set_state(&stage, victim.key_id, SEALRING_KEY_SUSPENDED);
    change_key(&result);
    if (_i < THEFTS)
        stage_look(vault);
    read_state(&state);
    forge_fact(&state);
    if (theft == ANOTHER_ERA) {
        char digits[2 * REGISTRY_ID_SIZE + 1];
        state.era[0] ^= 1;
        hex(state.era, sizeof state.era, digits);
        char *sql = sqlite3_mprintf("UPDATE vault SET era = x'%s'", digits);
        test_vault_attack(&stage.vault, sql);
        sqlite3_free(sql);
    }
    sign(&state, theft == BEYOND ? state.entries + 1 : theft == BEFORE_ITS_END ? result.entries - 1 : result.entries);
    for (int polls = 0; polls < 20; polls++) {
        stage_look(vault);
        expect(vault, SEALRING_REJECTED_SUSPENDED);
    }
    if (theft == BEYOND) {
        sealring_vault *fresh = stage_open_manual(&stage);
        expect(fresh, SEALRING_REJECTED_SUSPENDED);
        sealring_close(&fresh);
    }
    sealring_error error = {.message = ""};
    ck_assert_int_ne(sealring_client_add(operator, "probe", NULL, &error), SEALRING_OK);
    if (theft < ANOTHER_ERA)
        ck_assert_msg(strstr(error.message, "no signature covers fact") != NULL, "%s", error.message);
}
END_TEST

/* What was suspended before the change is missing in another era, which the old key began over the facts that it may cover. */
START_TEST(a_stolen_old_key_begins_no_era)
{
    struct state state;
    sealring_audit_rekey_result result;
    char digits[2 * REGISTRY_ID_SIZE + 1];
    read_state(&state);
    stage_set_state(&stage, victim.key_id, SEALRING_KEY_SUSPENDED);
    change_key(&result);
    stage_look(vault);
    state.era[0] ^= 1;
    hex(state.era, sizeof state.era, digits);
    char *sql = sqlite3_mprintf("UPDATE api_key SET state = 1; UPDATE vault SET era = x'%s', epoch = epoch + 1;"
                                "DELETE FROM closed_fact WHERE sequence > %lld; DELETE FROM checkpoint",
                                digits, (long long)state.facts);
    test_vault_attack(&stage.vault, sql);
    sqlite3_free(sql);
    sign(&state, result.entries - 1);
    for (int polls = 0; polls < 5; polls++) {
        stage_look(vault);
        ck_assert_int_eq(stage_ask(vault, victim.text, "write"), SEALRING_REJECTED_SUSPENDED);
    }
}
END_TEST

/* Before the change the same forgery is believed: the thief has the key that signs. */
START_TEST(the_attempt_is_a_real_one)
{
    struct state state;
    stage_set_state(&stage, victim.key_id, SEALRING_KEY_SUSPENDED);
    stage_look(vault);
    expect(vault, SEALRING_REJECTED_SUSPENDED);
    read_state(&state);
    forge_fact(&state);
    sign(&state, state.entries + 1);
    stage_look(vault);
    expect(vault, SEALRING_ACCEPTED);
}
END_TEST

/* ---- A registry from before ---- */

START_TEST(a_registry_from_before_the_change_opens_no_server)
{
    sealring_audit_rekey_result result;
    sealring_vault *fresh = NULL;
    sealring_error error = {.message = ""};
    char command[3 * PATH_MAX];
    sealring_close(&vault);
    sealring_manager_close(&operator);
    snprintf(command, sizeof command, "cp -a '%s/registry' '%s/before'", stage.vault.path, stage.vault.path);
    ck_assert_int_eq(system(command), 0);
    change_key(&result);
    snprintf(command, sizeof command, "cd '%s' && rm -f verifiers/*.report registry/* && cp -a before/* registry/",
             stage.vault.path);
    ck_assert_int_eq(system(command), 0);
    ck_assert_int_ne(sealring_open(stage.vault.path, NULL, &fresh, &error), SEALRING_OK);
    ck_assert_msg(strstr(error.message, "before the change of its audit key") != NULL, "%s", error.message);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("verifier_rekey");
    TCase *cases = tcase_create("verifier_rekey");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, a_permission_after_the_change_counts, 1, 4);
    tcase_add_loop_test(cases, a_stolen_old_key_signs_nothing_new, 0, 2 * THEFTS);
    tcase_add_test(cases, a_stolen_old_key_begins_no_era);
    tcase_add_test(cases, the_attempt_is_a_real_one);
    tcase_add_test(cases, a_registry_from_before_the_change_opens_no_server);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
