/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log of a real vault: grown, proved, rolled back, truncated, edited with SQL, and killed at every step of a checkpoint. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/inclusion.h"
#include "base/base64.h"
#include "lib/runner.h"
#include "lib/test_vault.h"
#include "log/leaf.h"
#include "manage/session/manager.h"
#include "token/key/signing_key.h"
#include "token/object/data_object.h"

#define ENTRIES 20 /* after setup: more than one block of sixteen */

static struct test_vault vault;
static sealring_error error;
static char credential[SEALRING_CREDENTIAL_LENGTH_MAX + 1], key_id[SEALRING_KEY_ID_LENGTH + 1];

/* ---- points to die at: see --wrap in tests.mk */

enum point { POINT_NONE, POINT_SIGN, POINT_INSERT, POINT_ANCHOR, POINT_ANCHORED };
static enum point die_at;

static void reach(enum point point)
{
    if (point == die_at)
        kill(getpid(), SIGKILL);
}

/* The linker's names. */
sealring_status __real_token_signer_sign(struct token *token, const struct token_signer *signer, const void *data,
                                         size_t length, uint8_t signature[TOKEN_SIGNATURE_MAX],
                                         size_t *signature_length, sealring_error *failure);
sealring_status __wrap_token_signer_sign(struct token *token, const struct token_signer *signer, const void *data,
                                         size_t length, uint8_t signature[TOKEN_SIGNATURE_MAX],
                                         size_t *signature_length, sealring_error *failure);
sealring_status __real_registry_checkpoint_insert(struct registry *registry,
                                                  const struct registry_checkpoint *checkpoint,
                                                  sealring_error *failure);
sealring_status __wrap_registry_checkpoint_insert(struct registry *registry,
                                                  const struct registry_checkpoint *checkpoint,
                                                  sealring_error *failure);
sealring_status __real_token_data_write(struct token *token, const char *label, const void *value, size_t length,
                                        enum token_answer *answer, sealring_error *failure);
sealring_status __wrap_token_data_write(struct token *token, const char *label, const void *value, size_t length,
                                        enum token_answer *answer, sealring_error *failure);

sealring_status __wrap_token_signer_sign(struct token *token, const struct token_signer *signer, const void *data,
                                         size_t length, uint8_t signature[TOKEN_SIGNATURE_MAX],
                                         size_t *signature_length, sealring_error *failure)
{
    reach(POINT_SIGN);
    return __real_token_signer_sign(token, signer, data, length, signature, signature_length, failure);
}

sealring_status __wrap_registry_checkpoint_insert(struct registry *registry,
                                                  const struct registry_checkpoint *checkpoint, sealring_error *failure)
{
    sealring_status status = __real_registry_checkpoint_insert(registry, checkpoint, failure);
    reach(POINT_INSERT); /* not committed */
    return status;
}

sealring_status __wrap_token_data_write(struct token *token, const char *label, const void *value, size_t length,
                                        enum token_answer *answer, sealring_error *failure)
{
    reach(POINT_ANCHOR);
    sealring_status status = __real_token_data_write(token, label, value, length, answer, failure);
    reach(POINT_ANCHORED);
    return status;
}

/* ---- a vault with some history */

static sealring_status add_client(const char *name, const char *take_over)
{
    sealring_manager *manager = NULL;
    sealring_manage_options options = {.size = sizeof options, .take_over = take_over};
    ASSERT_OK(sealring_manager_open(vault.path, &options, &manager, &error), error);
    sealring_status status = sealring_client_add(manager, name, NULL, &error);
    sealring_manager_close(&manager);
    return status;
}

static void setup(void)
{
    char name[32];
    die_at = POINT_NONE;
    test_vault_make(&vault);
    sealring_manager *manager = test_vault_manage(&vault);
    test_vault_ring(manager, "payments", "acme_live", 60000);
    test_vault_issue(manager, "payments", "shop", "read", credential, key_id);
    ASSERT_OK(sealring_key_set_state(manager, key_id, SEALRING_KEY_REVOKED, "leaked", &error), error);
    for (int i = 0; test_vault_number(&vault, "SELECT max(sequence) FROM audit") < ENTRIES; i++) {
        snprintf(name, sizeof name, "client-%d", i);
        ASSERT_OK(sealring_client_add(manager, name, NULL, &error), error);
    }
    ck_assert_str_eq(sealring_manager_remark(manager), "");
    sealring_manager_close(&manager);
}

