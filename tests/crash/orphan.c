/* SPDX-License-Identifier: Apache-2.0 */
/* A key in a vault's token that no version has. */
#include "crash/orphan.h"

#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "manage/act/act.h"
#include "manage/session/manager.h"
#include "manage/tokens/token_file_copies.h"
#include "manage/tokens/version_object.h"

#define PATIENCE 60 /* seconds */

enum { ID_LENGTH = 16 };

/* As the vault makes them: an ID that this vault did not give is not destroyed. */
static void make_id(const uint8_t vault_id[REGISTRY_ID_SIZE], uint8_t id[ID_LENGTH])
{
    memset(id, 0x5e, ID_LENGTH);
    owned_mark(vault_id, id, ID_LENGTH);
}

void orphan_id(const char *vault, char digits[ORPHAN_ID_SIZE])
{
    char uri[512];
    uint8_t id[ID_LENGTH];
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    snprintf(uri, sizeof uri, "file:%s/registry/sealring.db?immutable=1", vault); /* leaves nothing beside the file */
    ck_assert_int_eq(sqlite3_open_v2(uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT vault_id FROM vault", -1, &statement, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_column_bytes(statement, 0), REGISTRY_ID_SIZE);
    make_id(sqlite3_column_blob(statement, 0), id);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    for (size_t i = 0; i < ID_LENGTH; i++)
        snprintf(digits + 2 * i, 3, "%02x", id[i]);
}

static sealring_status make(sealring_manager *manager, sealring_error *error)
{
    struct token_key_reference reference = {
        .object_id_length = ID_LENGTH, .check_input = "lost", .check_input_length = 4};
    struct object_files before;
    make_id(registry_vault_row(manager->registry)->vault_id, reference.object_id);
    sealring_status status = copies_before(manager, &before, error);
    if (status == SEALRING_OK)
        status = token_key_generate(manager->token, "sealring/lost/1", &reference, NULL, error);
    if (status == SEALRING_OK)
        status = copies_add(manager, &before, reference.object_id, reference.object_id_length, error);
    if (status == SEALRING_OK)
        status = copies_sync(manager, error);
    objects_release(&before);
    return status;
}

static _Noreturn void make_and_exit(const struct test_vault *vault)
{
    sealring_error error = {.message = ""};
    sealring_manager *manager = NULL;
    alarm(PATIENCE);
    sealring_status status = sealring_manager_open(vault->path, NULL, &manager, &error);
    if (status == SEALRING_OK)
        status = manager_begin(manager, "orphan", true, &error);
    if (status == SEALRING_OK) {
        status = make(manager, &error);
        manager_end(manager);
    }
    sealring_manager_close(&manager);
    if (status != SEALRING_OK)
        fprintf(stderr, "# the key that no version has: %s\n", error.message);
    _exit(status == SEALRING_OK ? 0 : 1);
}

bool orphan_make(const struct test_vault *vault)
{
    int status = -1;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        make_and_exit(vault);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}
