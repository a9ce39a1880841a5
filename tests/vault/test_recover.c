/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery: what a command that was killed left half done is finished or undone, and nothing else is touched. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/runner.h"
#include "lib/test_vault.h"
#include "manage/act/act.h"
#include "manage/tokens/make_object.h"
#include "manage/tokens/recover_interrupted.h"
#include "manage/tokens/version_object.h"
#include "token/key/key_object.h"
#include "token/raw.h"

static struct test_vault vault;
static sealring_error error;

static void setup(void)
{
    test_vault_make(&vault);
    sealring_manager *manager = test_vault_manage(&vault);
    test_vault_ring(manager, "payments", "acme_live", 60000);
    sealring_manager_close(&manager);
}

static void teardown(void)
{
    test_vault_remove(&vault);
}

/* ---- what is in the token */

struct objects {
    unsigned total;
    unsigned intents;
    unsigned versions;
    unsigned signing;
};

static sealring_status count_object(const struct token_key_info *key, void *context, sealring_error *failure)
{
    (void)failure;
    struct objects *objects = context;
    objects->total++;
    objects->intents += strncmp(key->label, "sealring-intent/", 16) == 0;
    objects->versions += strncmp(key->label, "sealring/payments/", 18) == 0;
    objects->signing += key->sign;
    return SEALRING_OK;
}

static struct objects look(sealring_manager *manager)
{
    struct objects objects = {0};
    ASSERT_OK(manager_token(manager, &error), error);
    ASSERT_OK(token_key_each(manager->token, "", count_object, &objects, &error), error);
    return objects;
}

/* ---- children that die at a point of their choice */

static bool get_ring(sealring_manager *manager, struct registry_ring *ring)
{
    bool found = false;
    sealring_status status;
    struct registry_transaction reading = registry_reading(manager->registry, NULL);
    do {
        if (registry_begin(&reading, &status))
            status = registry_ring_find(manager->registry, "payments", ring, &found, NULL);
    } while (registry_again(&reading, &status));
    return status == SEALRING_OK && found;
}

static bool insert_version(sealring_manager *manager, struct registry_ring *ring, const struct make *make)
{
    struct registry_version version = {.ring = make->intention.ring, .state = SEALRING_VERSION_PENDING, .created = 1};
    sealring_status status;
    make_fill(make, &version);
    ring->last_version = make->number;
    struct commit commit = manager_commit(manager, true, NULL, NULL);
    do {
        if (!commit_begin(&commit, &status))
            continue;
        status = registry_ring_update(manager->registry, ring, NULL);
        if (status == SEALRING_OK)
            status = registry_version_insert(manager->registry, &version, NULL);
    } while (commit_again(&commit, &status));
    return status == SEALRING_OK;
}

static bool insert_intention(sealring_manager *manager, struct registry_intention *intention)
{
    sealring_status status;
    struct commit commit = manager_commit(manager, false, NULL, NULL);
    do {
        if (commit_begin(&commit, &status))
            status = registry_intention_insert(manager->registry, intention, NULL);
    } while (commit_again(&commit, &status));
    return status == SEALRING_OK;
}

enum point { BEFORE_OBJECT, AFTER_OBJECT, AFTER_ROW };

static void die_at(enum point point)
{
    struct registry_ring ring;
    struct make make;
    sealring_manager *manager = NULL;
    if (sealring_manager_open(vault.path, NULL, &manager, NULL) != SEALRING_OK ||
        manager_begin(manager, "test", true, NULL) != SEALRING_OK || !get_ring(manager, &ring))
        _exit(1);
    if (point == BEFORE_OBJECT) {
        struct registry_intention intention = {.ring = ring.id, .object_id_length = 16, .owner = "test", .created = 1};
        if (!insert_intention(manager, &intention))
            _exit(1);
    } else if (make_begin(&make, manager, &ring, 2, NULL) != SEALRING_OK) {
        _exit(1);
    }
    if (point == AFTER_ROW && !insert_version(manager, &ring, &make))
        _exit(1);
    kill(getpid(), SIGKILL);
}

static void run_and_die(enum point point)
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        die_at(point);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the child did not get to its point");
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM intention"), 1);
}

static void issue_to(sealring_manager *manager, const char *client)
{
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    test_vault_issue(manager, "payments", client, "", text, key_id);
}

/* Any command that uses the token finishes what was left: this one issues a key. */
static sealring_manager *recover(void)
{
    sealring_manager *manager = test_vault_manage(&vault);
    issue_to(manager, "someone");
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM intention"), 0);
    return manager;
}

