/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite driver: creates, opens, configures and closes a database file. */
#include "registry/driver/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "registry/driver/schema.h"

/* Caution in this file: closing any descriptor of a database file drops the POSIX locks that other connections of this process hold on
 * it (fcntl(2)). So only SQLite opens an existing file; this code reads only its status. */

static enum db_problem sqlite_fail(struct db_failure *failure, enum db_problem problem, int system_errno,
                                   const char *words)
{
    *failure = (struct db_failure){.system_errno = system_errno};
    snprintf(failure->words, sizeof failure->words, "%s", words);
    return problem;
}

static enum db_problem sqlite_fail_handle(struct db_failure *failure, struct sqlite_db *connection)
{
    connection->base.driver->failure(&connection->base, failure);
    return sqlite_problem(failure->code);
}

/* Checks the file before SQLite opens it. */
static enum db_problem sqlite_look(const char *path, struct stat *facts, struct db_failure *failure)
{
    if (stat(path, facts) != 0) {
        int problem = errno;
        bool missing = problem == ENOENT || problem == ENOTDIR;
        return sqlite_fail(failure, missing ? DB_MISSING : DB_UNREADABLE, problem, "");
    }
    if (!S_ISREG(facts->st_mode))
        return sqlite_fail(failure, DB_NOT_A_DATABASE, 0, "not a regular file");
    return facts->st_size == 0 ? sqlite_fail(failure, DB_EMPTY, 0, "") : DB_FINE;
}

static int sqlite_logged(void *context, sqlite3 *handle, const char *name, int pages)
{
    (void)handle;
    (void)name;
    ((struct sqlite_db *)context)->log_pages = pages;
    return SQLITE_OK;
}

/* Switches that make SQLite trust the file as little as possible (https://www.sqlite.org/security.html). */
static int sqlite_harden(sqlite3 *handle)
{
    static const struct {
        int option, value;
    } switches[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0}, {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
        {SQLITE_DBCONFIG_DQS_DML, 0},          {SQLITE_DBCONFIG_DQS_DDL, 0},        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 1},
        {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1}, {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
    };
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
        int now = -1;
        int code = sqlite3_db_config(handle, switches[i].option, switches[i].value, &now);
        if (code != SQLITE_OK)
            return code;
        if (now != switches[i].value)
            return SQLITE_ERROR;
    }
    sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, 1024 * 1024);
    return SQLITE_OK;
}