static void teardown(void)
{
    test_vault_remove(&vault);
}

static void attack(const char *sql)
{
    test_vault_attack(&vault, sql);
}

/* ---- verifying */

static char problems[8192];
static sealring_audit_report report;

static int collect(uint64_t entry, const char *text, void *context)
{
    (void)context;
    size_t length = strlen(problems);
    snprintf(problems + length, sizeof problems - length, "[%llu] %s\n", (unsigned long long)entry, text);
    return 0;
}

static sealring_status verify(const char *key, const char *checkpoint)
{
    sealring_manager *manager = NULL;
    sealring_manage_options options = {.size = sizeof options, .read_only = true};
    sealring_audit_check check = {.size = sizeof check, .key = key, .checkpoint = checkpoint};
    report = (sealring_audit_report){.size = sizeof report};
    problems[0] = '\0';
    ASSERT_OK(sealring_manager_open(vault.path, &options, &manager, &error), error);
    sealring_status status = sealring_audit_verify(manager, &check, collect, NULL, &report, &error);
    sealring_manager_close(&manager);
    return status;
}

static void get(char key[SEALRING_AUDIT_KEY_SIZE], char note[SEALRING_AUDIT_NOTE_SIZE])
{
    sealring_manager *manager = test_vault_manage(&vault);
    ASSERT_OK(sealring_audit_key(manager, key, &error), error);
    ASSERT_OK(sealring_audit_checkpoint(manager, note, &error), error);
    sealring_manager_close(&manager);
}

static void assert_good(uint64_t entries)
{
    sealring_status status = verify(NULL, NULL);
    ck_assert_msg(status == SEALRING_OK, "%s: %s", error.message, problems);
    ck_assert_uint_eq(report.entries, entries);
    ck_assert_uint_eq(report.vouched, entries);
    ck_assert_uint_eq(report.problems, 0);
}

/* Exactly one problem that begins like this. */
static void assert_found(const char *begin)
{
    ck_assert_int_eq(verify(NULL, NULL), SEALRING_REFUSED);
    ck_assert_msg(strncmp(problems, begin, strlen(begin)) == 0, "wanted %s, found %s", begin, problems);
    ck_assert_msg(report.problems == 1, "%s", problems);
}

START_TEST(everything_agrees)
{
    char key[SEALRING_AUDIT_KEY_SIZE], note[SEALRING_AUDIT_NOTE_SIZE];
    assert_good(ENTRIES);
    ck_assert_uint_eq(report.checkpoints, ENTRIES); /* one after each act */
    ck_assert_uint_eq(report.closed, 1);
    get(key, note);
    ck_assert_int_eq(verify(key, note), SEALRING_OK);
    ck_assert_str_eq(report.remark, "");
    ck_assert_int_eq(add_client("later", NULL), SEALRING_OK);
    ck_assert_int_eq(verify(key, note), SEALRING_OK); /* a prefix */
    ck_assert_int_eq(verify("nonsense", NULL), SEALRING_INVALID);
    ck_assert_int_eq(verify(key, "nonsense"), SEALRING_INVALID);
}
END_TEST

/* ---- attacks, each found, with the entry named */

