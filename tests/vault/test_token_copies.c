/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of a software token's objects: in every state of a version its damaged file comes back, and no closed key with it. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sealring/doctor.h>

#include "config/config.h"
#include "lib/runner.h"
#include "lib/test_vault.h"
#include "registry/lock/lock.h"
#include "token/key/key_object.h"

#define PATH_SIZE 1024

static struct test_vault vault;
static char folder[PATH_SIZE]; /* of the keys' token */
static char copies[PATH_SIZE];

/* ---- Files ---- */

__attribute__((format(printf, 1, 2))) static void shell(const char *format, ...)
{
    char command[4 * PATH_SIZE];
    va_list arguments;
    va_start(arguments, format);
    ck_assert_int_lt(vsnprintf(command, sizeof command, format, arguments), (int)sizeof command);
    va_end(arguments);
    ck_assert_msg(system(command) == 0, "%s", command);
}

/* The token whose URI is in the configuration: its folder's name ends with the serial number. */
static void find_folder(bool audit, char path[PATH_SIZE])
{
    sealring_error error;
    struct config *config;
    char name[SOFTWARE_FOLDER_SIZE];
    ASSERT_OK(config_load(vault.path, &config, &error), error);
    ck_assert_ptr_nonnull(config->software);
    ck_assert(software_folder(config->software, audit ? config->audit_token : config->token, name));
    ck_assert_int_lt(snprintf(path, PATH_SIZE, "%s/%s", software_store(config->software)->tokens, name), PATH_SIZE);
    config_free(config);
}

enum damage { EMPTY, CUT, MISSING, DAMAGES };

static const char *const damages[] = {"empty", "cut", "missing"};

static unsigned damage_objects(const char *path, enum damage damage)
{
    unsigned count = 0;
    char file[2 * PATH_SIZE];
    struct stat status;
    DIR *directory = opendir(path);
    ck_assert_ptr_nonnull(directory);
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        size_t length = strlen(entry->d_name);
        if (length < 8 || strcmp(entry->d_name + length - 7, ".object") != 0 ||
            strcmp(entry->d_name, "token.object") == 0)
            continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        ck_assert_int_eq(stat(file, &status), 0);
        ck_assert_int_eq(damage == MISSING ? unlink(file) : truncate(file, damage == EMPTY ? 0 : status.st_size / 2),
                         0);
        count++;
    }
    closedir(directory);
    return count;
}

/* ---- What the token has ---- */

struct search {
    char label[64];
    int sign; /* -1: there is no such object */
};

static sealring_status look_at_key(const struct token_key_info *key, void *context, sealring_error *error)
{
    struct search *search = context;
    (void)error;
    if (strcmp(key->label, search->label) == 0)
        search->sign = key->sign;
    return SEALRING_OK;
}

/* As somebody else who logs in sees it, without sealring's care. */
static int signs(unsigned version)
{
    sealring_error error;
    struct config *config;
    struct token_config token_config;
    struct token *token;
    struct search search = {.sign = -1};
    snprintf(search.label, sizeof search.label, "sealring/payments/%u", version);
    ASSERT_OK(config_load(vault.path, &config, &error), error);
    software_hands_off(config->software);
    token_config = config_token(config);
    ASSERT_OK(token_open(&token_config, &token, &error), error);
    ASSERT_OK(token_key_each(token, "sealring/", look_at_key, &search, &error), error);
    token_close(token);
    config_free(config);
    return search.sign;
}

