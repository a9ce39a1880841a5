/* SPDX-License-Identifier: Apache-2.0 */
/* Restoring, killed at every step: afterwards there is the old registry or the restored one, or none that anybody takes for one, and restoring
 * once more ends as if nothing had happened. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>
#include <sealring/backup.h>

#include "base/error.h"
#include "lib/runner.h"
#include "lib/test_vault.h"
#include "manage/session/audit_token_parts.h"
#include "registry/log/log_rows.h"
#include "token/object/data_object.h"

static struct test_vault vault;
static sealring_error error;
static char file[160], export[160], revoked[SEALRING_KEY_ID_LENGTH + 1];

/* ---- points to die at: see --wrap in tests.mk, and the progress that is told of */

enum point {
    POINT_NONE,
    POINT_READING,
    POINT_REPLAYING,
    POINT_RECORDED,   /* in the restored registry, not committed */
    POINT_KEEPING,    /* in the middle of the copy of the registry that was there */
    POINT_CHECKPOINT, /* in the restored registry, not committed */
    POINT_INSTALLING, /* in the middle of the exchange of its content */
    POINT_RENAMING,   /* one for each name, where the file is exchanged */
    POINT_ANCHOR = POINT_RENAMING + 6,
    POINT_ANCHORED,
    POINT_COUNT
};
static int die_at;
static int renamed, slices;
static bool signs_nothing;

static void reach(int point)
{
    if (point == die_at)
        kill(getpid(), SIGKILL);
}

/* The linker's names. */
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
sealring_status __real_registry_audit_append(struct registry *registry, const struct registry_audit *entry,
                                             sealring_error *failure);
sealring_status __wrap_registry_audit_append(struct registry *registry, const struct registry_audit *entry,
                                             sealring_error *failure);
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

sealring_status __real_witness_sign_text(struct token *token, const uint8_t *vault_id, const struct audit_keys *keys,
                                         const char *text, char *note, sealring_error *failure);
sealring_status __wrap_witness_sign_text(struct token *token, const uint8_t *vault_id, const struct audit_keys *keys,
                                         const char *text, char *note, sealring_error *failure);

sealring_status __wrap_witness_sign_text(struct token *token, const uint8_t *vault_id, const struct audit_keys *keys,
                                         const char *text, char *note, sealring_error *failure)
{
    return signs_nothing ? error_set(failure, SEALRING_TOKEN, "the audit token was removed")
                         : __real_witness_sign_text(token, vault_id, keys, text, note, failure);
}

int __wrap_rename(const char *from, const char *to)
{
    if (strstr(from, "/registry/") != NULL)
        reach(POINT_RENAMING + renamed++);
    return __real_rename(from, to);
}

sealring_status __wrap_registry_audit_append(struct registry *registry, const struct registry_audit *entry,
                                             sealring_error *failure)
{
    sealring_status status = __real_registry_audit_append(registry, entry, failure);
    reach(POINT_RECORDED);
    return status;
}

