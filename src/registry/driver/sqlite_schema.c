/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite driver: creates a schema, and upgrades an older one. */
#include "registry/driver/sqlite.h"

#include <stdio.h>

#include "registry/driver/schema.h"

static int schema_has(sqlite3 *handle, const struct schema_addition *addition, bool *there)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(handle, "SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2", -1, &statement, NULL);
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
    return sqlite3_exec(handle, sql, NULL, NULL, NULL);
}

/* Adds what came after schema 1, up to schema `to`. */
static int schema_extend(sqlite3 *handle, int to, int *reached)
{
    char sql[64];
    int code = SQLITE_OK;
    *reached = 1;
    for (size_t i = 0; code == SQLITE_OK && i < schema_sqlite_addition_count; i++) {
        const struct schema_addition *addition = &schema_sqlite_additions[i];
        bool there = false;
        code = schema_has(handle, addition, &there);
        if (code == SQLITE_OK && !there && addition->schema > to)
            break;
        if (code == SQLITE_OK && !there)
            code = schema_add(handle, addition);
        *reached = addition->schema;
    }
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", *reached);
    return code == SQLITE_OK ? sqlite3_exec(handle, sql, NULL, NULL, NULL) : code;
}

int sqlite_lay_out(sqlite3 *handle, int schema)
{
    int code = SQLITE_OK, reached;
    for (size_t i = 0; code == SQLITE_OK && i < schema_sqlite_count; i++)
        code = sqlite3_exec(handle, schema_sqlite[i], NULL, NULL, NULL);
    return code == SQLITE_OK ? schema_extend(handle, schema, &reached) : code;
}

enum db_problem sqlite_upgrade(struct db *db, int to, int *reached)
{
    struct sqlite_db *connection = (struct sqlite_db *)db;
    connection->compared = false;
    return sqlite_problem(schema_extend(connection->handle, to, reached));
}
