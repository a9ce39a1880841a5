/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever writes the registry, also with facts that continue the hash chain, permits nothing (P4): a verifier waits for a checkpoint that the vault's
 * audit key signed. */
#include <inttypes.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
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
static struct stage_key victim, other, newer;
static sealring_vault *vault;
static sealring_manager *signer; /* its audit token signs what a test wants */
static struct stage_log lines;

static void setup(void)
{
    stage_make(&stage, 0, 50);
    stage_issue(&stage, STAGE_RING, "read write", &victim);
    stage_issue(&stage, STAGE_RING, "read write", &other);
    signer = test_vault_manage(&stage.vault);
    vault = stage_open_manual(&stage);
    sealring_set_log(vault, stage_log, &lines);
    memset(&lines, 0, sizeof lines);
}

static void teardown(void)
{
    sealring_close(&vault);
    sealring_manager_close(&signer);
    stage_remove(&stage);
}

/* ---- What is in the registry */

struct state {
    uint8_t vault_id[REGISTRY_ID_SIZE], era[REGISTRY_ID_SIZE];
    char vkey[REGISTRY_VKEY_SIZE];
    uint64_t facts, entries; /* entries: the largest size of a checkpoint */
    uint8_t head[REGISTRY_DIGEST_SIZE];
};

