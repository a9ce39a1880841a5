/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite driver: checks that a database is intact and has the schema that it should have. */
#include "registry/driver/sqlite.h"

#include <stdio.h>
#include <string.h>

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

/* One line for each problem, at most twenty; "ok" if there is none. integrity_check also compares each index with its table: an index that
 * lacks a row hides it (quick_check does not notice that). */
static int examine_pages(const struct schema_examination *examination)
{
    static const char heading[] = "*** in database main ***\n";
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(examination->handle, "PRAGMA integrity_check(20)", -1, &statement, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        const char *words = code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
        if (words != NULL && strncmp(words, heading, sizeof heading - 1) == 0)
            words += sizeof heading - 1;
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

/* ---- Both ---- */

enum db_problem sqlite_examine(struct db *db, db_flaw_callback each, void *context)
{
    const struct schema_examination examination = {((struct sqlite_db *)db)->handle, each, context};
    bool same;
    int code = examine_pages(&examination);
    if (code == SQLITE_OK)
        code = sqlite_compare_rows(examination.handle, each, context, &same);
    if (code == SQLITE_OK)
        code = examine_references(&examination);
    return code == SQLITE_OK ? DB_FINE : sqlite_problem(code);
}

static void examine_note(enum db_flaw flaw, const char *name, const char *words, void *context)
{
    (void)flaw;
    (void)name;
    (void)words;
    *(bool *)context = true;
}

enum db_problem sqlite_sound(struct db *db, struct db_failure *failure)
{
    bool flawed = false;
    const struct schema_examination examination = {((struct sqlite_db *)db)->handle, examine_note, &flawed};
    int code = examine_pages(&examination);
    if (code == SQLITE_OK && !flawed)
        code = examine_references(&examination);
    if (code != SQLITE_OK)
        return sqlite_fail_code(failure, examination.handle, code);
    *failure = (struct db_failure){0};
    return flawed ? DB_CORRUPT : DB_FINE;
}
