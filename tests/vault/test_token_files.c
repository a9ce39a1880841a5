/* SPDX-License-Identifier: Apache-2.0 */
/* A vault's own software tokens whose files are damaged: restored from copies before anybody logs in, and said. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sealring/doctor.h>

#include "lib/runner.h"
#include "lib/test_vault.h"
#include "softhsm/object_file.h"
#include "softhsm/reserve.h"
#include "softhsm/separate.h"

#define PATH_SIZE 512
#define FILE_SIZE 4096

static struct test_vault vault;
static char tokens[2][PATH_SIZE]; /* folders: of the keys, of the audit log */

/* ---- The files ---- */

static size_t read_file(const char *path, uint8_t bytes[FILE_SIZE])
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = descriptor < 0 ? 0 : read(descriptor, bytes, FILE_SIZE);
    if (descriptor >= 0)
        close(descriptor);
    ck_assert_int_ge(length, 0);
    return (size_t)length;
}

static void write_file(const char *path, const void *bytes, size_t length)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(write(descriptor, bytes, length), (ssize_t)length);
    close(descriptor);
}

static const char *file_of(int token, const char *name)
{
    static char path[2 * PATH_SIZE];
    ck_assert_int_lt(snprintf(path, sizeof path, "%s/%s", tokens[token], name), (int)sizeof path);
    return path;
}

static bool contains(const char *path, const char *text)
{
    uint8_t bytes[FILE_SIZE];
    size_t length = read_file(path, bytes);
    return memmem(bytes, length, text, strlen(text)) != NULL;
}

/* The folder whose token.object has the label in it. */
static void find_tokens(void)
{
    char parent[PATH_SIZE], path[2 * PATH_SIZE];
    snprintf(parent, sizeof parent, "%s/tokens/softhsm2", vault.path);
    DIR *directory = opendir(parent);
    ck_assert_ptr_nonnull(directory);
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s/token.object", parent, entry->d_name);
        int token = contains(path, "sealring-keys") ? 0 : 1;
        ck_assert_int_lt(snprintf(tokens[token], PATH_SIZE, "%s/%s", parent, entry->d_name), PATH_SIZE);
    }
    closedir(directory);
}

enum damage { EMPTY, MISSING, CUT, ZEROS, GARBAGE, DAMAGES };

static void damage_file(const char *path, enum damage damage)
{
    uint8_t bytes[FILE_SIZE];
    size_t length = read_file(path, bytes);
    ck_assert_uint_gt(length, 0);
    switch (damage) {
    case EMPTY:
        write_file(path, "", 0);
        break;
    case MISSING:
        ck_assert_int_eq(unlink(path), 0);
        break;
    case CUT:
        write_file(path, bytes, length - 3);
        break;
    case ZEROS:
        memset(bytes, 0, length);
        write_file(path, bytes, length);
        break;
    default:
        memset(bytes + 16 < bytes + length ? bytes + 8 : bytes, 0xa5, 8);
        if (length > 8)
            write_file(path, bytes, length);
        else
            write_file(path, "abc", 3);
    }
}

/* ---- The vault ---- */

static char credential[SEALRING_CREDENTIAL_LENGTH_MAX + 1];
static char key_id[SEALRING_KEY_ID_LENGTH + 1];

static void set_up(void)
{
    test_vault_make(&vault);
    find_tokens();
    sealring_manager *manager = test_vault_manage(&vault);
    test_vault_ring(manager, "payments", "pay", 3600000);
    test_vault_issue(manager, "payments", "alice", "read", credential, key_id);
    sealring_manager_close(&manager);
}

static void tear_down(void)
{
    test_vault_remove(&vault);
}

static sealring_status rotate(sealring_error *error)
{
    sealring_manager *manager = test_vault_manage(&vault);
    sealring_status status = sealring_version_change(manager, "payments", SEALRING_EVENT_ROTATE, 0, NULL, NULL, error);
    sealring_manager_close(&manager);
    return status;
}

/* Uses both tokens. */
static void issue_another(void)
{
    static unsigned number;
    char client[16], text[SEALRING_CREDENTIAL_LENGTH_MAX + 1], id[SEALRING_KEY_ID_LENGTH + 1];
    sealring_manager *manager = test_vault_manage(&vault);
    snprintf(client, sizeof client, "client-%u", ++number);
    test_vault_issue(manager, "payments", client, "read", text, id);
    sealring_manager_close(&manager);
}

