/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite driver: compares the whole schema of a database with the one that it should have. */
#include "registry/driver/sqlite.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base62.h"
#include "base/sha256.h"
#include "registry/driver/schema.h"

#define COMPARE_WORDS_SIZE 96

/* The cells of a row of sqlite_schema. ROW_SQL is "" for what SQLite makes by itself, such as the index of a primary key. */
enum { ROW_TYPE, ROW_NAME, ROW_TABLE, ROW_SQL, ROW_CELLS };

static const char schema_select[] =
    "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema ORDER BY name, sql";

/* What sqlite_schema contains in an intact database, ordered by name, as sqlite3_get_table returns it. */
struct schema_model {
    int count;
    char **cells;
};

/* By form. Made when one is needed, and kept; no lock, which a forked child could inherit held. */
static _Atomic(struct schema_model *) models[SCHEMA_FORMS + 1];

static bool row_equal(const char *const *one, const char *const *other)
{
    bool equal = true;
    for (int i = 0; i < ROW_CELLS; i++)
        equal = equal && strcmp(one[i], other[i]) == 0;
    return equal;
}

/* The cells of the row that was stepped to; they are valid until the next step. */
static void row_read(sqlite3_stmt *rows, const char *cells[ROW_CELLS])
{
    for (int i = 0; i < ROW_CELLS; i++) {
        const char *text = (const char *)sqlite3_column_text(rows, i);
        cells[i] = text == NULL ? "" : text;
    }
}

/* ---- The model ---- */

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
        code = sqlite3_get_table(handle, schema_select, &model->cells, &model->count, NULL, NULL);
    sqlite3_close(handle);
    if (code != SQLITE_OK)
        free(model);
    else
        *made = model;
    return code;
}

static int model_of(int schema, const struct schema_model **model)
{
    struct schema_model *made = NULL, *present = atomic_load(&models[schema]);
    int code = present == NULL ? model_make(schema, &made) : SQLITE_OK;
    if (made != NULL && !atomic_compare_exchange_strong(&models[schema], &present, made)) {
        sqlite3_free_table(made->cells); /* another thread was faster */
        free(made);
    } else if (made != NULL) {
        present = made;
    }
    *model = present;
    return code;
}

/* The row with this number; NULL if the model ends before it. The table's first row has the columns' names. */
static const char *const *model_row(const struct schema_model *model, int row)
{
    return row < model->count ? (const char *const *)&model->cells[(row + 1) * ROW_CELLS] : NULL;
}

/* ---- Comparing ---- */

struct schema_comparison {
    const struct schema_model *model;
    db_flaw_callback each; /* NULL: only counts */
    void *context;
    int next; /* row of the model */
    uint64_t differences;
};

static void compare_report(struct schema_comparison *comparison, enum db_flaw flaw, const char *name, const char *words)
{
    comparison->differences++;
    if (comparison->each != NULL)
        comparison->each(flaw, name, words, comparison->context);
}

/* What SQLite may add to a database by itself, with exactly these statements. */
static bool row_is_sqlites(const char *const *row)
{
    static const char *const own[][ROW_CELLS] = {
        {"table", "sqlite_sequence", "sqlite_sequence", "CREATE TABLE sqlite_sequence(name,seq)"},
        {"table", "sqlite_stat1", "sqlite_stat1", "CREATE TABLE sqlite_stat1(tbl,idx,stat)"},
        {"table", "sqlite_stat4", "sqlite_stat4", "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"},
    };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (row_equal(row, own[i]))
            return true;
    return false;
}

static void compare_missing(struct schema_comparison *comparison, const char *const *row)
{
    if (strcmp(row[ROW_TYPE], "table") == 0)
        compare_report(comparison, DB_FLAW_DAMAGE, row[ROW_NAME], "a table of the schema is missing");
    else if (row[ROW_SQL][0] == '\0')
        compare_report(comparison, DB_FLAW_DAMAGE, row[ROW_NAME], "an index of a table of the schema is missing");
    else
        compare_report(comparison, DB_FLAW_LACKING, row[ROW_NAME], "is missing");
}

static void compare_added(struct schema_comparison *comparison, const char *const *row)
{
    static const char *const kinds[] = {"a table", "an index", "a trigger", "a view"};
    const char *kind = "an object"; /* the column `type` may contain anything */
    char words[COMPARE_WORDS_SIZE];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(row[ROW_TYPE], strchr(kinds[i], ' ') + 1) == 0)
            kind = kinds[i];
    snprintf(words, sizeof words, "is %s that the schema does not have", kind);
    compare_report(comparison, DB_FLAW_STRANGE, row[ROW_NAME], words);
}

/* Reports what should come before the row of this name; NULL: at the end. */
static void compare_up_to(struct schema_comparison *comparison, const char *name)
{
    const char *const *row;
    while ((row = model_row(comparison->model, comparison->next)) != NULL &&
           (name == NULL || strcmp(row[ROW_NAME], name) < 0)) {
        compare_missing(comparison, row);
        comparison->next++;
    }
}

