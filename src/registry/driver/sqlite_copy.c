/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite driver: copies a whole database with SQLite's online backup. */
#include "registry/driver/sqlite.h"

#include <stdio.h>

#define SQLITE_COPY_PAGES 256 /* 1 MiB at a time */
#define SQLITE_COPY_TRIES 50  /* slices lost to another transaction, each after SQLITE_BUSY_MS */

/* https://www.sqlite.org/c3ref/backup_finish.html: one transaction of `to`; for `from` the open one, or else one for each slice. */
static enum db_problem sqlite_transfer(sqlite3 *from, sqlite3 *to, const struct db_copying *copying,
                                       struct db_failure *failure)
{
    int code = SQLITE_OK, tries = 0;
    bool stopped = false;
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    if (backup == NULL)
        return sqlite_fail_code(failure, to, sqlite3_extended_errcode(to));
    while (!stopped &&
           (code == SQLITE_OK || ((code == SQLITE_BUSY || code == SQLITE_LOCKED) && tries < SQLITE_COPY_TRIES))) {
        code = sqlite3_backup_step(backup, SQLITE_COPY_PAGES);
        tries = code == SQLITE_OK ? 0 : tries + 1;
        if ((code == SQLITE_OK || code == SQLITE_DONE) && copying != NULL && copying->each != NULL) {
            uint64_t total = (uint64_t)sqlite3_backup_pagecount(backup) * SQLITE_PAGE_SIZE;
            uint64_t left = (uint64_t)sqlite3_backup_remaining(backup) * SQLITE_PAGE_SIZE;
            bool go_on = copying->each(total - left, total, copying->context);
            stopped = code == SQLITE_OK && !go_on;
        }
    }
    int finished = sqlite3_backup_finish(backup);
    if (code == SQLITE_DONE && finished == SQLITE_OK)
        return DB_FINE;
    if (stopped) {
        *failure = (struct db_failure){.code = SQLITE_INTERRUPT};
        snprintf(failure->words, sizeof failure->words, "it was stopped");
        return DB_OTHER;
    }
    return sqlite_fail_code(failure, to, code != SQLITE_DONE ? code : finished);
}

enum db_problem sqlite_copy_out(struct db *db, const char *path, const struct db_copying *copying,
                                struct db_failure *failure)
{
    struct sqlite_db *target = NULL;
    enum db_problem problem = sqlite_make_file(path, 0600, failure);
    if (problem != DB_FINE)
        return problem;
    problem = sqlite_connect(path, SQLITE_OPEN_READWRITE, &target, failure);
    if (problem == DB_FINE) {
        problem = sqlite_transfer(((struct sqlite_db *)db)->handle, target->handle, copying, failure);
        sqlite_close(&target->base);
    }
    if (problem != DB_FINE)
        sqlite_discard(path);
    return problem;
}

enum db_problem sqlite_copy_in(struct db *db, struct db *from, const struct db_copying *copying,
                               struct db_failure *failure)
{
    struct sqlite_db *connection = (struct sqlite_db *)db;
    connection->compared = false;
    return sqlite_transfer(((struct sqlite_db *)from)->handle, connection->handle, copying, failure);
}