/* Configures a connection before it reads the file for the first time. */
static int sqlite_configure(struct sqlite_db *connection, bool writes)
{
    sqlite3 *handle = connection->handle;
    sqlite3_extended_result_codes(handle, 1);
    int code = sqlite_harden(handle);
    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(handle, SQLITE_BUSY_MS);
    if (code == SQLITE_OK)
        code = sqlite3_wal_autocheckpoint(handle, 0); /* only the lock holder makes checkpoints: registry_checkpoint */
    if (code == SQLITE_OK) {
        sqlite3_wal_hook(handle, sqlite_logged, connection);
        /* Readers without write permission for the directory need the log to exist after the last writer has closed. */
        int keep = 1;
        code = sqlite3_file_control(handle, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
    }
    /* No memory map: if the file were truncated, it would end the process with SIGBUS. */
    char pragmas[320];
    snprintf(pragmas, sizeof pragmas,
             "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;"
             "PRAGMA mmap_size = 0; PRAGMA cache_size = -%d; PRAGMA foreign_keys = ON;"
             "PRAGMA secure_delete = FAST; PRAGMA synchronous = FULL",
             writes ? SQLITE_CACHE_WRITING : SQLITE_CACHE_READING);
    return code == SQLITE_OK ? sqlite3_exec(handle, pragmas, NULL, NULL, NULL) : code;
}

enum db_problem sqlite_connect(const char *path, int flags, struct sqlite_db **connected, struct db_failure *failure)
{
    enum db_problem problem = sqlite_fail(failure, DB_NO_MEMORY, 0, "");
    struct sqlite_db *connection = calloc(1, sizeof *connection);
    if (connection == NULL)
        return problem;
    connection->base.driver = &sqlite_driver;
    connection->log_pages = -1;
    connection->path = strdup(path);
    if (connection->path == NULL)
        goto cleanup;
    int code = sqlite3_open_v2(path, &connection->handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL);
    if (connection->handle == NULL)
        goto cleanup;
    if (code == SQLITE_OK)
        code = sqlite_configure(connection, (flags & SQLITE_OPEN_READWRITE) != 0);
    if (code != SQLITE_OK) {
        problem = sqlite_fail_handle(failure, connection);
        problem = problem == DB_FINE ? DB_OTHER : problem; /* this SQLite does not have one of the switches */
        goto cleanup;
    }
    problem = DB_FINE;
    *connected = connection;

cleanup:
    if (problem != DB_FINE)
        sqlite_close(&connection->base);
    return problem;
}

/* Records which file is open. DB_REPLACED if the path led to another file before or after. */
static enum db_problem sqlite_identify(struct sqlite_db *connection, const struct stat *before,
                                       struct db_failure *failure)
{
    int moved = 1;
    sqlite3_file_control(connection->handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    connection->device = before->st_dev;
    connection->inode = before->st_ino;
    bool same = !moved && sqlite_check(&connection->base) == DB_FINE;
    return same ? DB_FINE : sqlite_fail(failure, DB_REPLACED, 0, "");
}

/* Ends opening and creating: gives the connection to the caller if there is no problem, and closes it otherwise. */
static enum db_problem sqlite_hand_over(enum db_problem problem, struct sqlite_db *connection, struct db **opened)
{
    if (problem == DB_FINE)
        *opened = &connection->base;
    else if (connection != NULL)
        sqlite_close(&connection->base);
    return problem;
}

enum db_problem sqlite_check(struct db *db)
{
    const struct sqlite_db *connection = (const struct sqlite_db *)db;
    struct stat facts;
    if (stat(connection->path, &facts) != 0)
        return errno == ENOENT || errno == ENOTDIR ? DB_MISSING : DB_UNREADABLE;
    bool same = facts.st_ino == connection->inode && facts.st_dev == connection->device;
    return same ? DB_FINE : DB_REPLACED;
}

/* The checks that a file must pass to count as a registry. */
static enum db_problem sqlite_recognise(struct sqlite_db *connection, enum db_access access, struct db_failure *failure)
{
    int64_t application = 0, number = 0, tables = 0;
    if (sqlite_ask(connection->handle, "PRAGMA application_id", &application) != SQLITE_OK ||
        sqlite_ask(connection->handle, "PRAGMA user_version", &number) != SQLITE_OK ||
        sqlite_ask(connection->handle, "SELECT count(*) FROM sqlite_schema", &tables) != SQLITE_OK)
        return sqlite_fail_handle(failure, connection);
    if (application != SQLITE_APPLICATION_ID)
        return sqlite_fail(failure, DB_NOT_OURS, 0, "the application ID is another");
    if (number < 1) /* a newer registry states its requirements in its vault row */
        return sqlite_fail(failure, DB_NOT_OURS, 0, "its schema has no number");
    if (access == DB_READS)
        return DB_FINE;
    if (sqlite3_db_readonly(connection->handle, "main") != 0)
        return sqlite_fail(failure, DB_READ_ONLY, 0, "");
    /* A restored copy may not be in WAL mode; otherwise this changes nothing. */
    if (sqlite3_exec(connection->handle, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_fail_handle(failure, connection);
    return DB_FINE;
}

enum db_problem sqlite_open(const char *path, enum db_access access, struct db **opened, struct db_failure *failure)
{
    struct sqlite_db *connection = NULL;
    struct stat before;
    int flags = access == DB_WRITES ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    enum db_problem problem = sqlite_look(path, &before, failure);
    if (problem == DB_FINE)
        problem = sqlite_connect(path, flags, &connection, failure);
    if (problem == DB_FINE)
        problem = sqlite_identify(connection, &before, failure);
    if (problem == DB_FINE)
        problem = sqlite_recognise(connection, access, failure);
    return sqlite_hand_over(problem, connection, opened);
}

/* ---- Creating ------------------------------------------------------------------------------------------------------- */

/* The files that SQLite makes beside a database. */
#define SQLITE_COMPANIONS     3
#define SQLITE_COMPANION_SIZE (PATH_MAX + 16)

static const char *sqlite_companion(const char *path, size_t which, char companion[SQLITE_COMPANION_SIZE])
{
    static const char *const endings[SQLITE_COMPANIONS] = {"-wal", "-shm", "-journal"};
    snprintf(companion, SQLITE_COMPANION_SIZE, "%s%s", path, endings[which]);
    return companion;
}

/* Makes the empty file itself: SQLite would use another mode, and would open an existing file. */
enum db_problem sqlite_make_file(const char *path, mode_t mode, struct db_failure *failure)
{
    char companion[SQLITE_COMPANION_SIZE];
    struct stat facts;
    /* SQLite would use it as the new database's log; and it may contain the last changes of a lost registry. */
    for (size_t i = 0; i < SQLITE_COMPANIONS; i++)
        if (lstat(sqlite_companion(path, i, companion), &facts) == 0)
            return sqlite_fail(failure, DB_EXISTS, 0, "its log is still there");
    int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (descriptor < 0) {
        int problem = errno;
        return sqlite_fail(failure,
                           problem == EEXIST   ? DB_EXISTS
                           : problem == ENOENT ? DB_MISSING
                                               : DB_IO,
                           problem, "");
    }
    close(descriptor);
    return DB_FINE;
}

static int sqlite_begin_new(sqlite3 *handle)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "PRAGMA page_size = %d; PRAGMA journal_mode = WAL; BEGIN IMMEDIATE; PRAGMA application_id = %d",
             SQLITE_PAGE_SIZE, SQLITE_APPLICATION_ID);
    int code = sqlite3_exec(handle, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? sqlite_lay_out(handle, SCHEMA_FORMS) : code;
}

enum db_problem sqlite_create(const char *path, struct db **created, struct db_failure *failure)
{
    struct sqlite_db *connection = NULL;
    struct stat before;
    enum db_problem problem = sqlite_make_file(path, 0640, failure);
    if (problem != DB_FINE)
        return problem;
    if (stat(path, &before) != 0)
        problem = sqlite_fail(failure, DB_IO, errno, "");
    if (problem == DB_FINE)
        problem = sqlite_connect(path, SQLITE_OPEN_READWRITE, &connection, failure);
    if (problem == DB_FINE && sqlite_begin_new(connection->handle) != SQLITE_OK)
        problem = sqlite_fail_handle(failure, connection);
    if (problem == DB_FINE)
        problem = sqlite_identify(connection, &before, failure);
    sqlite_hand_over(problem, connection, created);
    if (problem != DB_FINE)
        sqlite_discard(path);
    return problem;
}

void sqlite_discard(const char *path)
{
    char companion[SQLITE_COMPANION_SIZE];
    unlink(path);
    for (size_t i = 0; i < SQLITE_COMPANIONS; i++)
        unlink(sqlite_companion(path, i, companion));
}

/* ---- Closing -------------------------------------------------------------------------------------------------------- */

void sqlite_close(struct db *db)
{
    struct sqlite_db *connection = (struct sqlite_db *)db;
    for (size_t i = 0; i < SQLITE_STATEMENTS; i++)
        sqlite3_finalize(connection->statements[i].handle);
    sqlite3_finalize(connection->begin_read);
    sqlite3_finalize(connection->begin_write);
    sqlite3_finalize(connection->commit);
    sqlite3_finalize(connection->rollback);
    sqlite3_close(connection->handle);
    sqlite_abandon(db);
}

void sqlite_abandon(struct db *db)
{
    /* Another thread may have been using it (https://www.sqlite.org/howtocorrupt.html, 2.6), so the handle is left as it is. */
    struct sqlite_db *connection = (struct sqlite_db *)db;
    free(connection->path);
    free(connection);
}
