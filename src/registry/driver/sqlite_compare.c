/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite driver: compares the whole schema of a database with the one that it should have. */
#include "registry/driver/sqlite.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/driver/schema.h"

#define MODEL_ROWS         160
#define COMPARE_WORDS_SIZE 96

/* A row of sqlite_schema. sql is "" for what SQLite makes by itself, such as the index of a primary key. */
struct schema_row {
    const char *type, *name, *table, *sql;
};

/* What sqlite_schema contains in an intact database, ordered by name. */
struct schema_model {
    size_t count;
    struct schema_row rows[MODEL_ROWS];
    char *texts[MODEL_ROWS]; /* each row's four */
};

/* By schema number. Made when one is needed, and kept; no lock, which a forked child could inherit held. */
static _Atomic(struct schema_model *) models[SCHEMA_NUMBER + 1];

static const char schema_select[] = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name, sql";

static const char *row_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text == NULL ? "" : text;
}

static void row_read(sqlite3_stmt *statement, struct schema_row *row)
{
    row->type = row_text(statement, 0);
    row->name = row_text(statement, 1);
    row->table = row_text(statement, 2);
    row->sql = row_text(statement, 3);
}

static bool row_equal(const struct schema_row *one, const struct schema_row *other)
{
    return strcmp(one->type, other->type) == 0 && strcmp(one->name, other->name) == 0 &&
           strcmp(one->table, other->table) == 0 && strcmp(one->sql, other->sql) == 0;
}

/* ---- The model ---- */

static void model_free(struct schema_model *model)
{
    for (size_t i = 0; model != NULL && i < model->count; i++)
        free(model->texts[i]);
    free(model);
}

static bool model_add(struct schema_model *model, const struct schema_row *row)
{
    const char *from[] = {row->type, row->name, row->table, row->sql};
    char *to[4];
    size_t size = 0;
    for (size_t i = 0; i < 4; i++)
        size += strlen(from[i]) + 1;
    char *text = model->count < MODEL_ROWS ? malloc(size) : NULL;
    if (text == NULL)
        return false;
    model->texts[model->count] = text;
    for (size_t i = 0; i < 4; i++) {
        to[i] = text;
        text = stpcpy(text, from[i]) + 1;
    }
    model->rows[model->count++] = (struct schema_row){to[0], to[1], to[2], to[3]};
    return true;
}

