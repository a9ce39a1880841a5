/* SPDX-License-Identifier: Apache-2.0 */
/* Every edit of one cell: each column of each table, in rows of each kind, with values of several kinds. */
#include "forger/edits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 32

struct column {
    const char *name, *type;
    bool not_null;
    int key; /* its place in the primary key; 0: none */
};

struct table {
    const char *name;
    struct column columns[COLUMNS_MAX];
    size_t count;
};

static sqlite3 *now, *earlier;

static sqlite3_stmt *prepare(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK)
        world_fail(sql, sqlite3_errmsg(database));
    return statement;
}

static const char *column_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return sqlite3_mprintf("%s", text != NULL ? text : "");
}

/* The first column of the first row; NULL: there is no row. Never freed: edits last as long as the process. */
static const char *ask(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement = prepare(database, sql);
    const char *text = sqlite3_step(statement) == SQLITE_ROW ? column_text(statement, 0) : NULL;
    sqlite3_finalize(statement);
    return text;
}

static void read_table(struct table *table, const char *name)
{
    sqlite3_stmt *statement = prepare(now, sqlite3_mprintf("PRAGMA table_info(%Q)", name));
    table->name = name;
    for (table->count = 0; table->count < COLUMNS_MAX && sqlite3_step(statement) == SQLITE_ROW; table->count++) {
        struct column *column = &table->columns[table->count];
        column->name = column_text(statement, 1);
        column->type = column_text(statement, 2);
        column->not_null = sqlite3_column_int(statement, 3) != 0;
        column->key = sqlite3_column_int(statement, 5);
    }
    sqlite3_finalize(statement);
}

/* An SQL expression for the row's condition; `column` NULL: with its own values, else with ?1 in that column's place. */
static const char *condition(const struct table *table, const char *column, const char *value)
{
    const char *text = "''", *link = "";
    for (size_t i = 0; i < table->count; i++) {
        if (table->columns[i].key == 0)
            continue;
        const char *name = table->columns[i].name;
        if (column != NULL && strcmp(column, name) == 0)
            text = sqlite3_mprintf("%s || '%s%s = ' || %Q", text, link, name, value);
        else
            text = sqlite3_mprintf("%s || '%s%s = ' || quote(%s)", text, link, name, name);
        link = " AND ";
    }
    return text;
}

/* ---- Values ---- */

static void add(struct edits *edits, const struct edit *edit)
{
    for (size_t i = edits->count;
         i-- > 0 && edits->list[i].keys == edit->keys && edits->list[i].column == edit->column;)
        if (strcmp(edits->list[i].after, edit->after) == 0)
            return;
    if (edits->count == edits->room) {
        edits->room = edits->room * 2 + 1024;
        edits->list = realloc(edits->list, edits->room * sizeof *edits->list);
        if (edits->list == NULL)
            world_fail("edits", "no memory");
    }
    edits->list[edits->count++] = *edit;
}

static void add_value(struct edits *edits, const struct table *table, const struct column *column, struct edit *edit,
                      const char *kind, const char *value)
{
    if (value == NULL || strcmp(value, edit->before) == 0)
        return;
    edit->kind = kind;
    edit->after = value;
    edit->keys_then = edit->keys;
    edit->other = ask(now, sqlite3_mprintf("SELECT %s FROM %s WHERE %s IS %s LIMIT 1", condition(table, NULL, NULL),
                                           table->name, column->name, value));
    edit->other_then = edit->other;
    if (column->key > 0) {
        edit->keys_then = ask(now, sqlite3_mprintf("SELECT %s FROM %s WHERE %s", condition(table, column->name, value),
                                                   table->name, edit->keys));
        if (edit->other != NULL)
            edit->other_then =
                ask(now, sqlite3_mprintf("SELECT %s FROM %s WHERE %s", condition(table, column->name, edit->before),
                                         table->name, edit->other));
    }
    add(edits, edit);
}

/* An SQL query about one column of the edited row. */
static const char *of_cell(const struct table *table, const char *expression, const struct edit *edit)
{
    return ask(now, sqlite3_mprintf("SELECT %s FROM %s WHERE %s", expression, table->name, edit->keys));
}

static void add_integers(struct edits *edits, const struct table *table, const struct column *column, struct edit *edit)
{
    static const char *const integers[] = {"0", "1", "-1", "9223372036854775807"};
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
        add_value(edits, table, column, edit, integers[i], integers[i]);
    add_value(edits, table, column, edit, "one more",
              of_cell(table, sqlite3_mprintf("quote(%s + 1)", column->name), edit));
    add_value(edits, table, column, edit, "one less",
              of_cell(table, sqlite3_mprintf("quote(%s - 1)", column->name), edit));
}