static bool has_copy(unsigned version)
{
    char command[4 * PATH_SIZE], id[80] = "", sql[256];
    snprintf(sql, sizeof sql, "%s/id", vault.parent);
    snprintf(command, sizeof command,
             "sqlite3 '%s' \"SELECT lower(hex(object_id)) FROM version WHERE number = %u\" >'%s/id'", vault.registry,
             version, vault.parent);
    ck_assert_int_eq(system(command), 0);
    FILE *file = fopen(sql, "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(id, sizeof id, file));
    fclose(file);
    id[strcspn(id, "\n")] = '\0';
    snprintf(command, sizeof command, "ls '%s'/*/ | grep -q '^key-%s-'", copies, id);
    return system(command) == 0;
}

/* ---- Acts ---- */

struct issued {
    char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
};
static struct issued first; /* under version 1 */

static void change(sealring_event event, uint32_t version)
{
    sealring_error error;
    sealring_event_options options = {
        .size = sizeof options, .overrule = 1, .overrule_succession = 1, .reason = "test"};
    sealring_manager *manager = test_vault_manage(&vault);
    ASSERT_OK(test_vault_change(manager, NULL, "payments", event, version, &options, NULL, &error), error);
    sealring_manager_close(&manager);
}

/* Any command that uses the token. */
static void use(void)
{
    static unsigned number;
    char client[16];
    struct issued issued;
    sealring_manager *manager = test_vault_manage(&vault);
    snprintf(client, sizeof client, "client-%u", ++number);
    test_vault_issue(manager, "payments", client, "read", issued.text, issued.key_id);
    sealring_manager_close(&manager);
}

static void expect(sealring_verdict verdict)
{
    sealring_vault *opened = test_vault_open(&vault);
    test_vault_expect(opened, first.text, "read", verdict);
    sealring_close(&opened);
}

static int count_finding(const sealring_finding *finding, void *context)
{
    unsigned *count = context;
    if (finding->severity != SEALRING_SEVERITY_NOTICE && strcmp(finding->code, "object-gone") != 0)
        (*count)++;
    return 0;
}

static void expect_healthy(void)
{
    unsigned count = 0;
    sealring_error error;
    ASSERT_OK(sealring_doctor(vault.path, NULL, count_finding, &count, NULL, &error), error);
    ck_assert_uint_eq(count, 0);
}

static void set_up(void)
{
    test_vault_make(&vault);
    find_folder(false, folder);
    snprintf(copies, sizeof copies, "%s/tokens/copies", vault.path);
    sealring_manager *manager = test_vault_manage(&vault);
    test_vault_ring(manager, "payments", "pay", 3600000);
    test_vault_issue(manager, "payments", "alice", "read", first.text, first.key_id);
    sealring_manager_close(&manager);
}

static void tear_down(void)
{
    test_vault_remove(&vault);
}

/* ---- Every state ---- */

struct stage {
    const char *name;
    sealring_event event;
    uint32_t version;
    sealring_verdict verdict; /* on a credential under version 1 */
    int signs;                /* version 1's object, also after it was damaged in place */
    int after_missing;        /* and after it was missing */
};

/* Damages all keys' files in each way after each act of a life, and has a command follow. */
static const struct stage stages[] = {
    {"active", SEALRING_EVENT_PREPARE, 0, SEALRING_ACCEPTED, 1, 1}, /* and another one pending */
    {"retiring", SEALRING_EVENT_ACTIVATE, 2, SEALRING_ACCEPTED, 1, 1},
    {"retired", SEALRING_EVENT_RETIRE, 1, SEALRING_REJECTED_VERSION_RETIRED, 0, -1},
};

static void play(const struct stage *stage_list, size_t count, enum damage damage)
{
    for (size_t i = 0; i < count; i++) {
        const struct stage *stage = &stage_list[i];
        int wanted = damage == MISSING ? stage->after_missing : stage->signs;
        change(stage->event, stage->version);
        ck_assert_uint_gt(damage_objects(folder, damage), 0);
        use();
        expect(stage->verdict);
        ck_assert_msg(signs(1) == wanted, "%s, %s: %d", stage->name, damages[damage], signs(1));
        if (wanted >= 0)
            expect_healthy();
    }
}

START_TEST(keys_come_back_as_they_were_and_closed_ones_closed)
{
    play(stages, sizeof stages / sizeof *stages, (enum damage)_i);
}
END_TEST

START_TEST(a_reinstated_key_comes_back_signing_and_a_compromised_one_closed)
{
    static const struct stage more[] = {
        {"retired", SEALRING_EVENT_RETIRE, 1, SEALRING_REJECTED_VERSION_RETIRED, 0, 0},
        {"reinstated", SEALRING_EVENT_REINSTATE, 1, SEALRING_ACCEPTED, 1, 1},
        {"compromised", SEALRING_EVENT_COMPROMISE, 1, SEALRING_REJECTED_VERSION_COMPROMISED, 0, 0},
    };
    change(SEALRING_EVENT_PREPARE, 0);
    change(SEALRING_EVENT_ACTIVATE, 2);
    play(more, sizeof more / sizeof *more, (enum damage)_i);
}
END_TEST

START_TEST(a_destroyed_key_stays_destroyed)
{
    change(SEALRING_EVENT_ROTATE, 0);
    shell("cp -a '%s' '%s/kept'", copies, vault.parent);
    ck_assert(has_copy(1));
    change(SEALRING_EVENT_COMPROMISE, 1);
    ck_assert(has_copy(1));
    change(SEALRING_EVENT_DESTROY, 1);
    ck_assert(!has_copy(1));
    ck_assert_int_eq(signs(1), -1);
    shell("rm -r '%s' && cp -a '%s/kept' '%s'", copies, vault.parent, copies); /* as if it had not been removed */
    ck_assert(has_copy(1));
    use();
    ck_assert_int_eq(signs(1), -1);
    ck_assert(!has_copy(1));
    expect(SEALRING_REJECTED_VERSION_COMPROMISED);
    expect_healthy();
}
END_TEST

/* The copy of before the closing: the closed facts decide, and neither row nor copy. */
START_TEST(an_older_copy_opens_no_key)
{
    change(SEALRING_EVENT_ROTATE, 0);
    shell("cp -a '%s' '%s/kept'", copies, vault.parent);
    change(SEALRING_EVENT_RETIRE, 1);
    ck_assert_int_eq(signs(1), 0);
    shell("rm -r '%s' && cp -a '%s/kept' '%s'", copies, vault.parent, copies);
    test_vault_attack(&vault, "UPDATE version SET state = 3, closed = 0, purge_at = 0, "
                              "retire_at = created + 3600000 "
                              "WHERE number = 1");
    damage_objects(folder, (enum damage)_i);
    use();
    ck_assert_int_eq(signs(1), _i == MISSING ? -1 : 0);
}
END_TEST

/* What is edited in one row, and how that is undone. No fact says it. */
static const struct {
    const char *edit, *undo;
} edits[] = {
    {"state = 6, closed = created, destroyed = created", "state = 3, closed = 0, destroyed = 0"},
    {"state = 5, closed = created, was_compromised = 1", "state = 3, closed = 0, was_compromised = 0"},
    {"state = 4, closed = created", "state = 3, closed = 0"},
    {"object_id = CAST(object_id || x'00' AS BLOB)", "object_id = substr(object_id, 1, length(object_id) - 1)"},
};
enum { EDITS = sizeof edits / sizeof edits[0] };

START_TEST(an_edited_row_takes_no_key_and_no_copy)
{
    const char *where = "WHERE number = 1";
    char sql[512];
    unsigned edit = (unsigned)_i % EDITS;
    change(SEALRING_EVENT_ROTATE, 0);
    snprintf(sql, sizeof sql, "UPDATE version SET %s %s", edits[edit].edit, where);
    test_vault_attack(&vault, sql);
    damage_objects(folder, (enum damage)((unsigned)_i / EDITS));
    use();
    snprintf(sql, sizeof sql, "UPDATE version SET %s %s", edits[edit].undo, where);
    test_vault_attack(&vault, sql);
    use();
    ck_assert_int_eq(signs(1), 1);
    expect(SEALRING_ACCEPTED);
}
END_TEST

/* A compromised version whose row names the live one's key: neither that key nor its copy goes with it. The fact names its own. */
START_TEST(an_edited_object_id_takes_no_copy)
{
    char sql[512];
    sealring_error error;
    sealring_event_options options = {.size = sizeof options, .overrule = 1, .reason = "test"};
    change(SEALRING_EVENT_ROTATE, 0);
    change(SEALRING_EVENT_COMPROMISE, 1);
    ck_assert(has_copy(2));
    shell("sqlite3 '%s' \"VACUUM INTO '%s/edited'\"", vault.registry, vault.parent);
    test_vault_attack(&vault,
                      "CREATE TEMP TABLE kept AS SELECT number, object_id FROM version; "
                      "UPDATE version SET object_id = x'0011223344556677' WHERE number = 2; "
                      "UPDATE version SET object_id = (SELECT object_id FROM kept WHERE number = 2) WHERE number = 1");
    sealring_manager *manager = test_vault_manage(&vault);
    ASSERT_OK(sealring_version_change(manager, "payments", SEALRING_EVENT_DESTROY, 1, &options, NULL, &error),
              error); /* of its own object, which the fact names */
    sealring_manager_close(&manager);
    snprintf(sql, sizeof sql,
             "ATTACH '%s/edited' AS kept; UPDATE version SET object_id = randomblob(8); UPDATE version SET object_id = "
             "(SELECT object_id FROM kept.version AS former WHERE former.number = version.number)",
             vault.parent);
    test_vault_sql(&vault, sql);
    ck_assert(has_copy(2));
    use();
    ck_assert_int_eq(signs(2), 1);
}
END_TEST

/* An older registry knows no version 2. Its key and the copy of it are there when the newest registry is back. */
START_TEST(an_older_registry_takes_no_key)
{
    sealring_error error;
    sealring_manager *manager;
    struct issued second;
    shell("sqlite3 '%s' \"VACUUM INTO '%s/older'\"", vault.registry, vault.parent);
    change(SEALRING_EVENT_ROTATE, 0);
    manager = test_vault_manage(&vault);
    test_vault_issue(manager, "payments", "bob", "read", second.text, second.key_id);
    sealring_manager_close(&manager);
    shell("sqlite3 '%s' \"VACUUM INTO '%s/newest'\"", vault.registry, vault.parent);
    shell("rm -f '%s'-*; cp '%s/older' '%s'", vault.registry, vault.parent, vault.registry);
    damage_objects(folder, (enum damage)_i);
    manager = test_vault_manage(&vault);
    ck_assert_int_eq(sealring_client_add(manager, "carol", NULL, &error), SEALRING_REFUSED);
    ck_assert_int_eq(sealring_ring_create(manager, "other", NULL, NULL, 0, &error), SEALRING_REFUSED);
    sealring_manager_close(&manager);
    shell("rm -f '%s'-*; cp '%s/newest' '%s'", vault.registry, vault.parent, vault.registry);
    ck_assert(has_copy(2));
    use();
    ck_assert_int_eq(signs(1), 1);
    ck_assert_int_eq(signs(2), 1);
}
END_TEST

/* A full disk leaves an empty record of what was restored. What is restored later is recorded all the same. */
START_TEST(an_empty_record_keeps_no_later_one_off_the_log)
{
    const char *sql = "SELECT count(*) FROM audit WHERE act = 'token.restore'";
    shell(": >'%s/restored.taken'", copies);
    damage_objects(folder, EMPTY);
    use();
    ck_assert_int_ge(test_vault_number(&vault, sql), 1);
}
END_TEST

/* ---- Without copies, and without room ---- */

START_TEST(a_vault_of_before_there_were_copies_gets_them)
{
    change(SEALRING_EVENT_ROTATE, 0);
    change(SEALRING_EVENT_RETIRE, 1);
    shell("rm -r '%s'", copies);
    use();
    ck_assert(has_copy(1));
    ck_assert(has_copy(2));
    expect_healthy();
    damage_objects(folder, EMPTY);
    use();
    ck_assert_int_eq(signs(1), 0);
    ck_assert_int_eq(signs(2), 1);
    expect_healthy();
}
END_TEST

START_TEST(the_audit_tokens_objects_come_back)
{
    char audit[PATH_SIZE];
    find_folder(true, audit);
    ck_assert_uint_eq(damage_objects(audit, (enum damage)_i), 3); /* a key pair and the anchor */
    use();
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM audit WHERE act = 'token.restore'"), 1);
    expect_healthy();
}
END_TEST

/* ---- A full disk ---- */

static char reserve[2 * PATH_SIZE];
static unsigned refused;

ssize_t __real_pwrite(int descriptor, const void *bytes, size_t length, off_t offset);
ssize_t __wrap_pwrite(int descriptor, const void *bytes, size_t length, off_t offset);

/* As long as the reserve has not been given up there is no room for anything. */
ssize_t __wrap_pwrite(int descriptor, const void *bytes, size_t length, off_t offset)
{
    struct stat status;
    if (reserve[0] != '\0' && stat(reserve, &status) == 0 && status.st_size > 0) {
        refused++;
        errno = ENOSPC;
        return -1;
    }
    return __real_pwrite(descriptor, bytes, length, offset);
}

START_TEST(the_reserve_pays_for_restoring_on_a_full_disk)
{
    struct stat status;
    char token_object[2 * PATH_SIZE];
    snprintf(token_object, sizeof token_object, "%s/token.object", folder);
    ck_assert_int_eq(truncate(token_object, 0), 0);
    damage_objects(folder, EMPTY);
    snprintf(reserve, sizeof reserve, "%s/reserve", copies);
    use();
    ck_assert_uint_gt(refused, 0);
    expect(SEALRING_ACCEPTED);
    ck_assert_int_eq(stat(reserve, &status), 0);
    ck_assert_int_gt(status.st_size, 0); /* made again */
    reserve[0] = '\0';
}
END_TEST

/* ---- Restrictions, while files are damaged ---- */

/* What a restriction waits for. */
struct waiting {
    int held; /* a lock of somebody else's, -1: none; it is let go of when it is waited for */
    char urgent[PATH_SIZE];
    long long epoch; /* before */
    unsigned calls;
    bool announced; /* at the first call */
    bool committed;
};

static long long epoch_now(void)
{
    return test_vault_number(&vault, "SELECT epoch FROM vault");
}

static int hold(const char *lock, int how)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", vault.path, lock);
    int descriptor = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(flock(descriptor, how), 0);
    return descriptor;
}

