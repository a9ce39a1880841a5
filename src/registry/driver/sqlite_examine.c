/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite driver: checks that a database is intact and has the schema that it should have. */
#include "registry/driver/sqlite.h"

#include <stdio.h>
#include <string.h>

#include "registry/driver/schema.h"

#define EXAMINE_NAME_SIZE  64
#define EXAMINE_WORDS_SIZE 256

struct schema_examination {
    sqlite3 *handle;
    db_flaw_callback each;
    void *context;
};

static void examine_tell(const struct schema_examination *examination, enum db_flaw flaw, const char *name,
                         const char *words)
{
    examination->each(flaw, name, words, examination->context);
}

/* ---- Damage ---- */

/* One line for each problem, at most twenty; "ok" if there is none. */
static int examine_pages(const struct schema_examination *examination)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(examination->handle, "PRAGMA quick_check(20)", -1, &statement, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        const char *words = code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
        if (words != NULL && strcmp(words, "ok") != 0)
            examine_tell(examination, DB_FLAW_DAMAGE, "", words);
    }
    sqlite3_finalize(statement);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Rows that refer to missing rows. Counted by table, as there may be a million. */
static int examine_references(const struct schema_examination *examination)
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

/* Reads the object's name from a statement of the schema. Returns whether it is a table. */
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

/* The text of an object of the schema; NULL: there is none. Valid until the statement is reset. */
static const char *examine_text(sqlite3_stmt *find, const char *name, int *code)
{
    sqlite3_reset(find);
    sqlite3_bind_text(find, 1, name, -1, SQLITE_STATIC);
    *code = sqlite3_step(find);
    const char *text = *code == SQLITE_ROW ? (const char *)sqlite3_column_text(find, 0) : NULL;
    *code = *code == SQLITE_ROW || *code == SQLITE_DONE ? SQLITE_OK : *code;
    return text;
}

/* Searches the database for one object of the schema. */
static int examine_object(const struct schema_examination *examination, sqlite3_stmt *find, sqlite3_stmt *model,
                          const char *sql)
{
    char name[EXAMINE_NAME_SIZE];
    bool table = examine_name(sql, name);
    int code = SQLITE_OK, model_code = SQLITE_OK;
    const char *found = examine_text(find, name, &code);
    const char *wanted = examine_text(model, name, &model_code);
    if (code == SQLITE_OK && model_code == SQLITE_OK && found == NULL) {
        examine_tell(examination, table ? DB_FLAW_DAMAGE : DB_FLAW_LACKING, name,
                     table ? "a table of the schema is missing" : "is missing");
    } else if (code == SQLITE_OK && model_code == SQLITE_OK && (wanted == NULL || strcmp(found, wanted) != 0)) {
        examine_tell(examination, DB_FLAW_STRANGE, name, "is not what the schema says");
    }
    sqlite3_reset(find);
    sqlite3_reset(model);
    return code != SQLITE_OK ? code : model_code;
}

static bool examine_knows(const char *name)
{
    for (size_t i = 0; i < schema_sqlite_count; i++) {
        char known[EXAMINE_NAME_SIZE];
        examine_name(schema_sqlite[i], known);
        if (strcmp(known, name) == 0)
            return true;
    }
    return false;
}

static int examine_strangers(const struct schema_examination *examination)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(examination->handle,
                                  "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite^_%' ESCAPE '^'", -1,
                                  &statement, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        const char *name = code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
        if (name != NULL && !examine_knows(name))
            examine_tell(examination, DB_FLAW_STRANGE, name, "is nothing that the schema has");
    }
    sqlite3_finalize(statement);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* An empty database with the schema number of this one: an older one is valid, until it is written. */
static int examine_model(const struct schema_examination *examination, sqlite3 **model)
{
    sqlite3_stmt *statement = NULL;
    int schema = SCHEMA_NUMBER;
    int code = sqlite3_prepare_v2(examination->handle, "PRAGMA user_version", -1, &statement, NULL);
    if (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        schema = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    if (code == SQLITE_OK)
        code = sqlite3_open_v2(":memory:", model, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    return code == SQLITE_OK ? sqlite_lay_out(*model, schema) : code;
}

static int examine_schema(const struct schema_examination *examination)
{
    static const char text[] = "SELECT sql FROM sqlite_schema WHERE name = ?1";
    sqlite3 *model = NULL;
    sqlite3_stmt *find = NULL, *find_model = NULL;
    int code = examine_model(examination, &model);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(examination->handle, text, -1, &find, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(model, text, -1, &find_model, NULL);
    for (size_t i = 0; i < schema_sqlite_count && code == SQLITE_OK; i++)
        code = examine_object(examination, find, find_model, schema_sqlite[i]);
    sqlite3_finalize(find);
    sqlite3_finalize(find_model);
    sqlite3_close(model);
    return code == SQLITE_OK ? examine_strangers(examination) : code;
}

enum db_problem sqlite_examine(struct db *db, db_flaw_callback each, void *context)
{
    const struct schema_examination examination = {((struct sqlite_db *)db)->handle, each, context};
    int code = examine_pages(&examination);
    if (code == SQLITE_OK)
        code = examine_schema(&examination);
    if (code == SQLITE_OK)
        code = examine_references(&examination);
    return code == SQLITE_OK ? DB_FINE : sqlite_problem(code);
}

enum db_problem sqlite_complete(struct db *db, const char *name)
{
    for (size_t i = 0; i < schema_sqlite_count; i++) {
        char known[EXAMINE_NAME_SIZE];
        if (!examine_name(schema_sqlite[i], known) && strcmp(known, name) == 0)
            return sqlite_problem(sqlite3_exec(((struct sqlite_db *)db)->handle, schema_sqlite[i], NULL, NULL, NULL));
    }
    return DB_MISSING;
}