static void read_state(struct state *state)
{
    sqlite3 *database = NULL;
    sqlite3_stmt *row = NULL;
    ck_assert_int_eq(sqlite3_open_v2(stage.vault.registry, &database, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_busy_timeout(database, 10000);
    ck_assert_int_eq(sqlite3_prepare_v2(database,
                                        "SELECT v.vault_id, v.era, (SELECT vkey FROM audit_key), f.sequence, f.hash,"
                                        " (SELECT max(size) FROM checkpoint) FROM vault v, closed_fact f"
                                        " ORDER BY f.sequence DESC LIMIT 1",
                                        -1, &row, NULL),
                     SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(row), SQLITE_ROW);
    memcpy(state->vault_id, sqlite3_column_blob(row, 0), sizeof state->vault_id);
    memcpy(state->era, sqlite3_column_blob(row, 1), sizeof state->era);
    const unsigned char *vkey = sqlite3_column_text(row, 2);
    snprintf(state->vkey, sizeof state->vkey, "%s", vkey == NULL ? "" : (const char *)vkey);
    state->facts = (uint64_t)sqlite3_column_int64(row, 3);
    memcpy(state->head, sqlite3_column_blob(row, 4), sizeof state->head);
    state->entries = (uint64_t)sqlite3_column_int64(row, 5);
    sqlite3_finalize(row);
    sqlite3_close(database);
}

static void attack(const char *sql)
{
    test_vault_attack(&stage.vault, sql);
}

/* ---- Facts that continue the chain */

/* Adds the statement that appends the fact. */
static char *forge(char *sql, struct state *state, struct registry_closed *fact)
{
    fact->sequence = ++state->facts;
    registry_closed_hash(state->head, fact, fact->hash);
    memcpy(state->head, fact->hash, sizeof state->head);
    char hash[2 * REGISTRY_DIGEST_SIZE + 1], ring_id[2 * REGISTRY_ID_SIZE + 1] = "";
    for (size_t i = 0; i < sizeof fact->hash; i++)
        snprintf(hash + 2 * i, 3, "%02x", fact->hash[i]);
    for (size_t i = 0; fact->is_version && i < sizeof fact->ring_id; i++)
        snprintf(ring_id + 2 * i, 3, "%02x", fact->ring_id[i]);
    char *longer = sqlite3_mprintf("%z INSERT INTO closed_fact VALUES (%lld, %d, %Q, x'%s', %u, %d, x'%s', %Q);", sql,
                                   (long long)fact->sequence, fact->is_version ? 2 : 1, fact->key_id, ring_id,
                                   fact->version, fact->state, hash, fact->value);
    ck_assert_ptr_nonnull(longer);
    return longer;
}

static char *forge_key(char *sql, struct state *state, const char *key_id, sealring_key_state values,
                       const char *scopes)
{
    struct registry_closed fact = {.state = (int)values};
    snprintf(fact.key_id, sizeof fact.key_id, "%s", key_id);
    snprintf(fact.value, sizeof fact.value, "%d\n%s\n\n", scopes != NULL, scopes != NULL ? scopes : "");
    return forge(sql, state, &fact);
}

static char *forge_reinstatement(char *sql, struct state *state)
{
    struct registry_closed fact = {.is_version = true, .version = 1, .state = SEALRING_VERSION_PENDING};
    sqlite3 *database = NULL;
    sqlite3_stmt *row = NULL;
    ck_assert_int_eq(sqlite3_open_v2(stage.vault.registry, &database, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    ck_assert_int_eq(
        sqlite3_prepare_v2(
            database,
            "SELECT r.ring_id, lower(hex(v.object_id)) || char(10) || lower(hex(v.check_value)) ||"
            " char(10) || v.prf || char(10) || v.origin || char(10) || lower(hex(coalesce(v.public_key, ''))) ||"
            " char(10) || '0' || char(10) || v.activated || char(10) || '0' || char(10) || '0' ||"
            " char(10) || '0' || char(10) || '0' FROM version v JOIN ring r ON r.id = v.ring"
            " WHERE v.number = 1",
            -1, &row, NULL),
        SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(row), SQLITE_ROW);
    memcpy(fact.ring_id, sqlite3_column_blob(row, 0), sizeof fact.ring_id);
    snprintf(fact.value, sizeof fact.value, "%s", (const char *)sqlite3_column_text(row, 1));
    sqlite3_finalize(row);
    sqlite3_close(database);
    return forge(sql, state, &fact);
}

/* ---- Checkpoints */

static void describe(const struct state *state, struct checkpoint *checkpoint)
{
    *checkpoint =
        (struct checkpoint){.size = state->entries + 1, .closed_count = state->facts, .time = stage_wall_ms()};
    checkpoint_origin(state->vault_id, checkpoint->origin);
    memcpy(checkpoint->era, state->era, sizeof checkpoint->era);
    memcpy(checkpoint->closed.bytes, state->head, sizeof checkpoint->closed.bytes);
}

static void insert_note(uint64_t size, const char *note)
{
    char *sql = sqlite3_mprintf("INSERT INTO checkpoint VALUES (%lld, 1, %Q)", (long long)size, note);
    attack(sql);
    sqlite3_free(sql);
}

static void sign_and_insert(const struct state *state, const struct checkpoint *checkpoint, uint64_t size)
{
    sealring_error error;
    struct audit_keys keys;
    char text[CHECKPOINT_TEXT_SIZE], note[REGISTRY_NOTE_SIZE];
    checkpoint_format(checkpoint, text);
    ck_assert(audit_keys_parse(state->vkey, &keys, NULL));
    ASSERT_OK(witness_sign_note(signer->config, state->vault_id, &keys, text, note, &error), error);
    insert_note(size, note);
}

static void sign_all(struct state *state)
{
    struct checkpoint checkpoint;
    read_state(state);
    describe(state, &checkpoint);
    sign_and_insert(state, &checkpoint, checkpoint.size);
}

/* By a key of the vault's name that is not the vault's. */
static void sign_with_another_key(const struct state *state, const struct checkpoint *checkpoint)
{
    uint8_t public_key[NOTE_PUBLIC_MAX], signature[NOTE_SIGNATURE_MAX];
    size_t public_length = sizeof public_key, length = sizeof signature;
    char text[CHECKPOINT_TEXT_SIZE], line[NOTE_LINE_SIZE], note[REGISTRY_NOTE_SIZE];
    struct note_key key;
    EVP_PKEY *pair = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    EVP_MD_CTX *signing = EVP_MD_CTX_new();
    (void)state;
    checkpoint_format(checkpoint, text);
    ck_assert_int_eq(EVP_PKEY_get_raw_public_key(pair, public_key, &public_length), 1);
    ck_assert(note_key_make(checkpoint->origin, NOTE_ED25519, public_key, public_length, &key));
    ck_assert_int_eq(EVP_DigestSignInit(signing, NULL, NULL, NULL, pair), 1);
    ck_assert_int_eq(EVP_DigestSign(signing, signature, &length, (const unsigned char *)text, strlen(text)), 1);
    ck_assert(note_sign_line(&key, signature, length, line));
    snprintf(note, sizeof note, "%s\n%s", text, line);
    insert_note(checkpoint->size, note);
    EVP_MD_CTX_free(signing);
    EVP_PKEY_free(pair);
}

/* ---- Four permissions */

enum permission { RESUME, WIDEN, REINSTATE, UNBIND, PERMISSIONS };

static void restrict_first(enum permission permission)
{
    if (permission == RESUME) {
        stage_set_state(&stage, victim.key_id, SEALRING_KEY_SUSPENDED);
    } else if (permission == WIDEN) {
        stage_narrow(&stage, victim.key_id, "read");
    } else if (permission == UNBIND) {
        stage_bind(&stage, victim.key_id, "10.0.0.0/8");
    } else {
        stage_event(&stage, STAGE_RING, SEALRING_EVENT_PREPARE, 0);
        stage_look(vault);
        stage_event(&stage, STAGE_RING, SEALRING_EVENT_ACTIVATE, 2);
        stage_issue(&stage, STAGE_RING, "read", &newer);
        stage_event(&stage, STAGE_RING, SEALRING_EVENT_RETIRE, 1);
    }
    stage_look(vault);
}

static void forge_permission(enum permission permission)
{
    static const char *const rows[PERMISSIONS] = {
        "UPDATE api_key SET state = 1 WHERE state = 2;",
        ("UPDATE api_key SET narrowed = 0, narrowed_scopes = ''"
         " WHERE narrowed = 1;"),
        ("UPDATE version SET state = 1, retire_at = 0, closed = 0, purge_at = 0, closing_owed = 0"
         " WHERE number = 1;"),
        "",
    };
    struct state state;
    read_state(&state);
    char *sql = sqlite3_mprintf("%s UPDATE vault SET epoch = epoch + 1;", rows[permission]);
    sql = permission == REINSTATE ? forge_reinstatement(sql, &state)
                                  : forge_key(sql, &state, victim.key_id, SEALRING_KEY_ACTIVE, NULL);
    attack(sql);
    sqlite3_free(sql);
}

/* An act as it is committed, without the checkpoint that covers it; then that, without a change of the epoch. No act widens a key's scopes. */
static void permit(enum permission permission, struct state *before)
{
    char hide[128];
    struct state signs;
    read_state(before);
    if (permission == WIDEN) {
        forge_permission(permission);
        sign_all(&signs);
    } else if (permission == RESUME) {
        stage_set_state(&stage, victim.key_id, SEALRING_KEY_ACTIVE);
    } else if (permission == UNBIND) {
        stage_bind(&stage, victim.key_id, "any");
    } else {
        stage_event(&stage, STAGE_RING, SEALRING_EVENT_REINSTATE, 1);
    }
    snprintf(hide, sizeof hide, "UPDATE checkpoint SET note = 'x' || note WHERE size > %" PRIu64, before->entries);
    attack(hide);
}

static void sign_permission(const struct state *before)
{
    char show[128];
    snprintf(show, sizeof show, "UPDATE checkpoint SET note = substr(note, 2) WHERE size > %" PRIu64, before->entries);
    attack(show);
}

static void expect_restricted(sealring_vault *of, enum permission permission)
{
    static const sealring_verdict verdicts[PERMISSIONS] = {SEALRING_REJECTED_SUSPENDED, SEALRING_REJECTED_SCOPE,
                                                           SEALRING_REJECTED_VERSION_RETIRED,
                                                           SEALRING_REJECTED_ADDRESS};
    ck_assert_int_eq(stage_ask(of, victim.text, "write"), verdicts[permission]);
    ck_assert_int_eq(stage_ask(of, permission == REINSTATE ? newer.text : other.text, "read"), SEALRING_ACCEPTED);
}

static void expect_permitted(sealring_vault *of)
{
    ck_assert_int_eq(stage_ask(of, victim.text, "write"), SEALRING_ACCEPTED);
}

/* A forged fact, and the row that fits: neither a running server follows it, nor one that starts afterwards. It is reported once. */
START_TEST(a_forged_permission_changes_no_verdict)
{
    sealring_vault *fresh;
    restrict_first((enum permission)_i);
    expect_restricted(vault, (enum permission)_i);
    memset(&lines, 0, sizeof lines);
    forge_permission((enum permission)_i);
    for (int i = 0; i < 30; i++) {
        stage_look(vault);
        expect_restricted(vault, (enum permission)_i);
    }
    ck_assert_uint_eq(lines.lines[SEALRING_LOG_WARNING], 1);
    ck_assert_ptr_nonnull(strstr(lines.last[SEALRING_LOG_WARNING], "(1 of them)"));
    fresh = stage_open_manual(&stage);
    for (int i = 0; i < 2; i++) {
        expect_restricted(fresh, (enum permission)_i);
        stage_look(fresh);
    }
    sealring_close(&fresh);
}
END_TEST

/* _i % 2: the credential was presented before. */
START_TEST(a_permission_counts_when_its_signature_is_there)
{
    enum permission permission = (enum permission)(_i / 2);
    struct state before;
    restrict_first(permission);
    if (_i % 2 == 1)
        expect_restricted(vault, permission);
    permit(permission, &before);
    for (int i = 0; i < 3; i++) {
        stage_look(vault);
        if (i > 0 || _i % 2 == 1)
            expect_restricted(vault, permission);
    }
    sealring_vault *fresh = stage_open_manual(&stage);
    expect_restricted(fresh, permission);
    sign_permission(&before);
    stage_look(vault);
    expect_permitted(vault);
    stage_look(fresh);
    expect_permitted(fresh);
    sealring_close(&fresh);
    expect_permitted(vault); /* from the cache */
}
END_TEST

/* ---- Checkpoints that cover nothing */

static void insert_garbage(struct state *state, struct checkpoint *checkpoint)
{
    (void)state;
    insert_note(checkpoint->size, "no signed note");
}

static void insert_of_another_key(struct state *state, struct checkpoint *checkpoint)
{
    sign_with_another_key(state, checkpoint);
}

static void insert_of_another_era(struct state *state, struct checkpoint *checkpoint)
{
    checkpoint->era[0] ^= 1;
    sign_and_insert(state, checkpoint, checkpoint->size);
}

static void insert_of_another_hash(struct state *state, struct checkpoint *checkpoint)
{
    checkpoint->closed.bytes[0] ^= 1;
    sign_and_insert(state, checkpoint, checkpoint->size);
}

/* The hash of the last fact as the registry's column then contains it; the verifier has read that fact. */
static void insert_with_an_edited_column(struct state *state, struct checkpoint *checkpoint)
{
    insert_of_another_hash(state, checkpoint);
    stage_look(vault);
    char *sql =
        sqlite3_mprintf("UPDATE closed_fact SET hash = CAST(x'%02x' || substr(hash, 2) AS BLOB) WHERE sequence = %lld",
                        checkpoint->closed.bytes[0], (long long)state->facts);
    attack(sql);
    sqlite3_free(sql);
}

static void insert_in_another_row(struct state *state, struct checkpoint *checkpoint)
{
    sign_and_insert(state, checkpoint, checkpoint->size + 5);
}

static void insert_of_more_facts(struct state *state, struct checkpoint *checkpoint)
{
    checkpoint->closed_count += 3;
    sign_and_insert(state, checkpoint, checkpoint->size);
}

static void insert_of_fewer_facts(struct state *state, struct checkpoint *checkpoint)
{
    checkpoint->closed_count--;
    sign_and_insert(state, checkpoint, checkpoint->size);
}

static void (*const inserts[])(struct state *state, struct checkpoint *checkpoint) = {
    insert_garbage,         insert_of_another_key,        insert_of_another_era,
    insert_of_another_hash, insert_with_an_edited_column, insert_in_another_row,
    insert_of_more_facts,   insert_of_fewer_facts,
};

/* Over a forged permission. Then one that is good, though those rows remain in front of it or behind it. */
START_TEST(a_checkpoint_that_is_not_good_covers_nothing)
{
    struct state state;
    struct checkpoint checkpoint;
    bool breaks = inserts[_i] == insert_with_an_edited_column;
    restrict_first(RESUME);
    expect_restricted(vault, RESUME);
    forge_permission(RESUME);
    read_state(&state);
    describe(&state, &checkpoint);
    checkpoint.size += 10;
    inserts[_i](&state, &checkpoint);
    for (int i = 0; i < 3; i++) {
        stage_look(vault);
        expect_restricted(vault, RESUME);
    }
    if (breaks)
        return;
    describe(&state, &checkpoint); /* of a smaller size: the newest row hides nothing */
    sign_and_insert(&state, &checkpoint, checkpoint.size);
    stage_look(vault);
    expect_permitted(vault);
}
END_TEST

/* The key is the one that the vault had when the server started. */
START_TEST(a_key_that_is_replaced_signs_nothing)
{
    struct state state;
    struct checkpoint checkpoint;
    uint8_t public_key[32] = {1};
    struct note_key key;
    char vkey[NOTE_KEY_TEXT_SIZE];
    restrict_first(RESUME);
    forge_permission(RESUME);
    read_state(&state);
    describe(&state, &checkpoint);
    ck_assert(note_key_make(checkpoint.origin, NOTE_ED25519, public_key, sizeof public_key, &key));
    note_key_format(&key, vkey);
    char *sql = sqlite3_mprintf("%s", _i == 0 ? "DELETE FROM audit_key" : "");
    if (_i == 1)
        sql = sqlite3_mprintf("%z UPDATE audit_key SET vkey = %Q", sql, vkey);
    attack(sql);
    sqlite3_free(sql);
    sign_with_another_key(&state, &checkpoint);
    for (int i = 0; i < 3; i++) {
        stage_look(vault);
        expect_restricted(vault, RESUME);
    }
}
END_TEST

/* In a vault that has no audit token the chain alone decides. */
/* As in the vault of an older program: the registry alone names a key. */
static void forget_audit_key(void)
{
    char command[400];
    snprintf(command, sizeof command, "sed -i /^audit-key/d '%s/sealring.conf'", stage.vault.path);
    ck_assert_int_eq(system(command), 0); /* NOLINT(cert-env33-c) */
}

START_TEST(without_an_audit_key_the_chain_decides)
{
    restrict_first(RESUME);
    forget_audit_key();
    attack("DELETE FROM audit_key; DELETE FROM checkpoint");
    sealring_vault *fresh = stage_open_manual(&stage);
    expect_restricted(fresh, RESUME);
    struct state state;
    read_state(&state);
    char *sql = forge_key(sqlite3_mprintf("UPDATE api_key SET state = 1;"
                                          "UPDATE vault SET epoch = epoch + 1;"),
                          &state, victim.key_id, SEALRING_KEY_ACTIVE, NULL);
    attack(sql);
    sqlite3_free(sql);
    stage_look(fresh);
    expect_permitted(fresh);
    stage_look(vault);
    expect_restricted(vault, RESUME); /* it knows the key */
    sealring_close(&fresh);
}
END_TEST

/* A checkpoint of the new era, over facts that the registry has not: only the column of the last one has that hash. 1: the facts are those. */
START_TEST(another_era_is_followed_for_the_facts_that_were_signed)
{
    struct state state;
    struct checkpoint checkpoint;
    stage_set_state(&stage, victim.key_id, SEALRING_KEY_REVOKED);
    stage_look(vault);
    attack("DELETE FROM closed_fact WHERE sequence = (SELECT max(sequence) FROM closed_fact);"
           "UPDATE api_key SET state = 1; UPDATE vault SET era = zeroblob(16)");
    read_state(&state);
    describe(&state, &checkpoint);
    if (_i == 0) {
        checkpoint.closed.bytes[0] ^= 1;
        char *sql = sqlite3_mprintf(
            "UPDATE closed_fact SET hash = CAST(x'%02x' || substr(hash, 2) AS BLOB) WHERE sequence = %lld",
            checkpoint.closed.bytes[0], (long long)state.facts);
        attack(sql);
        sqlite3_free(sql);
    }
    sign_and_insert(&state, &checkpoint, checkpoint.size);
    insert_note(checkpoint.size + 1, "no signed note");
    for (int i = 0; i < 3; i++)
        (void)sealring_maintain(vault, NULL, NULL);
    ck_assert_int_eq(stage_ask(vault, victim.text, NULL), _i == 0 ? SEALRING_REJECTED_REVOKED : SEALRING_ACCEPTED);
}
END_TEST

/* ---- While it reads */

static _Atomic(bool) ended;

static void *ask_all_the_time(void *context)
{
    uint64_t *accepted = context;
    while (!atomic_load(&ended))
        *accepted += stage_ask(vault, victim.text, "write") == SEALRING_ACCEPTED;
    return NULL;
}

#define BETWEEN 3000

/* One reading finds that the key was resumed and, long after in the same reading, that it was suspended again. All is signed. */
START_TEST(nothing_is_wider_while_facts_are_read)
{
    pthread_t threads[2];
    uint64_t accepted[2] = {0, 0};
    struct state state;
    restrict_first(RESUME);
    expect_restricted(vault, RESUME);
    read_state(&state);
    char *sql = forge_key(sqlite3_mprintf("%s", ""), &state, victim.key_id, SEALRING_KEY_ACTIVE, NULL);
    for (int i = 0; i < BETWEEN; i++) {
        char *one = forge_key(sqlite3_mprintf("%s", ""), &state, other.key_id, SEALRING_KEY_ACTIVE, NULL);
        size_t length = strlen(sql), more = strlen(one);
        sql = sqlite3_realloc64(sql, length + more + 1);
        memcpy(sql + length, one, more + 1);
        sqlite3_free(one);
    }
    sql = forge_key(sql, &state, victim.key_id, SEALRING_KEY_SUSPENDED, NULL);
    attack(sql);
    sqlite3_free(sql);
    sign_all(&state);
    atomic_store(&ended, false);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_all_the_time, &accepted[i]), 0);
    stage_look(vault);
    atomic_store(&ended, true);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(accepted[0] + accepted[1], 0);
    expect_restricted(vault, RESUME);
    ck_assert_uint_eq(lines.lines[SEALRING_LOG_ALARM], 0);
}
END_TEST

static void *ask_once(void *context)
{
    sealring_verdict *verdict = context;
    *verdict = stage_ask(vault, victim.text, "read");
    return NULL;
}

static bool is_held(void *context)
{
    (void)context;
    return atomic_load(&stage.counting->held) == 1;
}

/* A request reads its row while the key is narrowed, and has its answer from the token when it is not any more: what it knew does not stay. */
START_TEST(a_row_from_before_a_permission_is_not_kept)
{
    pthread_t thread;
    struct state before;
    sealring_verdict verdict = SEALRING_UNAVAILABLE;
    restrict_first(WIDEN);
    permit(WIDEN, &before);
    stage_look(vault);
    atomic_store(&stage.counting->hold, 1);
    ck_assert_int_eq(pthread_create(&thread, NULL, ask_once, &verdict), 0);
    ck_assert(stage_wait(is_held, NULL));
    sign_permission(&before);
    stage_look(vault);
    atomic_store(&stage.counting->hold, 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(verdict, SEALRING_ACCEPTED);
    expect_permitted(vault);
}
END_TEST

/* While the chain is broken, facts are read again from the first one on; the cache keeps what they are not about. */
START_TEST(a_broken_chain_drops_no_others_entries)
{
    restrict_first(WIDEN);
    expect_restricted(vault, WIDEN);
    attack("UPDATE closed_fact SET hash = randomblob(32) WHERE sequence = (SELECT max(sequence) FROM closed_fact)");
    stage_look(vault);
    ck_assert_uint_eq(lines.lines[SEALRING_LOG_ALARM], 1);
    sealring_statistics before = stage_statistics(vault);
    attack("UPDATE closed_fact SET hash = randomblob(32) WHERE sequence = (SELECT max(sequence) FROM closed_fact)");
    stage_look(vault);
    expect_restricted(vault, WIDEN);
    sealring_statistics after = stage_statistics(vault);
    ck_assert_uint_eq(after.token_operations, before.token_operations);
    ck_assert_uint_eq(after.registry_lookups, before.registry_lookups);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("verifier signed");
    TCase *cases = tcase_create("signed");
    tcase_set_timeout(cases, 240);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, a_forged_permission_changes_no_verdict, 0, PERMISSIONS);
    tcase_add_loop_test(cases, a_permission_counts_when_its_signature_is_there, 0, 2 * PERMISSIONS);
    tcase_add_loop_test(cases, a_checkpoint_that_is_not_good_covers_nothing, 0, sizeof inserts / sizeof *inserts);
    tcase_add_loop_test(cases, a_key_that_is_replaced_signs_nothing, 0, 2);
    tcase_add_test(cases, without_an_audit_key_the_chain_decides);
    tcase_add_loop_test(cases, another_era_is_followed_for_the_facts_that_were_signed, 0, 2);
    tcase_add_test(cases, nothing_is_wider_while_facts_are_read);
    tcase_add_test(cases, a_row_from_before_a_permission_is_not_kept);
    tcase_add_test(cases, a_broken_chain_drops_no_others_entries);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