static void waits(const char *holder, bool stopped, void *context)
{
    struct waiting *waiting = context;
    (void)holder;
    (void)stopped;
    if (waiting->calls++ == 0) {
        waiting->announced = lock_is_announced(waiting->urgent);
        waiting->committed = epoch_now() != waiting->epoch;
    }
    if (waiting->held >= 0)
        close(waiting->held);
    waiting->held = -1;
}

struct restriction {
    const char *name;
    sealring_status (*act)(sealring_manager *manager, sealring_error *error);
};

static sealring_status revoke_first(sealring_manager *manager, sealring_error *error)
{
    return sealring_key_set_state(manager, first.key_id, SEALRING_KEY_REVOKED, "leaked", error);
}

static sealring_status suspend_first(sealring_manager *manager, sealring_error *error)
{
    return sealring_key_set_state(manager, first.key_id, SEALRING_KEY_SUSPENDED, "leaked", error);
}

static sealring_status compromise_first(sealring_manager *manager, sealring_error *error)
{
    const sealring_event_options options = {.size = sizeof options, .reason = "leaked"};
    return sealring_version_change(manager, "payments", SEALRING_EVENT_COMPROMISE, 1, &options, NULL, error);
}

static const struct restriction restrictions[] = {
    {"revoke", revoke_first},
    {"suspend", suspend_first},
    {"compromise", compromise_first},
};

