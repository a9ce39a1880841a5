/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite driver behind registry/driver/driver.h. */
#ifndef REGISTRY_DRIVER_SQLITE_H
#define REGISTRY_DRIVER_SQLITE_H

#include <sys/types.h>

#include <sqlite3.h>

#include "registry/driver/driver.h"
#include "registry/driver/schema.h"

/* SQLite's application_id: "SLRG" in ASCII. By it, `file` and other programs distinguish a registry from other databases. */
#define SQLITE_APPLICATION_ID 0x534C5247

/* Key IDs are random, so a batch of new keys changes about one page of their index per key, and each goes to the log as a whole. Pages
 * of 1,024 and 2,048 bytes were measured, too: what they save there costs as much elsewhere. */
#define SQLITE_PAGE_SIZE 4096

/* How long SQLite itself waits for another transaction. After that, the transaction is run again, a limited number of times. */
#define SQLITE_BUSY_MS 200

/* The limit of a connection's page cache. A verifier has up to 16 connections in each of its processes: 4 MiB can contain a whole
 * registry of 10,000 API keys, and random queries of larger ones miss the cache even with 32 MiB (bench_registry). A manager has one
 * connection, and issues in bulk. */
#define SQLITE_CACHE_READING 4096 /* KiB */
#define SQLITE_CACHE_WRITING 32768

#define SQLITE_STATEMENTS 128 /* slots for prepared statements: a power of two, well above the number of queries */

struct sqlite_db;

struct db_statement {
    struct sqlite_db *connection;
    const struct db_query *query;
    sqlite3_stmt *handle;
    bool in_use;
    bool spare; /* made because the kept one was in use: finalised at release */
};

struct sqlite_db {
    struct db base;
    sqlite3 *handle;
    char *path;
    dev_t device; /* of the open file */
    ino_t inode;
    int log_pages;    /* in the write-ahead log after this connection's last commit or checkpoint; -1: not known */
    int copied_pages; /* in it when this connection last copied it */
    bool compared;    /* the schema was what it should be, */
    int64_t compared_version; /* when PRAGMA data_version was this */
    sqlite3_stmt *begin_read, *begin_write, *commit, *rollback;
    struct db_statement statements[SQLITE_STATEMENTS];
};

extern const struct db_driver sqlite_driver;

/* sqlite_result.c. sqlite_ask reads one number, such as the result of a pragma. */
enum db_problem sqlite_problem(int code);
enum db_problem sqlite_fail_code(struct db_failure *failure, sqlite3 *handle, int code);
int sqlite_ask(sqlite3 *handle, const char *sql, int64_t *number);

/* sqlite_open.c: creating and opening. */
enum db_problem sqlite_create(const char *path, struct db **created, struct db_failure *failure);
void sqlite_discard(const char *path);
enum db_problem sqlite_open(const char *path, enum db_access access, struct db **opened, struct db_failure *failure);
void sqlite_close(struct db *db);
void sqlite_abandon(struct db *db);
enum db_problem sqlite_check(struct db *db);

/* sqlite_schema.c: the required contents of a database. */
int sqlite_lay_out(sqlite3 *handle, int form);
enum db_problem sqlite_upgrade(struct db *db, bool adds, int *reached);
enum db_problem sqlite_end_upgrade(struct db *db);

/* sqlite_compare.c: the whole schema. sqlite_compare_rows reports each difference of sqlite_schema, without regard to what SQLite has parsed. */
enum db_problem sqlite_compare(struct db *db, db_flaw_callback each, void *context);
int sqlite_compare_rows(sqlite3 *handle, db_flaw_callback each, void *context, bool *same);
int sqlite_schema_digest(sqlite3 *handle, char digest[SCHEMA_DIGEST_SIZE]);
enum db_problem sqlite_complete(struct db *db, const char *name);
enum db_problem sqlite_use_triggers(struct db *db, bool used);

/* sqlite_examine.c. */
enum db_problem sqlite_examine(struct db *db, db_flaw_callback each, void *context);
enum db_problem sqlite_sound(struct db *db, struct db_failure *failure);
/* For the files above and below. Makes the empty file with `mode`, if there are no files of another database at the path. */
enum db_problem sqlite_make_file(const char *path, mode_t mode, struct db_failure *failure);
enum db_problem sqlite_connect(const char *path, int flags, struct sqlite_db **connected, struct db_failure *failure);

/* sqlite_copy.c: copies a whole database. */
enum db_problem sqlite_copy_out(struct db *db, const char *path, const struct db_copying *copying,
                                struct db_failure *failure);
enum db_problem sqlite_copy_in(struct db *db, struct db *from, const struct db_copying *copying,
                               struct db_failure *failure);

#endif