START_TEST(killed_before_the_object_exists)
{
    run_and_die(BEFORE_OBJECT);
    sealring_manager *manager = recover();
    struct objects objects = look(manager);
    ck_assert_uint_eq(objects.total, 1);
    ck_assert_uint_eq(objects.intents, 0);
    sealring_manager_close(&manager);
}
END_TEST

START_TEST(killed_with_an_object_and_no_row)
{
    run_and_die(AFTER_OBJECT);
    sealring_manager *manager = recover();
    struct objects objects = look(manager);
    ck_assert_uint_eq(objects.total, 1);
    ck_assert_uint_eq(objects.versions, 1);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM version"), 1);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM audit WHERE act = 'recover.undo'"), 1);
    sealring_manager_close(&manager);
}
END_TEST

START_TEST(killed_with_a_row_and_the_intentions_label)
{
    run_and_die(AFTER_ROW);
    sealring_manager *manager = recover();
    struct objects objects = look(manager);
    ck_assert_uint_eq(objects.total, 2);
    ck_assert_uint_eq(objects.intents, 0);
    ck_assert_uint_eq(objects.versions, 2);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM audit WHERE act = 'recover.complete'"), 1);
    /* and it is as good as any other */
    ASSERT_OK(sealring_version_change(manager, "payments", SEALRING_EVENT_ACTIVATE, 2, NULL, NULL, &error), error);
    sealring_manager_close(&manager);
}
END_TEST

/* ---- several objects under one ID */

static sealring_status take_intended(const struct token_key_info *key, void *context, sealring_error *failure)
{
    struct token_key_info *intended = context;
    (void)failure;
    if (strncmp(key->label, "sealring-intent/", 16) == 0)
        *intended = *key;
    return SEALRING_OK;
}

/* Somebody with the PIN makes another key under the ID of the one whose making was interrupted. */
static void make_another(sealring_manager *manager, const struct token_key_info *intended, const char *label)
{
    CK_MECHANISM mechanism = {CKM_GENERIC_SECRET_KEY_GEN, NULL, 0};
    CK_ULONG length = 32;
    CK_BBOOL yes = CK_TRUE;
    CK_OBJECT_HANDLE handle;
    CK_ATTRIBUTE template[] = {
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_PRIVATE, &yes, sizeof yes},
        {CKA_SIGN, &yes, sizeof yes},
        {CKA_VALUE_LEN, &length, sizeof length},
        {CKA_ID, (void *)(uintptr_t)intended->object_id, intended->object_id_length},
        {CKA_LABEL, (void *)(uintptr_t)label, strlen(label)},
    };
    struct raw raw;
    raw_open(&raw, manager->token);
    ck_assert_uint_eq(
        raw.functions->C_GenerateKey(raw.session, &mechanism, template, sizeof template / sizeof template[0], &handle),
        CKR_OK);
    raw_close(&raw);
}

static void destroy_labelled(sealring_manager *manager, const char *label)
{
    CK_OBJECT_HANDLE found[2];
    CK_ULONG count;
    CK_ATTRIBUTE template[] = {{CKA_LABEL, (void *)(uintptr_t)label, strlen(label)}};
    struct raw raw;
    raw_open(&raw, manager->token);
    ck_assert_uint_eq(raw.functions->C_FindObjectsInit(raw.session, template, 1), CKR_OK);
    ck_assert_uint_eq(raw.functions->C_FindObjects(raw.session, found, 2, &count), CKR_OK);
    ck_assert_uint_eq(raw.functions->C_FindObjectsFinal(raw.session), CKR_OK);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(raw.functions->C_DestroyObject(raw.session, found[0]), CKR_OK);
    raw_close(&raw);
}

static const struct {
    enum point point;
    const char *label; /* of the other object; NULL: the intention's own */
    bool ends;         /* recovery goes on once that object is gone */
} others[] = {
    {AFTER_OBJECT, "somebody's", true},       {AFTER_OBJECT, "", false}, {AFTER_OBJECT, NULL, false},
    {AFTER_ROW, "somebody's", true},          {AFTER_ROW, "", false},    {AFTER_ROW, NULL, false},
    {AFTER_ROW, "sealring/payments/2", true},
};