static const struct {
    const char *sql;
    const char *found; /* how the first problem begins */
    bool several;      /* more follow */
} attacks[] = {
    {"UPDATE audit SET actor = 'mallory@host 1' WHERE sequence = 5", "[5] entry 5 (", false},
    {"UPDATE audit SET detail = NULL WHERE sequence = 6", "[6] entry 6 (", false},
    {"UPDATE audit SET detail = detail || ' ' WHERE sequence = 6", "[6] entry 6 (", false},
    {"UPDATE audit SET key_id = '' WHERE sequence = 6 AND key_id IS NULL", "[6] entry 6 (", false},
    {"UPDATE audit SET time = time + 1 WHERE sequence = 7", "[7] entry 7 (", false},
    {"UPDATE audit SET operation_id = zeroblob(16) WHERE sequence = 8", "[8] entry 8 (", false},
    {"UPDATE audit SET version = version + 1 WHERE sequence = 9", "[9] entry 9 (", false},
    /* then the rows that they made have no entry */
    {"DELETE FROM audit WHERE sequence = 5", "[5] entry 5 is missing", true},
    {"DELETE FROM audit WHERE sequence BETWEEN 5 AND 9", "[5] the entries 5 to 9 are missing", true},
    {"DELETE FROM audit WHERE sequence > 18", "[18] the log ends with entry 18, but the checkpoint after entry 20 ",
     false},
    {"UPDATE audit_node SET hash = zeroblob(32)", "[1] the tree's node over the entries 1 to 16 is not theirs", false},
    {"DELETE FROM audit_node", "[1] the tree's node over the entries 1 to 16 is missing", false},
    {"INSERT INTO audit_node VALUES (4, 1, zeroblob(32))", "[20] the tree has 1 nodes over entries that do not exist",
     false},
    {"UPDATE audit SET leaf_hash = zeroblob(32) WHERE sequence = 19", "[19] entry 19 (", true},
    {"UPDATE checkpoint SET note = replace(note, 'era ', 'Era ') WHERE size = 12",
     "[12] the checkpoint after entry 12 (", false},
    {"UPDATE checkpoint SET note = replace(note, '0', '1') WHERE size = 12", "[12] the checkpoint after entry 12 (",
     false},
    {"UPDATE checkpoint SET note = 'none' WHERE size = 12", "[12] the checkpoint after entry 12 (", false},
    {"DELETE FROM checkpoint WHERE size = 13; UPDATE checkpoint SET size = 13 WHERE size = 12",
     "[13] the checkpoint after entry 13 (", false},
    {"UPDATE api_key SET state = 1", "[0] API key ", false},
    {"UPDATE version SET state = 4", "[0] version 1 of ring payments: its row contains retired", false},
    {"DELETE FROM closed_fact; UPDATE api_key SET state = 1", "",
     true}, /* every checkpoint since the revocation contains that */
};

START_TEST(attacks_are_found)
{
    attack(attacks[_i].sql);
    if (!attacks[_i].several) {
        assert_found(attacks[_i].found);
    } else {
        ck_assert_int_eq(verify(NULL, NULL), SEALRING_REFUSED);
        ck_assert_msg(strncmp(problems, attacks[_i].found, strlen(attacks[_i].found)) == 0, "%s", problems);
        ck_assert_msg(attacks[_i].found[0] != '\0' || strstr(problems, "closed facts") != NULL, "%s", problems);
    }
}
END_TEST

/* Two entries exchanged, whole rows except their numbers. */
START_TEST(reordering_is_found)
{
    attack("UPDATE audit SET sequence = 1000 WHERE sequence = 5; UPDATE audit SET sequence = 5 WHERE sequence = 6;"
           "UPDATE audit SET sequence = 6 WHERE sequence = 1000");
    ck_assert_int_eq(verify(NULL, NULL), SEALRING_REFUSED);
    ck_assert_msg(strncmp(problems, "[5] entry 5 (", 13) == 0 && strstr(problems, "\n[6] entry 6 (") != NULL, "%s",
                  problems);
}
END_TEST

/* An entry deleted and the gap closed: whatever follows has another number than its leaf hash contains. */
START_TEST(renumbering_is_found)
{
    attack("DELETE FROM audit WHERE sequence = 5; UPDATE audit SET sequence = sequence + 1000 WHERE sequence > 5;"
           "UPDATE audit SET sequence = sequence - 1001 WHERE sequence > 1000");
    ck_assert_int_eq(verify(NULL, NULL), SEALRING_REFUSED);
    ck_assert_msg(strncmp(problems, "[5] entry 5 (", 13) == 0, "%s", problems);
}
END_TEST

struct rewrite {
    uint64_t sequence;
    uint8_t leaves[ENTRIES][32];
    uint8_t vault_id[16];
};