sealring_status __wrap_registry_checkpoint_insert(struct registry *registry,
                                                  const struct registry_checkpoint *checkpoint, sealring_error *failure)
{
    sealring_status status = __real_registry_checkpoint_insert(registry, checkpoint, failure);
    reach(POINT_CHECKPOINT);
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

/* "installing" tells of two copies, one after the other. */
static int hear(const char *what, uint64_t done, uint64_t total, void *context)
{
    (void)context;
    if (strcmp(what, "reading") == 0)
        reach(POINT_READING);
    else if (strcmp(what, "replaying") == 0)
        reach(POINT_REPLAYING);
    else if (strcmp(what, "installing") == 0 && slices == 0)
        reach(POINT_KEEPING);
    else if (strcmp(what, "installing") == 0)
        reach(POINT_INSTALLING);
    slices += strcmp(what, "installing") == 0 && done == total;
    return 0;
}

/* ---- a vault, its backup, and what was done since */

static int write_entry(const sealring_audit_entry *entry, void *context)
{
    json_t *line = json_pack("{s:I, s:{s:{s:I, s:s, s:s, s:s?, s:s?, s:I, s:s?, s:s?, s:s?, s:s}}}", "time",
                             (json_int_t)entry->time, "unmapped", "sealring", "entry", (json_int_t)entry->sequence,
                             "operation_id", entry->operation_id, "act", entry->act, "actor", entry->actor, "ring",
                             entry->ring, "version", (json_int_t)entry->version, "key_id", entry->key_id, "client",
                             entry->client, "detail", entry->detail, "leaf_hash", entry->leaf_hash);
    int failed = json_dumpf(line, context, JSON_COMPACT) != 0 || fputc('\n', context) == EOF;
    json_decref(line);
    return failed;
}

static void write_export(sealring_manager *manager)
{
    FILE *stream = fopen(export, "w");
    ck_assert_ptr_nonnull(stream);
    ASSERT_OK(sealring_audit_list(manager, NULL, write_entry, stream, &error), error);
    ck_assert_int_eq(fclose(stream), 0);
}

static void serve(void)
{
    const sealring_options options = {.size = sizeof options, .manual_maintenance = 1};
    sealring_vault *server = NULL;
    ASSERT_OK(sealring_open(vault.path, &options, &server, &error), error);
    sealring_close(&server);
}

static void setup(void)
{
    char credential[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    die_at = POINT_NONE;
    renamed = slices = 0;
    signs_nothing = false;
    test_vault_make(&vault);
    snprintf(file, sizeof file, "%s/backup", vault.parent);
    snprintf(export, sizeof export, "%s/export", vault.parent);
    sealring_manager *manager = test_vault_manage(&vault);
    test_vault_ring(manager, "payments", "acme_live", 60000);
    test_vault_issue(manager, "payments", "shop", "read", credential, revoked);
    ASSERT_OK(sealring_backup(manager, file, NULL, NULL, NULL, &error), error);
    ASSERT_OK(sealring_key_set_state(manager, revoked, SEALRING_KEY_REVOKED, "leaked", &error), error);
    ASSERT_OK(sealring_client_add(manager, "later", NULL, &error), error);
    write_export(manager);
    sealring_manager_close(&manager);
    serve(); /* its report stays */
}

static void teardown(void)
{
    test_vault_remove(&vault);
}

static sealring_status restore(void)
{
    const char *logs[] = {export, NULL};
    sealring_restore_options options = {.size = sizeof options, .logs = logs, .progress = hear};
    return sealring_restore(vault.path, file, &options, NULL, NULL, NULL, &error);
}

static bool die_in(int point)
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        die_at = point;
        _exit(restore() == SEALRING_OK ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    ck_assert_msg(killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0), "it ended otherwise at point %d", point);
    return killed;
}

/* Whatever is there: a registry that knows of the revocation, or none. */
static bool is_there(void)
{
    sealring_manager *manager = NULL;
    sealring_manage_options options = {.size = sizeof options, .read_only = true};
    sealring_audit_report report = {.size = sizeof report};
    if (sealring_manager_open(vault.path, &options, &manager, &error) != SEALRING_OK)
        return false;
    ASSERT_OK(sealring_audit_verify(manager, NULL, NULL, NULL, &report, &error), error);
    sealring_manager_close(&manager);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT state FROM api_key"), SEALRING_KEY_REVOKED);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM client WHERE name = 'later'"), 1);
    return true;
}

static void goes_on(void)
{
    static int times;
    char name[32];
    sealring_manager *manager = test_vault_manage(&vault);
    snprintf(name, sizeof name, "afterwards-%d", times++);
    ASSERT_OK(sealring_client_add(manager, name, NULL, &error), error);
    const char *remark = sealring_manager_remark(manager);
    ck_assert_msg(remark[0] == '\0' || strstr(remark, "restrictions of API keys without a signature (1)") != NULL, "%s",
                  remark); /* it was killed before it signed */
    write_export(manager); /* with the act of restoring, if there was one */
    sealring_manager_close(&manager);
}

