/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite driver: transactions and statements. */
#include "registry/driver/sqlite.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static struct sqlite_db *sqlite_of(struct db *db)
{
    return (struct sqlite_db *)db;
}

static void sqlite_failure(struct db *db, struct db_failure *failure)
{
    sqlite3 *handle = sqlite_of(db)->handle;
    failure->code = sqlite3_extended_errcode(handle);
    failure->system_errno = sqlite3_system_errno(handle);
    snprintf(failure->words, sizeof failure->words, "%s", sqlite3_errmsg(handle));
}

/* ---- Transactions --------------------------------------------------------------------------------------------------- */

/* Runs a statement without parameters or rows, which is prepared at its first use. */
static enum db_problem sqlite_command(struct sqlite_db *connection, sqlite3_stmt **kept, const char *sql)
{
    if (*kept == NULL) {
        int code = sqlite3_prepare_v3(connection->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, kept, NULL);
        if (code != SQLITE_OK)
            return sqlite_problem(code);
    }
    int code = sqlite3_step(*kept);
    sqlite3_reset(*kept); /* returns the step's code again */
    return code == SQLITE_DONE ? DB_FINE : sqlite_problem(code);
}

static enum db_problem sqlite_begin(struct db *db, enum db_access access)
{
    struct sqlite_db *connection = sqlite_of(db);
    if (access == DB_WRITES) {
        /* Locks at once, so that no transaction finds later that its snapshot is too old for writing. */
        return sqlite_command(connection, &connection->begin_write, "BEGIN IMMEDIATE");
    }
    return sqlite_command(connection, &connection->begin_read, "BEGIN");
}

static enum db_problem sqlite_commit(struct db *db)
{
    struct sqlite_db *connection = sqlite_of(db);
    return sqlite_command(connection, &connection->commit, "COMMIT");
}

static void sqlite_rollback(struct db *db)
{
    struct sqlite_db *connection = sqlite_of(db);
    if (!sqlite3_get_autocommit(connection->handle)) /* some errors roll back automatically */
        sqlite_command(connection, &connection->rollback, "ROLLBACK");
}

static void sqlite_reset(struct db *db)
{
    sqlite3 *handle = sqlite_of(db)->handle;
    for (sqlite3_stmt *statement = sqlite3_next_stmt(handle, NULL); statement != NULL;
         statement = sqlite3_next_stmt(handle, statement))
        sqlite3_reset(statement);
}

/* ---- Statements ----------------------------------------------------------------------------------------------------- */

/* The slot that keeps a query's statement, or the free slot for it; NULL if all are taken by others. */
static struct db_statement *sqlite_slot(struct sqlite_db *connection, const struct db_query *query)
{
    size_t start = ((uintptr_t)query >> 4) * 31;
    for (size_t i = 0; i < SQLITE_STATEMENTS; i++) {
        struct db_statement *statement = &connection->statements[(start + i) % SQLITE_STATEMENTS];
        if (statement->query == query || statement->query == NULL)
            return statement;
    }
    return NULL;
}

static enum db_problem sqlite_prepare(struct db *db, const struct db_query *query, struct db_statement **prepared)
{
    struct sqlite_db *connection = sqlite_of(db);
    struct db_statement *statement = sqlite_slot(connection, query);
    if (statement != NULL && statement->query == query && !statement->in_use) {
        statement->in_use = true;
        *prepared = statement;
        return DB_FINE;
    }
    bool spare = statement == NULL || statement->in_use;
    if (spare) {
        statement = sqlite3_malloc(sizeof *statement);
        if (statement == NULL)
            return DB_NO_MEMORY;
    }
    sqlite3_stmt *handle = NULL;
    unsigned flags = spare ? 0 : SQLITE_PREPARE_PERSISTENT;
    int code = sqlite3_prepare_v3(connection->handle, query->sql, -1, flags, &handle, NULL);
    if (code != SQLITE_OK) {
        if (spare)
            sqlite3_free(statement);
        return sqlite_problem(code);
    }
    *statement = (struct db_statement){connection, query, handle, true, spare};
    *prepared = statement;
    return DB_FINE;
}

static void sqlite_release(struct db_statement *statement)
{
    if (statement->spare) {
        sqlite3_finalize(statement->handle);
        sqlite3_free(statement);
        return;
    }
    sqlite3_reset(statement->handle);
    sqlite3_clear_bindings(statement->handle); /* they point into the caller's memory */
    statement->in_use = false;
}

static enum db_problem sqlite_bind_int64(struct db_statement *statement, int parameter, int64_t value)
{
    return sqlite_problem(sqlite3_bind_int64(statement->handle, parameter, value));
}

static enum db_problem sqlite_bind_text(struct db_statement *statement, int parameter, const char *text)
{
    return sqlite_problem(sqlite3_bind_text(statement->handle, parameter, text, -1, SQLITE_STATIC));
}

static enum db_problem sqlite_bind_bytes(struct db_statement *statement, int parameter, const void *bytes,
                                         size_t length)
{
    return sqlite_problem(sqlite3_bind_blob64(statement->handle, parameter, bytes, length, SQLITE_STATIC));
}

