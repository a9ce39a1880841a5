/* SPDX-License-Identifier: Apache-2.0 */
/* A fresh vault with SoftHSM2 tokens of its own, for one test. */
#include "lib/test_vault.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/runner.h"

static int set_variable(const char *name, const char *value, void *context)
{
    (void)context;
    return setenv(name, value, 1);
}

/* ---- Making one ---- */

static const char *copied_from, *copied_to; /* directories */

/* The first connection makes the -shm file. */
static int copy_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    char target[256];
    (void)where;
    snprintf(target, sizeof target, "%s%s", copied_to, path + strlen(copied_from));
    if (kind == FTW_D)
        return mkdir(target, status->st_mode & 07777);
    if (strcmp(path + strlen(path) - 4, "-shm") == 0)
        return 0;
    int from = open(path, O_RDONLY | O_CLOEXEC);
    int to = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, status->st_mode & 07777);
    bool copied = from >= 0 && to >= 0 && sendfile(to, from, NULL, (size_t)status->st_size) == status->st_size;
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    return copied ? 0 : -1;
}

/* In a file of the copy in `directory`: the path `from` becomes `to`, which has the same length, and the inode is the copy's. */
static bool adapt_file(const char *directory, const char *name, const char *from, const char *to)
{
    char path[160], line[1024], text[8192] = "";
    struct stat here;
    size_t length = 0;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "re");
    if (file == NULL || stat(directory, &here) != 0)
        return false;
    while (fgets(line, sizeof line, file) != NULL && length < sizeof text) {
        char *named = strstr(line, from);
        if (named != NULL)
            memcpy(named, to, strlen(to));
        if (strncmp(line, "vault-inode = ", strlen("vault-inode = ")) == 0)
            snprintf(line, sizeof line, "vault-inode = %llu%s\n", (unsigned long long)here.st_ino,
                     strstr(line, " overlay") != NULL ? " overlay" : "");
        length += (size_t)snprintf(text + length, sizeof text - length, "%s", line);
    }
    fclose(file);
    file = length < sizeof text ? fopen(path, "we") : NULL;
    bool written = file != NULL && fwrite(text, 1, length, file) == length;
    return file != NULL && fclose(file) == 0 && written;
}

/* Makes the vault `copy`, which belongs at `place`, of the one at `from`. */
static bool copy_vault(const char *from, const char *copy, const char *place)
{
    copied_from = from;
    copied_to = copy;
    return nftw(from, copy_entry, 16, FTW_PHYS) == 0 && adapt_file(copy, "sealring.conf", from, place) &&
           adapt_file(copy, "tokens/softhsm2.conf", from, place);
}

/* A suite's first vault is made by sealring_init. Those of later tests are copies of what it was then, each test's own. A test's second vault is made,
 * too: it has another vault ID and other PINs. */
static void make_vault(const struct test_vault *vault, const char *suite)
{
    static bool second;
    sealring_error error;
    char first[96] = "", unfinished[112];
    if (!second && suite != NULL && strlen(suite) == strlen(vault->parent))
        snprintf(first, sizeof first, "%s/vault", suite);
    second = true;
    if (first[0] != '\0' && access(first, F_OK) == 0) {
        ck_assert(copy_vault(first, vault->path, vault->path));
        return;
    }
    ASSERT_OK(sealring_init(vault->path, NULL, NULL, &error), error);
    if (first[0] == '\0')
        return;
    snprintf(unfinished, sizeof unfinished, "%s.%d", first, (int)getpid());
    ck_assert(copy_vault(vault->path, unfinished, first));
    (void)rename(unfinished, first); /* another test may have been faster */
}