START_TEST(killed_where_a_registry_is_there)
{
    bool killed = die_in(_i);
    ck_assert_int_eq(killed, _i < POINT_RENAMING || _i >= POINT_ANCHOR); /* nothing is renamed here */
    ck_assert_msg(is_there(), "%s", error.message);
    serve(); /* with the old registry, or with the restored one, which is signed */
    goes_on();
    ASSERT_OK(restore(), error);
    ck_assert(is_there());
    ck_assert_int_eq(access(export, F_OK), 0);
}
END_TEST

/* Its beginning is overwritten: the file itself is exchanged. */
START_TEST(killed_where_it_is_damaged)
{
    FILE *registry = fopen(vault.registry, "r+");
    ck_assert_ptr_nonnull(registry);
    ck_assert_uint_eq(fwrite("not a database at all", 1, 21, registry), 21);
    ck_assert_int_eq(fclose(registry), 0);
    bool killed = die_in(_i);
    ck_assert_int_eq(killed,
                     (_i < POINT_RENAMING + 5 && _i != POINT_KEEPING && _i != POINT_INSTALLING) || _i >= POINT_ANCHOR);
    ck_assert_int_eq(is_there(), !killed || _i >= POINT_ANCHOR);
    if (is_there()) {
        serve();
        goes_on();
    }
    ASSERT_OK(restore(), error);
    ck_assert_msg(is_there(), "%s", error.message);
    goes_on();
}
END_TEST