static enum db_problem sqlite_step(struct db_statement *statement, bool *row)
{
    int code = sqlite3_step(statement->handle);
    *row = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE ? DB_FINE : sqlite_problem(code);
}

static int64_t sqlite_changes(struct db_statement *statement)
{
    return sqlite3_changes64(statement->connection->handle);
}

/* Returns the value itself, not a copy: sqlite3_column_TYPE would search for it again on every call, and take a mutex (which a
 * connection opened without one does not have). Only one thread uses a connection, so unprotected values are safe
 * (https://www.sqlite.org/c3ref/value.html). This is the hot path. */
static sqlite3_value *sqlite_value(struct db_statement *statement, int column)
{
    return sqlite3_column_value(statement->handle, column);
}

static bool sqlite_column_int64(struct db_statement *statement, int column, int64_t *value)
{
    sqlite3_value *found = sqlite_value(statement, column);
    *value = sqlite3_value_int64(found);
    return sqlite3_value_type(found) == SQLITE_INTEGER;
}

static bool sqlite_column_text(struct db_statement *statement, int column, const char **text, size_t *length)
{
    sqlite3_value *found = sqlite_value(statement, column);
    if (sqlite3_value_type(found) != SQLITE_TEXT)
        return false;
    *text = (const char *)sqlite3_value_text(found);
    *length = (size_t)sqlite3_value_bytes(found);
    return *text != NULL;
}

static bool sqlite_column_bytes(struct db_statement *statement, int column, const void **bytes, size_t *length)
{
    sqlite3_value *found = sqlite_value(statement, column);
    if (sqlite3_value_type(found) != SQLITE_BLOB)
        return false;
    *bytes = sqlite3_value_blob(found);
    *length = (size_t)sqlite3_value_bytes(found);
    return *bytes != NULL || *length == 0;
}

static bool sqlite_column_is_null(struct db_statement *statement, int column)
{
    return sqlite3_column_type(statement->handle, column) == SQLITE_NULL;
}

/* ---- Write-ahead log ------------------------------------------------------------------------------------------------ */

/* After a commit of this connection SQLite has reported the number; before, the log's size limits it. */
static int sqlite_logged_pages(const struct sqlite_db *connection)
{
    struct stat facts;
    if (connection->log_pages >= 0 ||
        stat(sqlite3_filename_wal(sqlite3_db_filename(connection->handle, "main")), &facts) != 0)
        return connection->log_pages;
    int64_t pages = facts.st_size / SQLITE_PAGE_SIZE;
    return pages > INT_MAX ? INT_MAX : (int)pages;
}

static void sqlite_checkpoint(struct db *db, int pages)
{
    struct sqlite_db *connection = sqlite_of(db);
    if (sqlite_logged_pages(connection) <= pages)
        return;
    /* Copies what no reader needs any more, without waiting; the rest is copied next time. Then empties the log if there are no
     * readers: a damaged log counts only up to the damage, and would restore an older state of the database. */
    int logged = -1, copied = -1;
    sqlite3_busy_timeout(connection->handle, 0);
    int code = sqlite3_wal_checkpoint_v2(connection->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, &logged, &copied);
    sqlite3_busy_timeout(connection->handle, SQLITE_BUSY_MS);
    connection->log_pages = code == SQLITE_OK || code == SQLITE_BUSY ? logged - copied : -1;
}

/* A passive checkpoint: readers and writers continue. What a reader still needs is left for the next time. */
static void sqlite_copy_log(struct db *db, int pages)
{
    struct sqlite_db *connection = sqlite_of(db);
    int logged = sqlite_logged_pages(connection);
    if (logged < connection->copied_pages) /* the log was restarted */
        connection->copied_pages = 0;
    if (logged - connection->copied_pages <= pages)
        return;
    if (sqlite3_wal_checkpoint_v2(connection->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) == SQLITE_OK)
        connection->copied_pages = logged;
}

const struct db_driver sqlite_driver = {
    .create = sqlite_create,
    .discard = sqlite_discard,
    .open = sqlite_open,
    .close = sqlite_close,
    .abandon = sqlite_abandon,
    .failure = sqlite_failure,
    .check = sqlite_check,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .reset = sqlite_reset,
    .prepare = sqlite_prepare,
    .release = sqlite_release,
    .bind_int64 = sqlite_bind_int64,
    .bind_text = sqlite_bind_text,
    .bind_bytes = sqlite_bind_bytes,
    .step = sqlite_step,
    .changes = sqlite_changes,
    .column_int64 = sqlite_column_int64,
    .column_text = sqlite_column_text,
    .column_bytes = sqlite_column_bytes,
    .column_is_null = sqlite_column_is_null,
    .checkpoint = sqlite_checkpoint,
    .copy_log = sqlite_copy_log,
    .upgrade = sqlite_upgrade,
    .end_upgrade = sqlite_end_upgrade,
    .compare = sqlite_compare,
    .use_triggers = sqlite_use_triggers,
    .examine = sqlite_examine,
    .complete = sqlite_complete,
    .copy_out = sqlite_copy_out,
    .copy_in = sqlite_copy_in,
    .sound = sqlite_sound,
};