void test_vault_make(struct test_vault *vault)
{
    sealring_error error;
    const char *temporary = getenv("TMPDIR");
    memset(vault, 0, sizeof *vault);
    snprintf(vault->parent, sizeof vault->parent, "%s/sealring-test-XXXXXX",
             temporary != NULL && temporary[0] == '/' ? temporary : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(vault->parent));
    snprintf(vault->path, sizeof vault->path, "%s/vault", vault->parent);
    snprintf(vault->registry, sizeof vault->registry, "%s/registry/sealring.db", vault->path);
    ASSERT_OK(sealring_init_environment(vault->path, NULL, set_variable, NULL, &error), error);
    make_vault(vault, getenv(RUNNER_DIRECTORY));
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

void test_vault_remove(struct test_vault *vault)
{
    nftw(vault->parent, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

sealring_manager *test_vault_manage(const struct test_vault *vault)
{
    sealring_error error;
    sealring_manager *manager = NULL;
    ASSERT_OK(sealring_manager_open(vault->path, NULL, &manager, &error), error);
    return manager;
}

sealring_vault *test_vault_open(const struct test_vault *vault)
{
    return test_vault_open_with(vault, NULL);
}

sealring_vault *test_vault_open_with(const struct test_vault *vault, const sealring_options *options)
{
    sealring_error error;
    sealring_vault *opened = NULL;
    ASSERT_OK(sealring_open(vault->path, options, &opened, &error), error);
    return opened;
}

void test_vault_timing(const struct test_vault *vault, int64_t lease_ms, int64_t refresh_ms)
{
    char sql[128];
    if (lease_ms > 0) {
        snprintf(sql, sizeof sql, "UPDATE vault SET lease_ms = %lld", (long long)lease_ms);
        test_vault_sql(vault, sql);
    }
    if (refresh_ms > 0) {
        snprintf(sql, sizeof sql, "UPDATE vault SET refresh_ms = %lld", (long long)refresh_ms);
        test_vault_sql(vault, sql);
    }
}

void test_vault_module(const struct test_vault *vault, const char *module)
{
    char path[128];
    char line[8192];
    char text[16384];
    size_t length = 0;
    snprintf(path, sizeof path, "%s/sealring.conf", vault->path);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL) {
        bool names_it = strncmp(line, "module =", strlen("module =")) == 0;
        int added = names_it ? snprintf(text + length, sizeof text - length, "module = %s\n", module)
                             : snprintf(text + length, sizeof text - length, "%s", line);
        ck_assert_int_gt(added, 0);
        length += (size_t)added;
        ck_assert_uint_lt(length, sizeof text);
    }
    fclose(file);
    file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
}

#define BARRIER_PATIENCE 60000

/* With verifiers about, the first version issues once they have proved it. */
static void activate_first(sealring_manager *manager, const char *ring)
{
    sealring_error error;
    sealring_wait wait = {.size = sizeof wait, .most = BARRIER_PATIENCE};
    sealring_event_options options = {.size = sizeof options};
    ASSERT_OK(sealring_wait_barrier(manager, ring, 1, &wait, &error), error);
    sealring_status status = sealring_version_change(manager, ring, SEALRING_EVENT_ACTIVATE, 1, &options, NULL, &error);
    ck_assert_msg(status == SEALRING_OK || status == SEALRING_REFUSED, "%s", error.message); /* it is active already */
}

void test_vault_ring(sealring_manager *manager, const char *ring, const char *prefix, int64_t overlap)
{
    sealring_error error;
    sealring_policy policy = {.overlap = overlap, .quiet_period = 1000};
    ASSERT_OK(sealring_ring_create(manager, ring, prefix, &policy,
                                   SEALRING_POLICY_OVERLAP | SEALRING_POLICY_QUIET_PERIOD, &error),
              error);
    activate_first(manager, ring);
}

static int look_with_all(const sealring_progress *progress, void *context)
{
    sealring_vault *const *verifiers = context;
    (void)progress;
    for (size_t i = 0; verifiers != NULL && verifiers[i] != NULL; i++)
        sealring_maintain(verifiers[i], NULL, NULL);
    return 0;
}

sealring_status test_vault_change(sealring_manager *manager, sealring_vault *const *verifiers, const char *ring,
                                  sealring_event event, uint32_t version, const sealring_event_options *options,
                                  sealring_change *change, sealring_error *error)
{
    sealring_error barrier;
    sealring_wait wait = {.size = sizeof wait,
                          .most = BARRIER_PATIENCE,
                          .progress = look_with_all,
                          .context = (void *)(uintptr_t)verifiers};
    sealring_status status = sealring_version_change(manager, ring, event, version, options, change, error);
    if (status == SEALRING_OK) {
        look_with_all(NULL, (void *)(uintptr_t)verifiers);
        look_with_all(NULL, (void *)(uintptr_t)verifiers); /* a proof is in the next report */
        return sealring_wait_effective(manager, &wait, error);
    }
    if (status != SEALRING_WAITING || (event != SEALRING_EVENT_ROTATE && event != SEALRING_EVENT_ACTIVATE))
        return status;
    look_with_all(NULL, (void *)(uintptr_t)verifiers);
    look_with_all(NULL, (void *)(uintptr_t)verifiers); /* the proof is in the next report */
    if (sealring_wait_barrier(manager, ring, version, &wait, &barrier) != SEALRING_OK)
        return status; /* it is something else that is waited for */
    return sealring_version_change(manager, ring, SEALRING_EVENT_ACTIVATE, version, options, change, error);
}

int test_vault_take(const sealring_issued *issued, void *context)
{
    struct test_handed *handed = context;
    snprintf(handed->text, sizeof handed->text, "%s", issued->credential);
    snprintf(handed->key_id, sizeof handed->key_id, "%s", issued->key_id);
    handed->version = issued->version;
    handed->serial = issued->serial;
    handed->existed = issued->existed;
    handed->calls++;
    return 0;
}

void test_vault_issue(sealring_manager *manager, const char *ring, const char *client, const char *scopes,
                      char text[SEALRING_CREDENTIAL_LENGTH_MAX + 1], char key_id[SEALRING_KEY_ID_LENGTH + 1])
{
    sealring_error error;
    struct test_handed handed = {.calls = 0};
    sealring_issue_request request = {.client = client, .scopes = scopes};
    ASSERT_OK(
        sealring_issue(manager, ring, &request, 1, SEALRING_ISSUE_ADD_CLIENTS, test_vault_take, &handed, NULL, &error),
        error);
    ck_assert_uint_eq(handed.calls, 1);
    memcpy(text, handed.text, sizeof handed.text);
    memcpy(key_id, handed.key_id, sizeof handed.key_id);
}

void test_vault_expect(sealring_vault *vault, const char *credential, const char *scope, sealring_verdict expected)
{
    sealring_grant grant = {.size = sizeof grant};
    sealring_verdict verdict = sealring_verify(vault, credential, strlen(credential), scope, &grant);
    ck_assert_msg(verdict == expected, "expected %s, found %s: %s", sealring_verdict_name(expected),
                  sealring_verdict_name(verdict), grant.reason);
}

void test_vault_expect_now(sealring_vault *vault, const char *credential, const char *scope, sealring_verdict expected)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    /* a poll that failed, as the registry was busy, has applied nothing: it is tried for 20 s */
    for (int tries = 0; tries < 1000 && sealring_maintain(vault, NULL, NULL) == SEALRING_REGISTRY; tries++)
        nanosleep(&pause, NULL);
    test_vault_expect(vault, credential, scope, expected);
}

static sqlite3 *connect(const struct test_vault *vault)
{
    sqlite3 *database = NULL;
    ck_assert_int_eq(sqlite3_open_v2(vault->registry, &database, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_busy_timeout(database, 10000);
    return database;
}

void test_vault_sql(const struct test_vault *vault, const char *sql)
{
    sqlite3 *database = connect(vault);
    char *message = NULL;
    int code = sqlite3_exec(database, sql, NULL, NULL, &message);
    ck_assert_msg(code == SQLITE_OK, "%s: %s", sql, message);
    sqlite3_close(database);
}

/* The statements that drop, or create again, all triggers. The caller frees them with sqlite3_free. */
static char *list_triggers(sqlite3 *database, const char *select)
{
    char *all = sqlite3_mprintf("%s", "");
    sqlite3_stmt *statement = NULL;
    ck_assert_int_eq(sqlite3_prepare_v2(database, select, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW)
        all = sqlite3_mprintf("%z%s;", all, (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    return all;
}

void test_vault_attack(const struct test_vault *vault, const char *sql)
{
    sqlite3 *database = connect(vault);
    char *drop = list_triggers(database, "SELECT 'DROP TRIGGER ' || name FROM sqlite_schema WHERE type = 'trigger'");
    char *create = list_triggers(database, "SELECT sql FROM sqlite_schema WHERE type = 'trigger'");
    sqlite3_close(database);
    char *whole = sqlite3_mprintf("BEGIN IMMEDIATE; %s %s; %s COMMIT", drop, sql, create);
    test_vault_sql(vault, whole);
    sqlite3_free(drop);
    sqlite3_free(create);
    sqlite3_free(whole);
}

long long test_vault_number(const struct test_vault *vault, const char *sql)
{
    sqlite3 *database = connect(vault);
    sqlite3_stmt *statement = NULL;
    ck_assert_msg(sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(database));
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    long long number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return number;
}