static void rewrite_entry(struct rewrite *rewrite, const struct registry_audit *entry)
{
    struct registry_audit changed = *entry;
    struct merkle_hash hash;
    if (entry->sequence == rewrite->sequence)
        changed.actor = "mallory@host 1";
    leaf_hash(rewrite->vault_id, &changed, &hash);
    memcpy(rewrite->leaves[entry->sequence - 1], hash.bytes, 32);
}

static sealring_status rewrite_entries(struct registry *registry, struct rewrite *rewrite)
{
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, &error);
    do {
        if (!registry_begin(&reading, &status))
            continue;
        struct registry_audit entry;
        memcpy(rewrite->vault_id, registry_vault_row(registry)->vault_id, 16);
        struct registry_cursor entries = registry_audit_all(registry, &error);
        while (registry_audit_next(&entries, &entry))
            rewrite_entry(rewrite, &entry);
        status = registry_close_cursor(&entries, SEALRING_OK);
    } while (registry_again(&reading, &status));
    return status;
}

static void set_hash(const char *update, const uint8_t hash[32], const char *where)
{
    char hex[65], sql[256];
    for (unsigned i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    snprintf(sql, sizeof sql, "%s X'%s' WHERE %s", update, hex, where);
    attack(sql);
}

/* An attacker who knows the format: the leaf hash is right again, and then the node over it, too. */
static void rewrite(struct rewrite *rewrite, bool node)
{
    sealring_manager *manager = test_vault_manage(&vault);
    ASSERT_OK(rewrite_entries(manager->registry, rewrite), error);
    sealring_manager_close(&manager);
    attack("UPDATE audit SET actor = 'mallory@host 1' WHERE sequence = 5");
    set_hash("UPDATE audit SET leaf_hash =", rewrite->leaves[4], "sequence = 5");
    if (node) {
        struct merkle_frontier frontier = {.size = 0};
        for (unsigned i = 0; i < 16; i++) {
            struct merkle_hash leaf;
            memcpy(leaf.bytes, rewrite->leaves[i], 32);
            ck_assert(merkle_append(&frontier, &leaf, NULL, NULL));
        }
        set_hash("UPDATE audit_node SET hash =", frontier.roots[4].bytes, "position = 0");
    }
}

START_TEST(a_rewritten_leaf_is_found_by_the_tree)
{
    struct rewrite rewritten = {.sequence = 5};
    rewrite(&rewritten, false);
    ck_assert_int_eq(verify(NULL, NULL), SEALRING_REFUSED);
    ck_assert_ptr_nonnull(strstr(problems, "[1] the tree's node over the entries 1 to 16 is not theirs"));
    ck_assert_ptr_nonnull(strstr(problems, "an entry from 5 to 5 is not what it was"));
    ck_assert_uint_eq(report.problems, 2);
}
END_TEST

START_TEST(a_rewritten_tree_is_found_by_the_checkpoints_and_refused)
{
    struct rewrite rewritten = {.sequence = 5};
    rewrite(&rewritten, true);
    assert_found("[5] the checkpoint after entry 5 (");
    ck_assert_ptr_nonnull(strstr(problems, "an entry from 5 to 5 is not what it was"));
    ck_assert_int_eq(add_client("after", NULL), SEALRING_REFUSED);
    ck_assert_ptr_nonnull(strstr(error.message, "ALARM"));
}
END_TEST

/* All checkpoints gone with what they vouched for: only what is kept outside of the registry knows. */
START_TEST(a_log_cut_off_with_its_checkpoints_is_found_from_outside)
{
    char key[SEALRING_AUDIT_KEY_SIZE], note[SEALRING_AUDIT_NOTE_SIZE];
    get(key, note);
    attack("DELETE FROM audit WHERE sequence > 18; DELETE FROM checkpoint WHERE size > 18");
    ck_assert_int_eq(verify(NULL, NULL), SEALRING_OK);
    ck_assert_int_eq(verify(key, note), SEALRING_REFUSED);
    ck_assert_ptr_nonnull(strstr(problems, "kept elsewhere, after entry 20 "));
    ck_assert_ptr_nonnull(strstr(problems, "the entries 19 to 20 are missing"));
    ck_assert_int_eq(add_client("after", NULL), SEALRING_REFUSED);
    ck_assert_ptr_nonnull(strstr(error.message, "rolled back"));
}
END_TEST

START_TEST(anothers_key_and_checkpoint_are_told)
{
    static const char other[] = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    char key[SEALRING_AUDIT_KEY_SIZE], note[SEALRING_AUDIT_NOTE_SIZE];
    get(key, note);
    ck_assert_int_eq(verify(other, NULL), SEALRING_REFUSED);
    ck_assert_ptr_nonnull(strstr(problems, "names another key"));
    char *digit = strstr(note, "\n20\n") + 1;
    *digit = '1'; /* the checkpoint after entry 10: forged */
    ck_assert_int_eq(verify(key, note), SEALRING_REFUSED);
    ck_assert_ptr_nonnull(strstr(problems, "has a signature that is not the key's"));
}
END_TEST

/* ---- proofs */

struct proofs {
    unsigned count;
};

static void decode(const char *text, struct merkle_hash *hash)
{
    size_t length;
    ck_assert(base64_decode(text, strlen(text), hash->bytes, 32, &length));
    ck_assert_uint_eq(length, 32);
}

static int check_proof(const sealring_audit_entry *entry, void *context)
{
    struct proofs *proofs = context;
    struct merkle_proof proof = {.count = entry->proof->count};
    struct merkle_hash leaf, root;
    for (size_t i = 0; i < proof.count; i++)
        decode(entry->proof->hashes[i], &proof.hashes[i]);
    decode(entry->proof->root, &root);
    decode(entry->leaf_hash, &leaf);
    ck_assert(inclusion_good(&leaf, entry->sequence - 1, entry->proof->tree_size, &proof, &root));
    ck_assert_uint_eq(entry->sequence, ++proofs->count);
    return 0;
}

START_TEST(every_entry_has_its_proof)
{
    struct proofs proofs = {0};
    sealring_audit_filter filter = {.size = sizeof filter, .proofs = true};
    sealring_manager *manager = test_vault_manage(&vault);
    ASSERT_OK(sealring_audit_list(manager, &filter, check_proof, &proofs, &error), error);
    ck_assert_uint_eq(proofs.count, ENTRIES);
    sealring_manager_close(&manager);
}
END_TEST

/* ---- a registry that is rolled back */

static void copy_registry(const char *from, const char *to)
{
    char command[512];
    snprintf(command, sizeof command, "cp '%s' '%s' && rm -f '%s-wal' '%s-shm'", from, to, to, to);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(yesterdays_registry_is_refused_until_it_is_taken_over)
{
    char kept[192], sql[128];
    char key[SEALRING_AUDIT_KEY_SIZE], note[SEALRING_AUDIT_NOTE_SIZE];
    snprintf(kept, sizeof kept, "%s/yesterday", vault.parent);
    copy_registry(vault.registry, kept);
    ck_assert_int_eq(add_client("today", NULL), SEALRING_OK);
    get(key, note);
    copy_registry(kept, vault.registry);
    ck_assert_int_eq(add_client("tomorrow", NULL), SEALRING_REFUSED);
    ck_assert_ptr_nonnull(strstr(error.message, "ends with entry 20, the audit token knows of 21"));
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM client WHERE name = 'tomorrow'"), 0);
    ck_assert_int_eq(add_client("tomorrow", NULL), SEALRING_REFUSED); /* asking twice does not help */
    ck_assert_int_eq(add_client("tomorrow", "the disk burnt"), SEALRING_OK);
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM audit WHERE act = 'audit.take-over' AND detail LIKE '%%the disk burnt%%'");
    ck_assert_int_eq(test_vault_number(&vault, sql), 1);
    ck_assert_int_eq(add_client("the-day-after", NULL), SEALRING_OK);
    assert_good(ENTRIES + 3);
    ck_assert_int_eq(verify(key, note), SEALRING_REFUSED); /* who kept a checkpoint sees that history was lost */
    ck_assert_ptr_nonnull(strstr(problems, "vouches for another history"));
}
END_TEST

/* ---- interruptions */

static void die_in(enum point point, const char *client)
{
    int how = 0;
    pid_t child = fork();
    if (child == 0) {
        die_at = point;
        _exit(add_client(client, NULL) == SEALRING_OK ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &how, 0), child);
    ck_assert(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
}

START_TEST(killed_between_act_and_anchor)
{
    die_in((enum point)_i, "killed");
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM client WHERE name = 'killed'"), 1);
    ck_assert_int_eq(verify(NULL, NULL), SEALRING_OK);
    ck_assert_uint_eq(report.entries, ENTRIES + 1);
    ck_assert_uint_eq(report.vouched, _i >= POINT_ANCHOR ? ENTRIES + 1 : ENTRIES);
    die_in((enum point)_i, "again"); /* twice in a row */
    ck_assert_int_eq(add_client("next", NULL), SEALRING_OK);
    assert_good(ENTRIES + 3);
}
END_TEST

START_TEST(what_was_left_out_can_be_made_up_for)
{
    die_in(POINT_SIGN, "killed");
    sealring_manager *manager = test_vault_manage(&vault);
    ASSERT_OK(sealring_audit_settle(manager, &error), error);
    ASSERT_OK(sealring_audit_settle(manager, &error), error);
    sealring_manager_close(&manager);
    assert_good(ENTRIES + 1);
}
END_TEST

START_TEST(an_audit_token_that_is_away_holds_up_nothing)
{
    char pin[128], away[160];
    snprintf(pin, sizeof pin, "%s/pins/audit.pin", vault.path);
    snprintf(away, sizeof away, "%s.away", pin);
    ck_assert_int_eq(rename(pin, away), 0);
    sealring_manager *manager = test_vault_manage(&vault);
    ASSERT_OK(sealring_client_add(manager, "meanwhile", NULL, &error), error);
    ck_assert_ptr_nonnull(strstr(sealring_manager_remark(manager), "no checkpoint was signed"));
    ck_assert_int_eq(sealring_audit_settle(manager, &error), SEALRING_TOKEN);
    ck_assert_int_eq(verify(NULL, NULL), SEALRING_OK);
    ck_assert_uint_eq(report.vouched, ENTRIES);
    ck_assert_int_eq(rename(away, pin), 0);
    ASSERT_OK(sealring_client_add(manager, "then", NULL, &error), error);
    ck_assert_str_eq(sealring_manager_remark(manager), "");
    sealring_manager_close(&manager);
    assert_good(ENTRIES + 2);
}
END_TEST

START_TEST(no_entry_no_act)
{
    test_vault_sql(&vault, "INSERT INTO audit_node VALUES (4, 1, zeroblob(32))");
    for (int i = ENTRIES + 1; i < 32; i++) {
        char name[32];
        snprintf(name, sizeof name, "more-%d", i);
        ck_assert_int_eq(add_client(name, NULL), SEALRING_OK);
    }
    ck_assert_int_eq(add_client("unrecorded", NULL), SEALRING_REGISTRY); /* its leaf would complete a subtree */
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM client WHERE name = 'unrecorded'"), 0);
    test_vault_attack(&vault, "DELETE FROM audit_node WHERE level = 4 AND position = 1");
    ck_assert_int_eq(add_client("recorded", NULL), SEALRING_OK);
    assert_good(32);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("audit_log");
    TCase *tests = tcase_create("audit_log");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, everything_agrees);
    tcase_add_loop_test(tests, attacks_are_found, 0, sizeof attacks / sizeof *attacks);
    tcase_add_test(tests, reordering_is_found);
    tcase_add_test(tests, renumbering_is_found);
    tcase_add_test(tests, a_rewritten_leaf_is_found_by_the_tree);
    tcase_add_test(tests, a_rewritten_tree_is_found_by_the_checkpoints_and_refused);
    tcase_add_test(tests, a_log_cut_off_with_its_checkpoints_is_found_from_outside);
    tcase_add_test(tests, anothers_key_and_checkpoint_are_told);
    tcase_add_test(tests, every_entry_has_its_proof);
    tcase_add_test(tests, yesterdays_registry_is_refused_until_it_is_taken_over);
    tcase_add_loop_test(tests, killed_between_act_and_anchor, POINT_SIGN, POINT_ANCHORED + 1);
    tcase_add_test(tests, what_was_left_out_can_be_made_up_for);
    tcase_add_test(tests, an_audit_token_that_is_away_holds_up_nothing);
    tcase_add_test(tests, no_entry_no_act);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