/* Nobody can determine which of them is the intention's: it stays, all objects stay, and nothing else is held up. */
START_TEST(several_objects_under_an_intentions_id_are_left_alone)
{
    struct token_key_info intended = {.object_id_length = 0};
    run_and_die(others[_i].point);
    sealring_manage_options dry = {.size = sizeof dry, .dry_run = true};
    sealring_manager *manager = NULL;
    ASSERT_OK(sealring_manager_open(vault.path, &dry, &manager, &error), error);
    ck_assert_uint_eq(look(manager).total, 2);
    ASSERT_OK(token_key_each(manager->token, "", take_intended, &intended, &error), error);
    ck_assert_uint_gt(intended.object_id_length, 0);
    make_another(manager, &intended, others[_i].label != NULL ? others[_i].label : intended.label);
    sealring_manager_close(&manager);

    manager = test_vault_manage(&vault);
    issue_to(manager, "someone");
    ck_assert_uint_eq(look(manager).total, 3);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM intention"), 1);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM audit WHERE act LIKE 'recover.%'"), 0);
    if (others[_i].ends) {
        destroy_labelled(manager, others[_i].label);
        sealring_manager_close(&manager);
        manager = recover();
        ck_assert_uint_eq(look(manager).total, others[_i].point == AFTER_ROW ? 2 : 1);
        ck_assert_uint_eq(look(manager).intents, 0);
    }
    sealring_manager_close(&manager);
}
END_TEST

START_TEST(a_dry_run_recovers_nothing)
{
    sealring_manage_options dry = {.size = sizeof dry, .dry_run = true};
    sealring_manager *manager = NULL;
    run_and_die(AFTER_OBJECT);
    ASSERT_OK(sealring_manager_open(vault.path, &dry, &manager, &error), error);
    ASSERT_OK(sealring_version_change(manager, "payments", SEALRING_EVENT_ROTATE, 0, NULL, NULL, &error), error);
    ck_assert_uint_eq(look(manager).intents, 1);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM intention"), 1);
    sealring_manager_close(&manager);
}
END_TEST

START_TEST(an_owed_closing_is_made_up_for)
{
    char away[160];
    char tokens[160];
    snprintf(tokens, sizeof tokens, "%s/tokens/softhsm2", vault.path);
    snprintf(away, sizeof away, "%s/tokens/away", vault.path);
    /* the token is away while a version is compromised: that is not held up, and the closing is owed */
    ck_assert_int_eq(rename(tokens, away), 0);
    sealring_change change = {.size = sizeof change};
    sealring_manager *manager = test_vault_manage(&vault);
    ASSERT_OK(sealring_version_change(manager, "payments", SEALRING_EVENT_COMPROMISE, 1, NULL, &change, &error), error);
    ck_assert(change.closing_owed);
    ck_assert_int_ne(change.remark[0], '\0');
    sealring_manager_close(&manager);
    ck_assert_int_eq(rename(away, tokens), 0);
    manager = test_vault_manage(&vault);
    ck_assert_uint_eq(look(manager).signing, 1);
    /* the next command that uses the token makes up for it */
    ASSERT_OK(sealring_version_change(manager, "payments", SEALRING_EVENT_ROTATE, 0, NULL, NULL, &error), error);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM version WHERE closing_owed = 1"), 0);
    struct objects objects = look(manager);
    ck_assert_uint_eq(objects.total, 2);
    ck_assert_uint_eq(objects.signing, 1);
    sealring_manager_close(&manager);
}
END_TEST

START_TEST(an_object_id_shows_which_vault_made_the_key)
{
    static const struct {
        size_t length;
        bool has_room;
    } ids[] = {{1, false}, {2, false}, {7, false}, {8, true}, {9, true}, {16, true}, {32, true}};
    uint8_t ours[REGISTRY_ID_SIZE] = "one vault's ID.";
    uint8_t theirs[REGISTRY_ID_SIZE] = "another one's..";
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        const uint8_t drawn[32] = "0123456789abcdefghijklmnopqrstu";
        uint8_t id[33] = "0123456789abcdefghijklmnopqrstu";
        size_t length = ids[i].length;
        id[length] = '!';
        owned_mark(ours, id, length);
        ck_assert_int_eq(owned_is_marked(ours, id, length), ids[i].has_room);
        ck_assert(!owned_is_marked(theirs, id, length));
        ck_assert(!owned_is_marked(ours, drawn, length));
        ck_assert_mem_eq(id, drawn, ids[i].has_room ? length - length / 2 : length); /* which stays random */
        ck_assert_uint_eq(id[length], '!');
        for (size_t at = 0; ids[i].has_room && at < length; at++) {
            id[at] ^= 1;
            ck_assert(!owned_is_marked(ours, id, length));
            id[at] ^= 1;
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recover");
    TCase *cases = tcase_create("recover");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, killed_before_the_object_exists);
    tcase_add_test(cases, killed_with_an_object_and_no_row);
    tcase_add_test(cases, killed_with_a_row_and_the_intentions_label);
    tcase_add_loop_test(cases, several_objects_under_an_intentions_id_are_left_alone, 0,
                        sizeof others / sizeof others[0]);
    tcase_add_test(cases, a_dry_run_recovers_nothing);
    tcase_add_test(cases, an_owed_closing_is_made_up_for);
    tcase_add_test(cases, an_object_id_shows_which_vault_made_the_key);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