static void add_texts(struct edits *edits, const struct table *table, const struct column *column, struct edit *edit)
{
    const char *zeros = of_cell(table, sqlite3_mprintf("hex(zeroblob(length(CAST(%s AS BLOB))))", column->name), edit);
    if (zeros == NULL)
        zeros = "";
    if (strcmp(column->type, "BLOB") == 0) {
        add_value(edits, table, column, edit, "empty", "X''");
        add_value(edits, table, column, edit, "zeros", sqlite3_mprintf("X'%s'", zeros));
        add_value(edits, table, column, edit, "0xff",
                  sqlite3_mprintf("X'%s'", ask(now, sqlite3_mprintf("SELECT replace(%Q, '0', 'F')", zeros))));
        return;
    }
    add_value(edits, table, column, edit, "empty", "''");
    add_value(edits, table, column, edit, "same length",
              ask(now, sqlite3_mprintf("SELECT quote(replace(%Q, '00', 'A'))", zeros)));
    add_value(edits, table, column, edit, "longer",
              of_cell(table, sqlite3_mprintf("quote(%s || ' write')", column->name), edit));
}

static void add_cell(struct edits *edits, const struct table *table, const struct column *column, struct edit *edit)
{
    const char *name = column->name;
    edit->column = name;
    edit->before = of_cell(table, sqlite3_mprintf("quote(%s)", name), edit);
    edits->cells++;
    add_value(edits, table, column, edit, "neighbour",
              ask(now, sqlite3_mprintf("SELECT quote(%s) FROM %s WHERE %s IS NOT %s LIMIT 1", name, table->name, name,
                                       edit->before)));
    add_value(edits, table, column, edit, "greatest",
              ask(now, sqlite3_mprintf("SELECT quote(max(%s)) FROM %s", name, table->name)));
    add_value(edits, table, column, edit, "older",
              ask(earlier, sqlite3_mprintf("SELECT quote(%s) FROM %s WHERE %s", name, table->name, edit->keys)));
    if (strcmp(column->type, "INTEGER") == 0)
        add_integers(edits, table, column, edit);
    else
        add_texts(edits, table, column, edit);
    if (!column->not_null && column->key == 0)
        add_value(edits, table, column, edit, "null", "NULL");
}

/* ---- Rows ---- */

static bool has(const struct table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return true;
    return false;
}

/* Whose acts follow: the API key and the ring that the row belongs to. */
static const char *key_of(const struct table *table)
{
    if (has(table, "key_id"))
        return "coalesce(key_id, '')";
    if (strcmp(table->name, "client") == 0)
        return "coalesce((SELECT k.key_id FROM api_key k WHERE k.client = client.id AND k.state = 1), '')";
    return has(table, "api_key") ? "(SELECT k.key_id FROM api_key k WHERE k.id = api_key)" : "''";
}

static const char *ring_of(const struct table *table)
{
    if (strcmp(table->name, "ring") == 0)
        return "name";
    if (strcmp(table->name, "audit") == 0)
        return "coalesce(ring, '')";
    if (has(table, "ring_id"))
        return sqlite3_mprintf("coalesce((SELECT r.name FROM ring r WHERE r.ring_id = %s.ring_id), '')", table->name);
    if (has(table, "ring"))
        return sqlite3_mprintf("coalesce((SELECT r.name FROM ring r WHERE r.id = %s.ring), '')", table->name);
    return "''";
}

/* All rows of those tables in which each is of a kind of its own; of others some, and the last. */
static void add_rows(struct edits *edits, const struct table *table)
{
    static const char *const whole[] = {"vault", "ring", "version", "client", "api_key", "credential"};
    bool all = false;
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        all = all || strcmp(whole[i], table->name) == 0;
    int count = (int)strtol(ask(now, sqlite3_mprintf("SELECT count(*) FROM %s", table->name)), NULL, 10);
    int step = all || count <= 4 ? 1 : count / 4;
    sqlite3_stmt *rows = prepare(now, sqlite3_mprintf("SELECT %s, %s, %s FROM %s", condition(table, NULL, NULL),
                                                      key_of(table), ring_of(table), table->name));
    for (int i = 0; sqlite3_step(rows) == SQLITE_ROW; i++) {
        if (i % step != 0 && i != count - 1)
            continue;
        struct edit edit = {.place = i,
                            .table = table->name,
                            .keys = column_text(rows, 0),
                            .key_id = column_text(rows, 1),
                            .ring = column_text(rows, 2)};
        for (size_t j = 0; j < table->count; j++)
            add_cell(edits, table, &table->columns[j], &edit);
    }
    sqlite3_finalize(rows);
}