static int model_fill(struct schema_model *model, sqlite3 *handle)
{
    sqlite3_stmt *statement = NULL;
    struct schema_row row;
    int code = sqlite3_prepare_v2(handle, schema_select, -1, &statement, NULL);
    while (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        row_read(statement, &row);
        code = model_add(model, &row) ? SQLITE_OK : SQLITE_NOMEM;
    }
    sqlite3_finalize(statement);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Lays the schema out in an empty database in memory: its rows are then what SQLite itself makes of the statements. */
static int model_make(int schema, struct schema_model **made)
{
    sqlite3 *handle = NULL;
    struct schema_model *model = calloc(1, sizeof *model);
    if (model == NULL)
        return SQLITE_NOMEM;
    int code = sqlite3_open_v2(":memory:", &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK)
        code = sqlite_lay_out(handle, schema);
    if (code == SQLITE_OK)
        code = model_fill(model, handle);
    sqlite3_close(handle);
    if (code != SQLITE_OK) {
        model_free(model);
        model = NULL;
    }
    *made = model;
    return code;
}

static int model_of(int schema, const struct schema_model **model)
{
    struct schema_model *made = NULL, *present = atomic_load(&models[schema]);
    int code = present == NULL ? model_make(schema, &made) : SQLITE_OK;
    if (made != NULL && !atomic_compare_exchange_strong(&models[schema], &present, made))
        model_free(made); /* another thread was faster */
    else if (made != NULL)
        present = made;
    *model = present;
    return code;
}

/* ---- Comparing ---- */

struct schema_comparison {
    const struct schema_model *model;
    db_flaw_callback each; /* NULL: only counts */
    void *context;
    size_t next; /* row of the model */
    uint64_t differences;
};

static void compare_report(struct schema_comparison *comparison, enum db_flaw flaw, const char *name, const char *words)
{
    comparison->differences++;
    if (comparison->each != NULL)
        comparison->each(flaw, name, words, comparison->context);
}

/* What SQLite may add to a database by itself, with exactly these statements. */
static bool row_is_sqlites(const struct schema_row *row)
{
    static const struct schema_row own[] = {
        {"table", "sqlite_sequence", "sqlite_sequence", "CREATE TABLE sqlite_sequence(name,seq)"},
        {"table", "sqlite_stat1", "sqlite_stat1", "CREATE TABLE sqlite_stat1(tbl,idx,stat)"},
        {"table", "sqlite_stat4", "sqlite_stat4", "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"},
    };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (row_equal(row, &own[i]))
            return true;
    return false;
}

static void compare_missing(struct schema_comparison *comparison)
{
    const struct schema_row *row = &comparison->model->rows[comparison->next++];
    if (strcmp(row->type, "table") == 0)
        compare_report(comparison, DB_FLAW_DAMAGE, row->name, "a table of the schema is missing");
    else if (row->sql[0] == '\0')
        compare_report(comparison, DB_FLAW_DAMAGE, row->name, "an index of a table of the schema is missing");
    else
        compare_report(comparison, DB_FLAW_LACKING, row->name, "is missing");
}

/* The column `type` may contain anything. */
static const char *row_kind(const struct schema_row *row)
{
    static const char *const kinds[] = {"table", "index", "trigger", "view"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(row->type, kinds[i]) == 0)
            return kinds[i];
    return "object";
}

static void compare_found(struct schema_comparison *comparison, const struct schema_row *found)
{
    const struct schema_model *model = comparison->model;
    char words[COMPARE_WORDS_SIZE];
    while (comparison->next < model->count && strcmp(model->rows[comparison->next].name, found->name) < 0)
        compare_missing(comparison);
    if (comparison->next < model->count && strcmp(model->rows[comparison->next].name, found->name) == 0) {
        if (!row_equal(&model->rows[comparison->next++], found))
            compare_report(comparison, DB_FLAW_STRANGE, found->name, "differs from the schema");
    } else if (!row_is_sqlites(found)) {
        snprintf(words, sizeof words, "is a%s %s that the schema does not have",
                 strchr("io", row_kind(found)[0]) != NULL ? "n" : "", row_kind(found));
        compare_report(comparison, DB_FLAW_STRANGE, found->name, words);
    }
}

static int compare_with(struct schema_comparison *comparison, sqlite3_stmt *rows)
{
    struct schema_row found;
    int code;
    comparison->next = 0;
    comparison->differences = 0;
    while ((code = sqlite3_step(rows)) == SQLITE_ROW) {
        row_read(rows, &found);
        compare_found(comparison, &found);
    }
    sqlite3_reset(rows);
    while (code == SQLITE_DONE && comparison->next < comparison->model->count)
        compare_missing(comparison);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* An older schema is valid, until it is written. Which one it is meant to be shows in the fewest differences: the number that the database states
 * can be edited, too. */
int sqlite_compare_rows(sqlite3 *handle, db_flaw_callback each, void *context, bool *same)
{
    struct schema_comparison comparison = {.differences = 0};
    const struct schema_model *nearest = NULL;
    uint64_t fewest = UINT64_MAX;
    sqlite3_stmt *rows = NULL;
    int code = sqlite3_prepare_v2(handle, schema_select, -1, &rows, NULL);
    for (int schema = SCHEMA_NUMBER; schema > 0 && code == SQLITE_OK && fewest > 0; schema--) {
        code = model_of(schema, &comparison.model);
        if (code == SQLITE_OK)
            code = compare_with(&comparison, rows);
        if (code == SQLITE_OK && comparison.differences < fewest) {
            fewest = comparison.differences;
            nearest = comparison.model;
        }
    }
    *same = code == SQLITE_OK && fewest == 0;
    comparison = (struct schema_comparison){.model = nearest, .each = each, .context = context};
    if (code == SQLITE_OK && !*same)
        code = compare_with(&comparison, rows);
    sqlite3_finalize(rows);
    return code;
}

/* Changes whenever another connection has committed, in this process or in another one. */
static int compare_data_version(sqlite3 *handle, int64_t *version)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(handle, "PRAGMA data_version", -1, &statement, NULL);
    if (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        *version = sqlite3_column_int64(statement, 0);
    int finished = sqlite3_finalize(statement);
    return code == SQLITE_OK ? finished : code;
}

/* SQLite parses the schema once, and again when the schema cookie (PRAGMA schema_version) in the file differs from the one that it parsed.
 * Whoever has SQL can set the cookie back. A connection may therefore still run a trigger that sqlite_schema does not contain any more. So the
 * parsed schema is dropped first: what is compared here is what every statement of this transaction runs with. */
enum db_problem sqlite_compare(struct db *db, db_flaw_callback each, void *context)
{
    struct sqlite_db *connection = (struct sqlite_db *)db;
    int64_t version = 0;
    bool same = false;
    int code = compare_data_version(connection->handle, &version);
    if (code == SQLITE_OK && connection->compared && connection->compared_version == version)
        return DB_FINE;
    connection->compared = false;
    if (code == SQLITE_OK)
        code = sqlite3_exec(connection->handle, "PRAGMA writable_schema = RESET", NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite_compare_rows(connection->handle, each, context, &same);
    connection->compared = same;
    connection->compared_version = version;
    return sqlite_problem(code);
}

enum db_problem sqlite_use_triggers(struct db *db, bool used)
{
    return sqlite_problem(
        sqlite3_db_config(((struct sqlite_db *)db)->handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, (int)used, NULL));
}