static void expect_good(void)
{
    sealring_vault *opened = test_vault_open(&vault);
    test_vault_expect(opened, credential, "read", SEALRING_ACCEPTED);
    sealring_close(&opened);
}

struct findings {
    unsigned damaged, behind, lost, unreadable, aside, others;
    unsigned repaired;
};

static int take_finding(const sealring_finding *finding, void *context)
{
    struct findings *findings = context;
    findings->damaged += strcmp(finding->code, "token-file-damaged") == 0;
    findings->lost += strcmp(finding->code, "token-file-lost") == 0;
    findings->behind += strcmp(finding->code, "token-copy-behind") == 0;
    findings->unreadable += strcmp(finding->code, "token-copy-unreadable") == 0;
    findings->aside += strcmp(finding->code, "token-file-aside") == 0;
    findings->others += strncmp(finding->code, "token-", 6) != 0;
    findings->repaired += finding->repaired;
    return 0;
}

static struct findings examine(bool repair)
{
    struct findings findings = {0};
    sealring_error error;
    sealring_doctor_options options = {.size = sizeof options, .repair = repair};
    (void)sealring_doctor(vault.path, &options, take_finding, &findings, NULL, &error);
    return findings;
}

/* ---- token.object and generation ---- */

START_TEST(a_command_restores_what_a_login_rewrites)
{
    static const char *const names[] = {"token.object", "generation"};
    for (int token = 0; token < 2; token++)
        for (size_t name = 0; name < 2; name++)
            for (int damage = 0; damage < DAMAGES; damage++) {
                long long before = test_vault_number(&vault, "SELECT count(*) FROM audit WHERE act = 'token.restore'");
                damage_file(file_of(token, names[name]), (enum damage)damage);
                issue_another();
                ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM audit WHERE act = 'token.restore'"),
                                 before + 1);
                expect_good();
            }
}
END_TEST

static void hear(sealring_log_level level, const char *text, void *context)
{
    unsigned *alarms = context;
    if (level == SEALRING_LOG_ALARM && strstr(text, "restored from its copy") != NULL)
        (*alarms)++;
}

/* It cannot write the log, so its report says it; whoever reads that next records it, and what was restored as well. */
START_TEST(a_server_restores_it_before_it_logs_in_and_raises_an_alarm)
{
    unsigned alarms = 0;
    sealring_error error;
    sealring_options options = {.size = sizeof options, .manual_maintenance = 1};
    damage_file(file_of(0, "token.object"), EMPTY);
    sealring_vault *opened = test_vault_open_with(&vault, &options);
    sealring_set_log(opened, hear, &alarms);
    test_vault_expect(opened, credential, "read", SEALRING_ACCEPTED);
    ASSERT_OK(sealring_maintain(opened, NULL, &error), error);
    ck_assert_uint_eq(alarms, 1);
    sealring_close(&opened);
    ASSERT_OK(rotate(&error), error);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM audit WHERE act = 'token.restore'"), 1);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM audit WHERE act = 'alarm' AND "
                                               "detail LIKE '%restored from its copy%'"),
                     1);
}
END_TEST

START_TEST(without_a_copy_nothing_is_made_up)
{
    char copies[PATH_SIZE], command[2 * PATH_SIZE];
    sealring_error error;
    snprintf(copies, sizeof copies, "%s/tokens/copies", vault.path);
    snprintf(command, sizeof command, "rm -r %s", copies);
    ck_assert_int_eq(system(command), 0);
    damage_file(file_of(0, "token.object"), EMPTY);
    ck_assert_int_eq(rotate(&error), SEALRING_TOKEN);
    uint8_t bytes[FILE_SIZE];
    ck_assert_uint_eq(read_file(file_of(0, "token.object"), bytes), 0);
}
END_TEST

/* ---- Copies that cannot be read ---- */

#define COPY_KEPT "kept" /* in tokens/copies */

static const char *copy_of(int token, const char *name)
{
    static char path[2 * PATH_SIZE];
    snprintf(path, sizeof path, "%.200s/tokens/copies/%s/%s", vault.path, strrchr(tokens[token], '/') + 1, name);
    return path;
}