void edits_make(const struct world *world, struct edits *edits)
{
    memset(edits, 0, sizeof *edits);
    if (sqlite3_open(world->registry, &now) != SQLITE_OK || sqlite3_open(world->earlier, &earlier) != SQLITE_OK)
        world_fail("the registry", "cannot be opened");
    sqlite3_stmt *tables =
        prepare(now, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid");
    while (sqlite3_step(tables) == SQLITE_ROW) {
        struct table table;
        read_table(&table, column_text(tables, 0));
        edits->tables++;
        edits->columns += table.count;
        add_rows(edits, &table);
    }
    sqlite3_finalize(tables);
    sqlite3_close(now);
    sqlite3_close(earlier);
}

/* ---- Making them ---- */

static char *list_triggers(sqlite3 *database, const char *select)
{
    char *all = sqlite3_mprintf("%s", "");
    sqlite3_stmt *statement = prepare(database, select);
    while (sqlite3_step(statement) == SQLITE_ROW)
        all = sqlite3_mprintf("%z%s;", all, (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    return all;
}

bool attack(const char *registry, const char *source, const char *sql, char *why, size_t size)
{
    sqlite3 *database = NULL;
    if (sqlite3_open_v2(registry, &database, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        world_fail(registry, "cannot be opened");
    sqlite3_busy_timeout(database, 10000);
    char *drop =
        list_triggers(database, "SELECT 'DROP TRIGGER main.' || name FROM sqlite_schema WHERE type = 'trigger'");
    char *create = list_triggers(database, "SELECT sql FROM sqlite_schema WHERE type = 'trigger'");
    char *whole =
        sqlite3_mprintf("PRAGMA ignore_check_constraints = 1; %z BEGIN IMMEDIATE; %s %s; %s COMMIT",
                        source == NULL ? sqlite3_mprintf("%s", "") : sqlite3_mprintf("ATTACH %Q AS source;", source),
                        drop, sql, create);
    bool done = sqlite3_exec(database, whole, NULL, NULL, NULL) == SQLITE_OK;
    if (!done)
        snprintf(why, size, "%s", sqlite3_errmsg(database));
    sqlite3_free(drop);
    sqlite3_free(create);
    sqlite3_free(whole);
    sqlite3_close(database);
    return done;
}

/* The row's cell gets `to`, the other's `from`, by way of a value that no row has. */
static char *exchange(const struct edit *edit, const char *keys, const char *other, const char *from, const char *to)
{
    const char *aside = from[0] == 'X' ? "zeroblob(16)" : from[0] == '\'' ? "'aside'" : "-77";
    return sqlite3_mprintf("UPDATE %s SET %s = %s WHERE %s; UPDATE %s SET %s = %s WHERE %s;"
                           "UPDATE %s SET %s = %s WHERE %s IS %s",
                           edit->table, edit->column, aside, keys, edit->table, edit->column, from, other, edit->table,
                           edit->column, to, edit->column, aside);
}

bool edit_do(const char *registry, const struct edit *edit, bool *exchanged)
{
    char why[256];
    char *sql = sqlite3_mprintf("UPDATE %s SET %s = %s WHERE %s", edit->table, edit->column, edit->after, edit->keys);
    *exchanged = false;
    bool done = attack(registry, NULL, sql, why, sizeof why);
    sqlite3_free(sql);
    if (done || edit->other == NULL)
        return done;
    sql = exchange(edit, edit->keys, edit->other, edit->before, edit->after);
    *exchanged = attack(registry, NULL, sql, why, sizeof why);
    sqlite3_free(sql);
    return *exchanged;
}

void edit_undo(const char *registry, const struct edit *edit, bool exchanged)
{
    char why[256];
    char *sql = exchanged ? exchange(edit, edit->keys_then, edit->other_then, edit->after, edit->before)
                          : sqlite3_mprintf("UPDATE %s SET %s = %s WHERE %s AND %s IS %s", edit->table, edit->column,
                                            edit->before, edit->keys_then, edit->column, edit->after);
    (void)attack(registry, NULL, sql, why, sizeof why);
    sqlite3_free(sql);
}
