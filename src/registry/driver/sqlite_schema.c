/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite driver: creates a schema, and upgrades an older one. */
#include "registry/driver/sqlite.h"

#include <stdio.h>

#include "registry/driver/schema.h"

static int schema_has(sqlite3 *handle, const struct schema_addition *addition, bool *there)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(handle,
                                  "SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2 UNION ALL"
                                  " SELECT 1 FROM sqlite_schema WHERE ?2 IS NULL AND type = 'index' AND name = ?1",
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
    char sql[256];
    snprintf(sql, sizeof sql, "ALTER TABLE %s ADD COLUMN %s", addition->table, addition->definition);
    if (addition->column == NULL)
        snprintf(sql, sizeof sql, "%s", addition->definition);
    return sqlite3_exec(handle, sql, NULL, NULL, NULL);
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

int sqlite_lay_out(sqlite3 *handle, int schema)
{
    int code = SQLITE_OK, reached;
    for (size_t i = 0; code == SQLITE_OK && i < schema_sqlite_count; i++)
        code = sqlite3_exec(handle, schema_sqlite[i], NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = schema_extend(handle, schema, &reached);
    return code == SQLITE_OK ? schema_number(handle, schema) : code;
}

enum db_problem sqlite_upgrade(struct db *db, bool adds, int *reached)
{
    struct sqlite_db *connection = (struct sqlite_db *)db;
    int code = schema_extend(connection->handle, adds ? SCHEMA_NUMBER : 0, reached);
    if (code == SQLITE_OK && adds)
        code = schema_number(connection->handle, *reached);
    connection->compared = connection->compared && !adds;
    return sqlite_problem(code);
}