static const char *kept_copy(void)
{
    static char path[PATH_SIZE];
    snprintf(path, sizeof path, "%.200s/tokens/copies/" COPY_KEPT, vault.path);
    return path;
}

/* Root may read everything, so a link takes the copy's place, which no copy may be. */
static void hide_copy(const char *copy)
{
    ck_assert_int_eq(rename(copy, kept_copy()), 0);
    ck_assert_int_eq(symlink(kept_copy(), copy), 0);
}

static bool is_hidden(const char *copy)
{
    struct stat file;
    return lstat(copy, &file) == 0 && S_ISLNK(file.st_mode);
}

static void show_copy(const char *copy)
{
    ck_assert_int_eq(rename(kept_copy(), copy), 0);
}

static void find_object_copy(char path[2 * PATH_SIZE])
{
    DIR *directory = opendir(copy_of(0, "."));
    path[0] = '\0';
    ck_assert_ptr_nonnull(directory);
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory))
        if (strncmp(entry->d_name, "key-", 4) == 0)
            snprintf(path, 2 * PATH_SIZE, "%s", copy_of(0, entry->d_name));
    closedir(directory);
    ck_assert_str_ne(path, "");
}

START_TEST(a_copy_that_cannot_be_read_is_not_replaced_and_raises_an_alarm)
{
    static const char *const names[] = {"token.object", "generation", NULL}; /* NULL: an object */
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char copy[2 * PATH_SIZE];
        if (names[i] != NULL)
            snprintf(copy, sizeof copy, "%s", copy_of(0, names[i]));
        else
            find_object_copy(copy);
        hide_copy(copy);
        issue_another();
        ck_assert(is_hidden(copy));
        expect_good();
        ck_assert(is_hidden(copy));
        ck_assert_uint_eq(examine(true).unreadable, 1);
        ck_assert(is_hidden(copy));
        show_copy(copy);
        ck_assert_uint_eq(examine(false).unreadable, 0);
    }
}
END_TEST

/* It is not said to have none, and is restored once it can be read. */
START_TEST(a_damaged_file_is_restored_once_its_copy_can_be_read)
{
    uint8_t bytes[FILE_SIZE];
    sealring_error error;
    char copy[2 * PATH_SIZE];
    snprintf(copy, sizeof copy, "%s", copy_of(0, "token.object"));
    hide_copy(copy);
    damage_file(file_of(0, "token.object"), EMPTY);
    struct findings found = examine(false);
    ck_assert_uint_eq(found.unreadable, 1);
    ck_assert_uint_eq(found.lost, 0);
    ck_assert_int_eq(rotate(&error), SEALRING_TOKEN);
    ck_assert(is_hidden(copy));
    ck_assert_uint_eq(read_file(file_of(0, "token.object"), bytes), 0);
    show_copy(copy);
    ASSERT_OK(rotate(&error), error);
    expect_good();
}
END_TEST

/* What a link leads to stays as it is, on a full disk too. */
START_TEST(the_reserve_is_no_link)
{
    char reserve[2 * PATH_SIZE], victim[PATH_SIZE];
    uint8_t bytes[FILE_SIZE];
    snprintf(reserve, sizeof reserve, "%.200s/tokens/copies/reserve", vault.path);
    snprintf(victim, sizeof victim, "%.200s/victim", vault.path);
    write_file(victim, "precious", 8);
    ck_assert_int_eq(unlink(reserve), 0);
    ck_assert_int_eq(symlink(victim, reserve), 0);
    *strrchr(reserve, '/') = '\0';
    ck_assert(!reserve_helps(reserve, ENOSPC));
    issue_another();
    ck_assert_uint_eq(read_file(victim, bytes), 8);
}
END_TEST

/* ---- What was set aside ---- */

START_TEST(a_file_that_was_set_aside_is_found_and_left)
{
    char aside[2 * PATH_SIZE];
    snprintf(aside, sizeof aside, "%s", file_of(0, "11111111-2222-3333-4444-555555555555.object"));
    write_file(aside, "what is left of an object, without a copy of it", 47);
    issue_another();
    ck_assert_int_eq(access(aside, F_OK), -1);
    ck_assert_uint_eq(examine(false).aside, 1);
    ck_assert_uint_eq(examine(true).aside, 1);
    snprintf(aside, sizeof aside, "%s", file_of(0, "11111111-2222-3333-4444-555555555555.damaged"));
    ck_assert_int_eq(unlink(aside), 0);
    ck_assert_uint_eq(examine(false).aside, 0);
    expect_good();
}
END_TEST

