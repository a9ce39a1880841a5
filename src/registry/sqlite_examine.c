/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite driver: whether a database is whole, and has the schema that it should have. */
#include "registry/sqlite.h"

#include <stdio.h>
#include <string.h>

#include "registry/schema/schema.h"

#define EXAMINE_NAME_SIZE  64
#define EXAMINE_WORDS_SIZE 256

struct examination {
    sqlite3 *handle;
    db_flaw_callback each;
    void *context;
};

static void examine_tell(const struct examination *examination, enum db_flaw flaw, const char *name, const char *words)
{
    examination->each(flaw, name, words, examination->context);
}

/* ---- Damage ---- */

/* One line for each thing that is wrong, at most twenty; "ok" if nothing is. */
static int examine_pages(const struct examination *examination)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(examination->handle, "PRAGMA quick_check(20)", -1, &statement, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        const char *words = code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
        if (words != NULL && strcmp(words, "ok") != 0) {
            examine_tell(examination, DB_FLAW_DAMAGE, "", words);
        }
    }
    sqlite3_finalize(statement);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Rows that refer to rows which are not there. Counted by table: there may be a million. */
static int examine_references(const struct examination *examination)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(examination->handle,
                                  "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2", -1,
                                  &statement, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW) {
            char words[EXAMINE_WORDS_SIZE];
            snprintf(words, sizeof words, "%lld rows of %s refer to rows of %s that are not there",
                     (long long)sqlite3_column_int64(statement, 2), (const char *)sqlite3_column_text(statement, 0),
                     (const char *)sqlite3_column_text(statement, 1));
            examine_tell(examination, DB_FLAW_DAMAGE, "", words);
        }
    }
    sqlite3_finalize(statement);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* ---- Schema ---- */

/* The object's name in a statement of the schema; whether it is a table. */
static bool examine_name(const char *sql, char name[EXAMINE_NAME_SIZE])
{
    static const char *const beginnings[] = {"CREATE TABLE ", "CREATE INDEX ", "CREATE UNIQUE INDEX ",
                                             "CREATE TRIGGER "};
    name[0] = '\0';
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        size_t length = strlen(beginnings[i]);
        if (strncmp(sql, beginnings[i], length) == 0) {
            snprintf(name, EXAMINE_NAME_SIZE, "%.*s", (int)strcspn(sql + length, " ("), sql + length);
            return i == 0;
        }
    }
    return false;
}

/* Looks for one statement of the schema among what the database has. */
static int examine_statement(const struct examination *examination, sqlite3_stmt *find, const char *sql)
{
    char name[EXAMINE_NAME_SIZE];
    bool table = examine_name(sql, name);
    sqlite3_bind_text(find, 1, name, -1, SQLITE_STATIC);
    int code = sqlite3_step(find);
    const char *found = code == SQLITE_ROW ? (const char *)sqlite3_column_text(find, 0) : NULL;
    if (code == SQLITE_DONE) {
        examine_tell(examination, table ? DB_FLAW_DAMAGE : DB_FLAW_LACKING, name,
                     table ? "a table of the schema is missing" : "is missing");
    } else if (code == SQLITE_ROW && (found == NULL || strcmp(found, sql) != 0)) {
        examine_tell(examination, DB_FLAW_STRANGE, name, "is not what the schema says");
    }
    sqlite3_reset(find);
    sqlite3_clear_bindings(find);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

static bool examine_knows(const char *name)
{
    for (size_t i = 0; i < schema_sqlite_count; i++) {
        char known[EXAMINE_NAME_SIZE];
        examine_name(schema_sqlite[i], known);
        if (strcmp(known, name) == 0) {
            return true;
        }
    }
    return false;
}

static int examine_strangers(const struct examination *examination)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(examination->handle,
                                  "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite^_%' ESCAPE '^'", -1,
                                  &statement, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        const char *name = code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
        if (name != NULL && !examine_knows(name)) {
            examine_tell(examination, DB_FLAW_STRANGE, name, "is nothing that the schema has");
        }
    }
    sqlite3_finalize(statement);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int examine_schema(const struct examination *examination)
{
    sqlite3_stmt *find = NULL;
    int code =
        sqlite3_prepare_v2(examination->handle, "SELECT sql FROM sqlite_schema WHERE name = ?1", -1, &find, NULL);
    for (size_t i = 0; i < schema_sqlite_count && code == SQLITE_OK; i++) {
        code = examine_statement(examination, find, schema_sqlite[i]);
    }
    sqlite3_finalize(find);
    return code == SQLITE_OK ? examine_strangers(examination) : code;
}

enum db_problem sqlite_examine(struct db *db, db_flaw_callback each, void *context)
{
    const struct examination examination = {((struct sqlite_db *)db)->handle, each, context};
    int code = examine_pages(&examination);
    if (code == SQLITE_OK) {
        code = examine_schema(&examination);
    }
    if (code == SQLITE_OK) {
        code = examine_references(&examination);
    }
    return code == SQLITE_OK ? DB_FINE : sqlite_problem(code);
}

enum db_problem sqlite_complete(struct db *db, const char *name)
{
    for (size_t i = 0; i < schema_sqlite_count; i++) {
        char known[EXAMINE_NAME_SIZE];
        if (!examine_name(schema_sqlite[i], known) && strcmp(known, name) == 0) {
            return sqlite_problem(sqlite3_exec(((struct sqlite_db *)db)->handle, schema_sqlite[i], NULL, NULL, NULL));
        }
    }
    return DB_MISSING;
}
