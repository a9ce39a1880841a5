/* SPDX-License-Identifier: Apache-2.0 */
/* The meaning of SQLite's result codes (https://www.sqlite.org/rescode.html). */
#include "registry/driver/sqlite.h"

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