/* ---- Locks ---- */

static int open_and_close(void *context)
{
    return close(open(context, O_RDONLY | O_CLOEXEC));
}

static bool is_locked_by_us(const char *path)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        int descriptor = open(path, O_RDWR | O_CLOEXEC);
        _exit(fcntl(descriptor, F_GETLK, &lock) == 0 && lock.l_type == F_WRLCK && lock.l_pid == getppid() ? 0 : 1);
    }
    int result;
    ck_assert_int_eq(waitpid(child, &result, 0), child);
    return WIFEXITED(result) && WEXITSTATUS(result) == 0;
}

/* A lock of SoftHSM2's would be lost otherwise, and another process would write the same file. */
START_TEST(looking_at_a_file_gives_up_no_lock_on_it)
{
    char path[] = "/tmp/sealring-lock-XXXXXX";
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int descriptor = mkostemp(path, O_CLOEXEC);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(fcntl(descriptor, F_SETLK, &lock), 0);
    ck_assert(is_locked_by_us(path));
    ck_assert_int_eq(separate_run(open_and_close, path), 0);
    ck_assert(is_locked_by_us(path));
    open_and_close(path); /* so the test would notice */
    ck_assert(!is_locked_by_us(path));
    close(descriptor);
    unlink(path);
}
END_TEST

static int count_descriptors(void *context)
{
    int *count = context;
    for (int i = 3; i < 256; i++)
        *count += fcntl(i, F_GETFD) >= 0;
    return 0;
}

START_TEST(no_descriptor_of_the_host_is_kept_open)
{
    int count = 0;
    int descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(separate_run(count_descriptors, &count), 0);
    ck_assert_int_eq(count, 0);
    ck_assert_int_ge(fcntl(descriptor, F_GETFD), 0);
    close(descriptor);
}
END_TEST

/* ---- The doctor ---- */

START_TEST(the_doctor_finds_it_writes_nothing_and_repairs_it_when_asked)
{
    uint8_t bytes[FILE_SIZE];
    damage_file(file_of(0, "token.object"), EMPTY);
    struct findings found = examine(false);
    ck_assert_uint_eq(found.damaged, 1);
    ck_assert_uint_eq(found.repaired, 0);
    ck_assert_uint_eq(read_file(file_of(0, "token.object"), bytes), 0);
    found = examine(true);
    ck_assert_uint_eq(found.damaged, 1);
    ck_assert_uint_eq(found.repaired, 1);
    found = examine(false);
    ck_assert_uint_eq(found.damaged + found.behind + found.others, 0);
    ck_assert_int_eq(test_vault_number(&vault, "SELECT count(*) FROM audit WHERE act = 'token.restore'"), 1);
    expect_good();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token_files");
    TCase *files = tcase_create("files");
    tcase_set_timeout(files, 600);
    tcase_add_checked_fixture(files, set_up, tear_down);
    tcase_add_test(files, a_command_restores_what_a_login_rewrites);
    tcase_add_test(files, a_server_restores_it_before_it_logs_in_and_raises_an_alarm);
    tcase_add_test(files, without_a_copy_nothing_is_made_up);
    tcase_add_test(files, a_copy_that_cannot_be_read_is_not_replaced_and_raises_an_alarm);
    tcase_add_test(files, a_damaged_file_is_restored_once_its_copy_can_be_read);
    tcase_add_test(files, the_reserve_is_no_link);
    tcase_add_test(files, a_file_that_was_set_aside_is_found_and_left);
    tcase_add_test(files, the_doctor_finds_it_writes_nothing_and_repairs_it_when_asked);
    suite_add_tcase(suite, files);
    TCase *locks = tcase_create("locks");
    tcase_add_test(locks, looking_at_a_file_gives_up_no_lock_on_it);
    tcase_add_test(locks, no_descriptor_of_the_host_is_kept_open);
    suite_add_tcase(suite, locks);
    return run_suite(suite);
}