#define RESTRICTIONS (int)(sizeof restrictions / sizeof restrictions[0])

/* A command that uses the token, whatever has become of the first ring. */
static void create_ring(void)
{
    sealring_manager *manager = test_vault_manage(&vault);
    test_vault_ring(manager, "other", "oth", 3600000);
    sealring_manager_close(&manager);
}

static void restrict_waiting(const struct restriction *restriction, struct waiting *waiting)
{
    sealring_error error = {.message = ""};
    sealring_manager *manager = NULL;
    const sealring_manage_options options = {
        .size = sizeof options, .lock_wait = 20000, .lock_waits = waits, .lock_context = waiting};
    snprintf(waiting->urgent, sizeof waiting->urgent, "%s/vault.urgent", vault.path);
    waiting->epoch = epoch_now();
    ASSERT_OK(sealring_manager_open(vault.path, &options, &manager, &error), error);
    ck_assert_msg(restriction->act(manager, &error) == SEALRING_OK, "%s: %s", restriction->name, error.message);
    ck_assert_msg(strstr(sealring_manager_remark(manager), "ALARM") == NULL, "%s: %s", restriction->name,
                  sealring_manager_remark(manager));
    sealring_manager_close(&manager);
}

/* Somebody who commits all the time, or was stopped in a commit: the restriction has to be announced before it waits. */
START_TEST(a_restriction_is_announced_before_damaged_files_make_it_wait)
{
    char audit[PATH_SIZE];
    struct waiting waiting = {.held = -1};
    find_folder(true, audit);
    ck_assert_uint_gt(damage_objects(folder, MISSING), 0);
    ck_assert_uint_gt(damage_objects(audit, MISSING), 0);
    waiting.held = hold("vault.lock", LOCK_EX);
    restrict_waiting(&restrictions[_i], &waiting);
    ck_assert_uint_ge(waiting.calls, 1);
    ck_assert(waiting.announced);
    ck_assert(!waiting.committed);
    create_ring();
    expect_healthy();
}
END_TEST

