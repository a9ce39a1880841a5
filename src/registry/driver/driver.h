/* SPDX-License-Identifier: Apache-2.0 */
/* The driver seam: what the registry needs from a database, as a table of functions. SQLite implements it, and PostgreSQL can. */
#ifndef REGISTRY_DRIVER_DRIVER_H
#define REGISTRY_DRIVER_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The result of a call. Inside a transaction, after any result but DB_FINE only a rollback is possible. */
enum db_problem {
    DB_FINE = 0,
    DB_BUSY,           /* conflict with another transaction: run the whole again */
    DB_CONSTRAINT,     /* the schema does not permit the change */
    DB_CORRUPT,        /* damaged, or a row that the schema does not permit */
    DB_FULL,           /* no space left */
    DB_IO,             /* input or output failed */
    DB_NOT_A_DATABASE, /* not a database at all */
    DB_NOT_OURS,       /* a database of another kind */
    DB_READ_ONLY,      /* may not be written */
    DB_MISSING,        /* does not exist */
    DB_EMPTY,          /* exists, but is empty */
    DB_UNREADABLE,     /* may not be read */
    DB_EXISTS,         /* exists already, but was to be created */
    DB_REPLACED,       /* the path leads to another file than the open one */
    DB_ABSENT,         /* no row, or several, where one was to be changed: found by query_run */
    DB_NO_MEMORY,
    DB_OTHER
};

enum db_access { DB_READS, DB_WRITES };

/* One statement. The address of its db_query identifies a statement, which is prepared once per connection. SQL that both SQLite and
 * PostgreSQL run: parameters ?1, ?2, …, 64-bit integers, text, byte strings; integers for booleans. */
struct db_query {
    const char *sql;
    bool writes;
};

struct db_driver;

/* Receives the progress of a copy, in bytes, after each slice; returning false stops it (DB_OTHER). NULL: no callback. */
struct db_copying {
    bool (*each)(uint64_t done, uint64_t total, void *context);
    void *context;
};

struct db { /* one connection, for one thread at a time; drivers put it at the start of their own structure */
    const struct db_driver *driver;
};

struct db_statement;

/* The cause of a connection's last problem, or of a failed open or create. */
struct db_failure {
    int code;         /* the driver's own */
    int system_errno; /* 0 if none */
    char words[160];  /* the driver's own, without any contents of rows */
};

/* What is wrong with a database as a whole. */
enum db_flaw {
    DB_FLAW_DAMAGE,  /* damaged pages, rows, references; a missing table */
    DB_FLAW_LACKING, /* an index or a trigger of the schema is missing: db_driver.complete creates it again */
    DB_FLAW_STRANGE  /* a part of the schema differs from what it should be, or does not belong to it */
};

/* name: of the schema's object, "" for none. */
typedef void (*db_flaw_callback)(enum db_flaw flaw, const char *name, const char *words, void *context);

struct db_driver {
    /* Creates an empty database with the schema, and leaves the transaction open that created the tables. On a problem nothing is left.
     * discard removes what an unfinished create made; the connection must be closed before. */
    enum db_problem (*create)(const char *path, struct db **created, struct db_failure *failure);
    void (*discard)(const char *path);
    enum db_problem (*open)(const char *path, enum db_access access, struct db **opened, struct db_failure *failure);
    void (*close)(struct db *db);
    void (*abandon)(struct db *db); /* in a forked child, for one that was busy: frees only its own memory */
    void (*failure)(struct db *db, struct db_failure *failure);

    /* DB_REPLACED if the path leads to another file than the open one, DB_MISSING or DB_UNREADABLE if it leads to none. */
    enum db_problem (*check)(struct db *db);
    enum db_problem (*begin)(struct db *db,
                             enum db_access access); /* DB_READS: one snapshot from the first statement on */
    enum db_problem (*commit)(struct db *db);
    void (*rollback)(struct db *db); /* no effect without a transaction */

    void (*reset)(struct db *db); /* ends the run of all statements that are lent; they still have to be released */

    /* Lends a statement of the connection, to be released after use. If it is in use, another one is prepared. */
    enum db_problem (*prepare)(struct db *db, const struct db_query *query, struct db_statement **statement);
    void (*release)(struct db_statement *statement);
    /* The caller owns text and bytes, which must stay valid until the release. parameter counts from 1, as in ?1. */
    enum db_problem (*bind_int64)(struct db_statement *statement, int parameter, int64_t value);
    enum db_problem (*bind_text)(struct db_statement *statement, int parameter, const char *text); /* NULL: NULL */
    enum db_problem (*bind_bytes)(struct db_statement *statement, int parameter, const void *bytes, size_t length);
    enum db_problem (*step)(struct db_statement *statement, bool *row);
    int64_t (*changes)(struct db_statement *statement); /* rows that a finished statement inserted or updated */

    /* The current row's columns, from 0. False for a value of another type. Memory stays valid until the next step. */
    bool (*column_int64)(struct db_statement *statement, int column, int64_t *value);
    bool (*column_text)(struct db_statement *statement, int column, const char **text, size_t *length);
    bool (*column_bytes)(struct db_statement *statement, int column, const void **bytes, size_t *length);
    bool (*column_is_null)(struct db_statement *statement, int column);

    /* If more than `pages` pages are logged, moves them to their final place and empties the log. Never waits, but no other connection
     * can write meanwhile. */
    void (*checkpoint)(struct db *db, int pages);

    /* If more than `pages` pages were logged since the last time, moves them; other connections read and write meanwhile. The log keeps
     * its size. */
    void (*copy_log)(struct db *db, int pages);

    /* *reached: the newest schema that the tables have all of. What the vault's row states does not count, as it can be edited. adds: first,
     * inside a writing transaction, adds what the present schema has and these do not. */
    enum db_problem (*upgrade)(struct db *db, bool adds, int *reached);
    /* Inside the transaction of an upgrade's second step: removes what only programs of the older schema read. */
    enum db_problem (*end_upgrade)(struct db *db);
    /* Inside a transaction, before its other statements: compares the whole schema with the one that this library creates (or an older
     * one of its own), and reports each difference. What the connection had parsed of the schema before does not count. Cheap if the schema
     * was right the last time and no other connection has written since. */
    enum db_problem (*compare)(struct db *db, db_flaw_callback each, void *context);
    /* Whether triggers run for this connection's statements. They do until this is called. */
    enum db_problem (*use_triggers)(struct db *db, bool used);
    /* Inside a transaction: reads all of the database and reports each flaw. */
    enum db_problem (*examine)(struct db *db, db_flaw_callback each, void *context);
    /* Inside a writing transaction: creates an index or a trigger of the schema. DB_MISSING if the schema has none of that name. */
    enum db_problem (*complete)(struct db *db, const char *name);
    /* Copies in slices: into a new file (0600) that is a complete database, from the open transaction's snapshot or the present state;
     * or from another connection of the driver, in one transaction. On failure, or if stopped, nothing is left and nothing is changed. */
    enum db_problem (*copy_out)(struct db *db, const char *path, const struct db_copying *copying,
                                struct db_failure *failure);
    enum db_problem (*copy_in)(struct db *db, struct db *from, const struct db_copying *copying,
                               struct db_failure *failure);
    enum db_problem (*sound)(struct db *db, struct db_failure *failure); /* reads all of it; DB_CORRUPT */
};

#endif