/* With what the token says: the revocation is lost, and the anchor knows; the next command is refused until restoring went all the way. */
START_TEST(a_loss_that_was_not_anchored_is_no_crash)
{
    sealring_restore_options options = {.size = sizeof options, .accept_loss = "for the test", .progress = hear};
    sealring_manager *manager = NULL;
    int status;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        die_at = POINT_ANCHOR;
        _exit(sealring_restore(vault.path, file, &options, NULL, NULL, NULL, &error) == SEALRING_OK ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    manager = test_vault_manage(&vault);
    ck_assert_int_eq(sealring_client_add(manager, "no", NULL, &error), SEALRING_REFUSED);
    ck_assert_ptr_nonnull(strstr(error.message, "ALARM"));
    sealring_manager_close(&manager);
    ASSERT_OK(sealring_restore(vault.path, file, &options, NULL, NULL, NULL, &error), error);
    goes_on();
}
END_TEST

/* The restored log is as long as the one that the anchor is about. */
START_TEST(another_log_of_the_same_length_gets_an_anchor)
{
    sealring_restore_options options = {.size = sizeof options, .accept_loss = "for the test"};
    sealring_manager *manager = test_vault_manage(&vault);
    ck_assert_int_eq(unlink(file), 0);
    ASSERT_OK(sealring_backup(manager, file, NULL, NULL, NULL, &error), error);
    ASSERT_OK(sealring_client_add(manager, "lost", NULL, &error), error);
    sealring_manager_close(&manager);
    long long entries = test_vault_number(&vault, "SELECT max(sequence) FROM audit");
    ASSERT_OK(sealring_restore(vault.path, file, &options, NULL, NULL, NULL, &error), error);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT max(sequence) FROM audit"), entries);
    goes_on();
    serve();
}
END_TEST

/* As every act that permits something. */
START_TEST(without_a_signature_nothing_is_changed)
{
    long long entries = test_vault_number(&vault, "SELECT max(sequence) FROM audit");
    char restoring[192];
    snprintf(restoring, sizeof restoring, "%s.restoring", vault.registry);
    signs_nothing = true;
    ck_assert_int_eq(restore(), SEALRING_TOKEN);
    ck_assert_msg(strstr(error.message, "nothing was changed") != NULL, "%s", error.message);
    signs_nothing = false;
    ck_assert_int_eq(access(restoring, F_OK), -1);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT max(sequence) FROM audit"), entries);
    serve();
    goes_on();
}
END_TEST

static int stop(const char *what, uint64_t done, uint64_t total, void *context)
{
    (void)done;
    (void)total;
    return strcmp(what, context) == 0;
}

START_TEST(stopping_it_changes_nothing)
{
    const char *logs[] = {export, NULL};
    static char reading[] = "reading", replaying[] = "replaying", writing[] = "writing";
    char other[192];
    sealring_restore_options options = {.size = sizeof options, .logs = logs, .progress = stop};
    long long entries = test_vault_number(&vault, "SELECT max(sequence) FROM audit");
    options.progress_context = reading;
    ck_assert_int_eq(sealring_restore(vault.path, file, &options, NULL, NULL, NULL, &error), SEALRING_REFUSED);
    options.progress_context = replaying;
    ck_assert_int_eq(sealring_restore(vault.path, file, &options, NULL, NULL, NULL, &error), SEALRING_REFUSED);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT max(sequence) FROM audit"), entries);
    snprintf(other, sizeof other, "%s.other", file);
    sealring_manager *manager = test_vault_manage(&vault);
    ck_assert_int_eq(sealring_backup(manager, other, stop, writing, NULL, &error), SEALRING_REFUSED);
    ck_assert_int_eq(access(other, F_OK), -1);
    sealring_manager_close(&manager);
}
END_TEST

/* In a process of its own, as another operator's. */
static int revoke_meanwhile(const char *what, uint64_t done, uint64_t total, void *context)
{
    int status;
    (void)done;
    (void)total;
    if (strcmp(what, "replaying") != 0 || *(char *)context == '\0')
        return 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        sealring_manager *manager = test_vault_manage(&vault);
        _exit(sealring_key_set_state(manager, context, SEALRING_KEY_REVOKED, "leaked", NULL) == SEALRING_OK ? 0 : 1);
    }
    *(char *)context = '\0'; /* once */
    return waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

/* The vault belongs to the restore, but a revocation goes first: it must not be lost with the registry that is replaced. */
START_TEST(a_revocation_meanwhile_is_not_lost)
{
    const char *logs[] = {export, NULL};
    char credential[SEALRING_CREDENTIAL_LENGTH_MAX + 1], second[SEALRING_KEY_ID_LENGTH + 1];
    sealring_restore_options options = {.size = sizeof options, .logs = logs, .progress = revoke_meanwhile};
    options.progress_context = second;
    sealring_manager *manager = test_vault_manage(&vault);
    ASSERT_OK(sealring_client_add(manager, "second", NULL, &error), error);
    test_vault_issue(manager, "payments", "second", "read", credential, second);
    write_export(manager);
    sealring_manager_close(&manager);
    ck_assert_int_eq(sealring_restore(vault.path, file, &options, NULL, NULL, NULL, &error), SEALRING_REGISTRY);
    ck_assert_msg(strstr(error.message, "repeat the command") != NULL, "%s", error.message);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM api_key WHERE state = 3"), 2);
    goes_on(); /* which signs what was committed meanwhile, and exports all of it */
    ASSERT_OK(sealring_restore(vault.path, file, &options, NULL, NULL, NULL, &error), error);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM api_key WHERE state = 3"), 2);
    goes_on();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("restore");
    TCase *tests = tcase_create("restore");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, killed_where_a_registry_is_there, POINT_READING, POINT_RENAMING + 1);
    tcase_add_loop_test(tests, killed_where_a_registry_is_there, POINT_ANCHOR, POINT_COUNT);
    tcase_add_loop_test(tests, killed_where_it_is_damaged, POINT_RECORDED, POINT_KEEPING);
    tcase_add_loop_test(tests, killed_where_it_is_damaged, POINT_CHECKPOINT, POINT_INSTALLING);
    tcase_add_loop_test(tests, killed_where_it_is_damaged, POINT_RENAMING, POINT_COUNT);
    tcase_add_test(tests, a_loss_that_was_not_anchored_is_no_crash);
    tcase_add_test(tests, another_log_of_the_same_length_gets_an_anchor);
    tcase_add_test(tests, without_a_signature_nothing_is_changed);
    tcase_add_test(tests, stopping_it_changes_nothing);
    tcase_add_test(tests, a_revocation_meanwhile_is_not_lost);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