/* Only what comes after the commit yields to announcements. */
START_TEST(damaged_files_do_not_make_a_restriction_wait_for_another_one)
{
    struct waiting waiting = {.held = -1};
    ck_assert_uint_gt(damage_objects(folder, MISSING), 0);
    waiting.held = hold("vault.urgent", LOCK_SH);
    restrict_waiting(&restrictions[_i], &waiting);
    ck_assert(waiting.calls == 0 || waiting.committed);
    if (waiting.held >= 0)
        close(waiting.held);
    create_ring();
    expect_healthy();
}
END_TEST

/* ---- Another PIN ---- */

START_TEST(with_a_new_pin_the_old_one_opens_no_copy)
{
    static const char *const lines[] = {"newpin1234\n", "\n"};
    char old[64] = "", path[PATH_SIZE], token_object[2 * PATH_SIZE];
    snprintf(path, sizeof path, "%s/pins/keys.pin", vault.path);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(old, sizeof old, file));
    fclose(file);
    old[strcspn(old, "\n")] = '\0';
    shell("pkcs11-tool --module '%s' --token-label sealring-keys --login --pin %s --change-pin --new-pin newpin1234 "
          ">'%s/out' 2>&1",
          getenv("SOFTHSM2_MODULE"), old, vault.parent);
    shell("printf '%s' >'%s'", lines[0], path);
    use(); /* the first login with it */
    snprintf(token_object, sizeof token_object, "%s/token.object", folder);
    ck_assert_int_eq(truncate(token_object, 0), 0);
    use();
    expect(SEALRING_ACCEPTED);
    shell("! pkcs11-tool --module '%s' --token-label sealring-keys --login --pin %s --list-objects >'%s/out' 2>&1",
          getenv("SOFTHSM2_MODULE"), old, vault.parent);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token_copies");
    TCase *cases = tcase_create("copies");
    tcase_set_timeout(cases, 600);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, keys_come_back_as_they_were_and_closed_ones_closed, 0, DAMAGES);
    tcase_add_loop_test(cases, a_reinstated_key_comes_back_signing_and_a_compromised_one_closed, 0, MISSING);
    tcase_add_test(cases, a_destroyed_key_stays_destroyed);
    tcase_add_loop_test(cases, an_edited_row_takes_no_key_and_no_copy, 0, EDITS * DAMAGES);
    tcase_add_test(cases, an_edited_object_id_takes_no_copy);
    tcase_add_loop_test(cases, an_older_registry_takes_no_key, 0, DAMAGES);
    tcase_add_test(cases, an_empty_record_keeps_no_later_one_off_the_log);
    tcase_add_loop_test(cases, an_older_copy_opens_no_key, 0, DAMAGES);
    tcase_add_test(cases, a_vault_of_before_there_were_copies_gets_them);
    tcase_add_loop_test(cases, the_audit_tokens_objects_come_back, 0, DAMAGES);
    tcase_add_test(cases, the_reserve_pays_for_restoring_on_a_full_disk);
    tcase_add_loop_test(cases, a_restriction_is_announced_before_damaged_files_make_it_wait, 0, RESTRICTIONS);
    tcase_add_loop_test(cases, damaged_files_do_not_make_a_restriction_wait_for_another_one, 0, RESTRICTIONS);
    tcase_add_test(cases, with_a_new_pin_the_old_one_opens_no_copy);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
