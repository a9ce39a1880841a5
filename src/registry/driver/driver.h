/* SPDX-License-Identifier: Apache-2.0 */
/* The driver seam: what the registry asks of a database, as a table of functions. SQLite is behind it, PostgreSQL can be. */
#ifndef REGISTRY_DRIVER_DRIVER_H
#define REGISTRY_DRIVER_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a call ended. Everything but DB_FINE inside a transaction dooms it: it can only be rolled back. */
enum db_problem {
    DB_FINE = 0,
    DB_BUSY,           /* lost against another transaction: run the whole again */
    DB_CONSTRAINT,     /* the schema refuses the change */
    DB_CORRUPT,        /* damaged, or a row that the schema would not let in */
    DB_FULL,           /* no space left */
    DB_IO,             /* input or output failed */
    DB_NOT_A_DATABASE, /* not a database at all */
    DB_NOT_OURS,       /* a database of another kind */
    DB_READ_ONLY,      /* may not be written */
    DB_MISSING,        /* is not there */
    DB_EMPTY,          /* is there, with nothing in it */
    DB_UNREADABLE,     /* may not be read */
    DB_EXISTS,         /* is there already, and should be made */
    DB_REPLACED,       /* the path leads to another file than the open one */
    DB_NO_MEMORY,
    DB_OTHER
};

enum db_access { DB_READS, DB_WRITES };

/* One statement. Statements are told by the address of their db_query, and prepared once per connection.
 * SQL that both SQLite and PostgreSQL run: parameters ?1, ?2, …, 64-bit integers, text, byte strings; integers for booleans. */
struct db_query {
    const char *sql;
    bool writes;
};

struct db_driver;

/* Hears how far a copy is, in bytes, after each slice; false stops it (DB_OTHER). NULL: nobody does. */
struct db_copying {
    bool (*each)(uint64_t done, uint64_t total, void *context);
    void *context;
};

struct db { /* one connection: one thread at a time. Drivers begin their own structure with it */
    const struct db_driver *driver;
};

struct db_statement;

/* What is behind the last problem of a connection, or of an open or create that failed. */
struct db_failure {
    int code;         /* the driver's own */
    int system_errno; /* 0 if none */
    char words[160];  /* the driver's own, nothing of the rows' content */
};

/* What is wrong with a database as such. */
enum db_flaw {
    DB_FLAW_DAMAGE,  /* pages, rows, references; a table that is gone */
    DB_FLAW_LACKING, /* an index or a trigger of the schema is gone: db_driver.complete makes it again */
    DB_FLAW_STRANGE  /* something in its schema is another than it should be, or is not of it */
};

/* name: of the schema's object, "" for none. */
typedef void (*db_flaw_callback)(enum db_flaw flaw, const char *name, const char *words, void *context);

struct db_driver {
    const char *name;

    /* Makes an empty database with the schema and leaves the transaction open that made the tables. On a problem nothing is
     * left. discard removes what an unfinished create made; the connection is closed before. */
    enum db_problem (*create)(const char *path, struct db **created, struct db_failure *failure);
    void (*discard)(const char *path);
    enum db_problem (*open)(const char *path, enum db_access access, struct db **opened, struct db_failure *failure);
    void (*close)(struct db *db);
    void (*abandon)(struct db *db); /* in a forked child, of one that was at work: its own memory only */
    void (*failure)(struct db *db, struct db_failure *failure);

    /* DB_REPLACED if the path leads to something else than what is open, DB_MISSING or DB_UNREADABLE if it
     * leads nowhere. */
    enum db_problem (*check)(struct db *db);
    enum db_problem (*begin)(struct db *db,
                             enum db_access access); /* DB_READS: one snapshot from the first statement on */
    enum db_problem (*commit)(struct db *db);
    void (*rollback)(struct db *db); /* without a transaction: nothing */

    /* A statement of the connection's own, to be released after use. While it is in use, asking again gives another one. */
    enum db_problem (*prepare)(struct db *db, const struct db_query *query, struct db_statement **statement);
    void (*release)(struct db_statement *statement);
    /* text and bytes stay the caller's until the release. parameter counts from 1, as in ?1. */
    enum db_problem (*bind_int64)(struct db_statement *statement, int parameter, int64_t value);
    enum db_problem (*bind_text)(struct db_statement *statement, int parameter, const char *text);
    enum db_problem (*bind_bytes)(struct db_statement *statement, int parameter, const void *bytes, size_t length);
    enum db_problem (*bind_null)(struct db_statement *statement, int parameter);
    enum db_problem (*step)(struct db_statement *statement, bool *row);
    int64_t (*changes)(struct db_statement *statement); /* rows that a finished statement inserted or updated */

    /* The present row's columns, from 0. False for a value of another type. Memory is good until the next step. */
    bool (*column_int64)(struct db_statement *statement, int column, int64_t *value);
    bool (*column_text)(struct db_statement *statement, int column, const char **text, size_t *length);
    bool (*column_bytes)(struct db_statement *statement, int column, const void **bytes, size_t *length);
    bool (*column_is_null)(struct db_statement *statement, int column);

    /* Moves what is logged into its final place and empties the log if more than `pages` pages are logged. Never waits, but no other
     * connection can write meanwhile. */
    void (*checkpoint)(struct db *db, int pages);

    /* Moves it if more than `pages` pages were logged since the last time; others read and write meanwhile. The log keeps its size. */
    void (*copy_log)(struct db *db, int pages);

    /* Inside a writing transaction: adds what the present schema has and schema `from` has not. What is there already is left. */
    enum db_problem (*upgrade)(struct db *db, int from);
    /* Inside a transaction: reads all of the database and tells each flaw. */
    enum db_problem (*examine)(struct db *db, db_flaw_callback each, void *context);
    /* Inside a writing one: makes an index or a trigger of the schema. DB_MISSING if the schema has none of that name. */
    enum db_problem (*complete)(struct db *db, const char *name);
    /* Copies, in slices: into a new file (0600) that is a whole database, as the open transaction sees it, or as it is; or from another
     * connection of the driver's, in one transaction. Where it fails, or is stopped, nothing is left and nothing changed. */
    enum db_problem (*copy_out)(struct db *db, const char *path, const struct db_copying *copying,
                                struct db_failure *failure);
    enum db_problem (*copy_in)(struct db *db, struct db *from, const struct db_copying *copying,
                               struct db_failure *failure);
    enum db_problem (*sound)(struct db *db, struct db_failure *failure); /* reads all of it; DB_CORRUPT */
};

#endif
