/* SPDX-License-Identifier: Apache-2.0 */
/* A fresh vault with SoftHSM2 tokens of its own, for one test. */
#include "lib/test_vault.h"

#include <check.h>
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int set_variable(const char *name, const char *value, void *context)
{
    (void)context;
    return setenv(name, value, 1);
}

void test_vault_make(struct test_vault *vault)
{
    sealring_error error;
    memset(vault, 0, sizeof *vault);
    snprintf(vault->parent, sizeof vault->parent, "/tmp/sealring-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(vault->parent));
    snprintf(vault->path, sizeof vault->path, "%s/vault", vault->parent);
    snprintf(vault->registry, sizeof vault->registry, "%s/registry/sealring.db", vault->path);
    ASSERT_OK(sealring_init_environment(vault->path, NULL, set_variable, NULL, &error), error);
    ASSERT_OK(sealring_init(vault->path, NULL, NULL, &error), error);
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
    sealring_error error;
    sealring_vault *opened = NULL;
    ASSERT_OK(sealring_open(vault->path, NULL, &opened, &error), error);
    return opened;
}

void test_vault_ring(sealring_manager *manager, const char *ring, const char *prefix, int64_t overlap)
{
    sealring_error error;
    sealring_policy policy = {.overlap = overlap};
    ASSERT_OK(sealring_ring_create(manager, ring, prefix, &policy, SEALRING_POLICY_OVERLAP, &error), error);
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