static void compare_found(struct schema_comparison *comparison, const char *const *found)
{
    compare_up_to(comparison, found[ROW_NAME]);
    const char *const *row = model_row(comparison->model, comparison->next);
    if (row == NULL || strcmp(row[ROW_NAME], found[ROW_NAME]) != 0) {
        if (!row_is_sqlites(found))
            compare_added(comparison, found);
        return;
    }
    comparison->next++;
    if (!row_equal(row, found))
        compare_report(comparison, DB_FLAW_STRANGE, found[ROW_NAME], "differs from the schema");
}

static int compare_with(struct schema_comparison *comparison, sqlite3_stmt *rows)
{
    int code;
    comparison->next = 0;
    comparison->differences = 0;
    while ((code = sqlite3_step(rows)) == SQLITE_ROW) {
        const char *found[ROW_CELLS];
        row_read(rows, found);
        compare_found(comparison, found);
    }
    sqlite3_reset(rows);
    if (code == SQLITE_DONE)
        compare_up_to(comparison, NULL);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* ---- The whole schema ---- */

/* Of all rows but SQLite's own, in their order. */
int sqlite_schema_digest(sqlite3 *handle, char digest[SCHEMA_DIGEST_SIZE])
{
    struct sha256 hash;
    uint8_t bytes[SHA256_SIZE];
    sqlite3_stmt *rows = NULL;
    int code = sqlite3_prepare_v2(handle, schema_select, -1, &rows, NULL);
    sha256_start(&hash);
    while (code == SQLITE_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        const char *found[ROW_CELLS];
        row_read(rows, found);
        for (int i = 0; i < ROW_CELLS && !row_is_sqlites(found); i++)
            sha256_add(&hash, found[i], strlen(found[i]) + 1);
        code = SQLITE_OK;
    }
    sqlite3_finalize(rows);
    sha256_finish(&hash, bytes);
    hex_encode(bytes, sizeof bytes, digest);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* An older schema is valid, until it is written. Which one it is meant to be shows in the fewest differences: the number that the database states
 * can be edited, too. */
static int compare_with_models(sqlite3 *handle, db_flaw_callback each, void *context, bool *same)
{
    struct schema_comparison comparison = {.differences = 0};
    const struct schema_model *nearest = NULL;
    uint64_t fewest = UINT64_MAX;
    sqlite3_stmt *rows = NULL;
    int code = sqlite3_prepare_v2(handle, schema_select, -1, &rows, NULL);
    for (int schema = SCHEMA_FORMS; schema > 0 && code == SQLITE_OK && fewest > 0; schema--) {
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

/* The models, for older and altered schemas, take some ms to make. */
int sqlite_compare_rows(sqlite3 *handle, db_flaw_callback each, void *context, bool *same)
{
    char digest[SCHEMA_DIGEST_SIZE];
    int code = sqlite_schema_digest(handle, digest);
    *same = code == SQLITE_OK && strcmp(digest, schema_sqlite_digest) == 0;
    return code != SQLITE_OK || *same ? code : compare_with_models(handle, each, context, same);
}

/* SQLite parses the schema once, and again when the schema cookie (PRAGMA schema_version) in the file differs from the one that it parsed.
 * Whoever has SQL can set the cookie back. A connection may therefore still run a trigger that sqlite_schema does not contain any more. So the
 * parsed schema is dropped first: what is compared here is what every statement of this transaction runs with. */
enum db_problem sqlite_compare(struct db *db, db_flaw_callback each, void *context)
{
    struct sqlite_db *connection = (struct sqlite_db *)db;
    int64_t version = 0;
    bool same = false;
    /* changes whenever another connection has committed, in this process or in another one */
    int code = sqlite_ask(connection->handle, "PRAGMA data_version", &version);
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

enum db_problem sqlite_complete(struct db *db, const char *name)
{
    struct sqlite_db *connection = (struct sqlite_db *)db;
    const struct schema_model *model = NULL;
    const char *const *row;
    connection->compared = false;
    for (int form = SCHEMA_FORMS; form >= SCHEMA_NUMBER; form--) {
        int code = model_of(form, &model);
        if (code != SQLITE_OK)
            return sqlite_problem(code);
        for (int i = 0; (row = model_row(model, i)) != NULL; i++)
            if (strcmp(row[ROW_NAME], name) == 0 && strcmp(row[ROW_TYPE], "table") != 0 && row[ROW_SQL][0] != '\0')
                return sqlite_problem(sqlite3_exec(connection->handle, row[ROW_SQL], NULL, NULL, NULL));
    }
    return DB_MISSING;
}

enum db_problem sqlite_use_triggers(struct db *db, bool used)
{
    return sqlite_problem(
        sqlite3_db_config(((struct sqlite_db *)db)->handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, (int)used, NULL));
}
