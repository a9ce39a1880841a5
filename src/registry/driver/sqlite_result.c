/* SPDX-License-Identifier: Apache-2.0 */
/* The meaning of SQLite's result codes (https://www.sqlite.org/rescode.html), and the result of a query for one number. */
#include "registry/driver/sqlite.h"

#include <stdio.h>

/* Extended codes precede the primary code that they refine. */
static const struct {
    int code;
    enum db_problem problem;
} sqlite_problems[] = {
    {SQLITE_OK, DB_FINE},
    {SQLITE_READONLY_RECOVERY, DB_BUSY}, /* the log needs recovery, which a reader may not do; a writer will soon */
    {SQLITE_READONLY_CANTINIT, DB_UNREADABLE}, /* the log's files are missing or cannot be opened */
    {SQLITE_READONLY_CANTLOCK, DB_UNREADABLE},
    {SQLITE_READONLY_DBMOVED, DB_REPLACED},
    {SQLITE_CANTOPEN_ISDIR, DB_NOT_A_DATABASE},
    {SQLITE_BUSY, DB_BUSY},
    {SQLITE_LOCKED, DB_BUSY},
    {SQLITE_PROTOCOL, DB_BUSY},
    {SQLITE_CONSTRAINT, DB_CONSTRAINT},
    {SQLITE_MISMATCH, DB_CONSTRAINT},
    {SQLITE_TOOBIG, DB_CONSTRAINT},
    {SQLITE_CORRUPT, DB_CORRUPT},
    {SQLITE_FULL, DB_FULL},
    {SQLITE_IOERR_NOMEM, DB_NO_MEMORY},
    {SQLITE_IOERR, DB_IO},
    {SQLITE_NOTADB, DB_NOT_A_DATABASE},
    {SQLITE_READONLY, DB_READ_ONLY},
    {SQLITE_CANTOPEN, DB_UNREADABLE},
    {SQLITE_PERM, DB_UNREADABLE},
    {SQLITE_AUTH, DB_UNREADABLE},
    {SQLITE_NOMEM, DB_NO_MEMORY},
};

enum db_problem sqlite_problem(int code)
{
    for (size_t i = 0; i < sizeof sqlite_problems / sizeof *sqlite_problems; i++)
        if (sqlite_problems[i].code == code || sqlite_problems[i].code == (code & 0xff))
            return sqlite_problems[i].problem;
    return DB_OTHER;
}

enum db_problem sqlite_fail_code(struct db_failure *failure, sqlite3 *handle, int code)
{
    *failure = (struct db_failure){.code = code, .system_errno = sqlite3_system_errno(handle)};
    snprintf(failure->words, sizeof failure->words, "%s", sqlite3_errstr(code));
    return sqlite_problem(code) == DB_FINE ? DB_OTHER : sqlite_problem(code);
}

int sqlite_ask(sqlite3 *handle, const char *sql, int64_t *number)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(handle, sql, -1, &statement, NULL);
    if (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        *number = sqlite3_column_int64(statement, 0);
    int finished = sqlite3_finalize(statement);
    return code == SQLITE_OK ? finished : code;
}
