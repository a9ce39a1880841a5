/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite driver: creates a schema, and upgrades an older one. */
#include "registry/driver/sqlite.h"

#include <stdio.h>

#include "registry/driver/schema.h"

static int schema_has(sqlite3 *handle, const struct schema_addition *addition, bool *there)
{
    sqlite3_stmt *statement = NULL;
    int code =
        sqlite3_prepare_v2(handle,
                           "SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2 UNION ALL"
                           " SELECT 1 FROM sqlite_schema WHERE ?2 IS NULL AND type IN ('index', 'table') AND name = ?1",
                           -1, &statement, NULL);
    if (code == SQLITE_OK) {
        sqlite3_bind_text(statement, 1, addition->table, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 2, addition->column, -1, SQLITE_STATIC);
        code = sqlite3_step(statement);
        *there = code == SQLITE_ROW;
    }
    sqlite3_finalize(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

static int schema_add(sqlite3 *handle, const struct schema_addition *addition)
{
    char sql[512];
    snprintf(sql, sizeof sql, "ALTER TABLE %s ADD COLUMN %s", addition->table, addition->definition);
    return sqlite3_exec(handle, addition->column != NULL ? sql : addition->definition, NULL, NULL, NULL);
}

/* Adds what came after schema 1, up to schema `to`. *reached: the newest schema that the tables have all of then. */
static int schema_extend(sqlite3 *handle, int to, int *reached)
{
    int code = SQLITE_OK;
    bool there = true;
    *reached = 1;
    for (size_t i = 0; code == SQLITE_OK && there && i < schema_sqlite_addition_count; i++) {
        const struct schema_addition *addition = &schema_sqlite_additions[i];
        code = schema_has(handle, addition, &there);
        if (code == SQLITE_OK && !there && addition->schema <= to) {
            code = schema_add(handle, addition);
            there = true;
        }
        if (there)
            *reached = addition->schema;
        else if (*reached == addition->schema)
            (*reached)--; /* it has only a part of that schema */
    }
    return code;
}

static int schema_number(sqlite3 *handle, int schema)
{
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", schema);
    return sqlite3_exec(handle, sql, NULL, NULL, NULL);
}

static int schema_run(sqlite3 *handle, const char *const *statements, size_t count)
{
    int code = SQLITE_OK;
    for (size_t i = 0; code == SQLITE_OK && i < count; i++)
        code = sqlite3_exec(handle, statements[i], NULL, NULL, NULL);
    return code;
}

/* The columns that servers of an older sealring follow: as that made them, or as they are between the steps of an upgrade. */
static int schema_is_followed(sqlite3 *handle, bool *older, bool *between)
{
    static const struct schema_addition column = {.table = "version", .column = "changed_epoch"};
    int64_t made = 0;
    int code = schema_has(handle, &column, older);
    if (code == SQLITE_OK)
        code = sqlite_ask(
            handle, "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND name = 'version_followed'", &made);
    *between = made > 0;
    *older = *older && !*between;
    return code;
}

int sqlite_lay_out(sqlite3 *handle, int form)
{
    int reached, schema = form < SCHEMA_NUMBER ? form : SCHEMA_NUMBER;
    int code = schema_run(handle, schema_sqlite, schema_sqlite_count);
    if (code == SQLITE_OK)
        code = schema_extend(handle, schema, &reached);
    if (code == SQLITE_OK && form == SCHEMA_NUMBER)
        code = schema_run(handle, schema_sqlite_followed, schema_sqlite_followed_count);
    if (code == SQLITE_OK &&
        form == SCHEMA_FORMS) /* the same without the way through the form above, which takes long */
        code = schema_run(handle, schema_sqlite_unfollowed, schema_sqlite_unfollowed_count);
    return code == SQLITE_OK ? schema_number(handle, schema) : code;
}

enum db_problem sqlite_upgrade(struct db *db, bool adds, int *reached)
{
    struct sqlite_db *connection = (struct sqlite_db *)db;
    bool older = false, between;
    int code = schema_extend(connection->handle, adds ? SCHEMA_NUMBER : 0, reached);
    if (code == SQLITE_OK && adds)
        code = schema_is_followed(connection->handle, &older, &between);
    if (code == SQLITE_OK && older)
        code = schema_run(connection->handle, schema_sqlite_followed, schema_sqlite_followed_count);
    if (code == SQLITE_OK && adds)
        code = schema_number(connection->handle, *reached);
    connection->compared = connection->compared && !adds;
    return sqlite_problem(code);
}

enum db_problem sqlite_end_upgrade(struct db *db)
{
    struct sqlite_db *connection = (struct sqlite_db *)db;
    bool older, between = false;
    int code = schema_is_followed(connection->handle, &older, &between);
    if (code == SQLITE_OK && between)
        code = schema_run(connection->handle, schema_sqlite_unfollowed, schema_sqlite_unfollowed_count);
    connection->compared = connection->compared && !between;
    return sqlite_problem(code);
}
