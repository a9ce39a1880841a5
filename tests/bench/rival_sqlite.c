/* SPDX-License-Identifier: Apache-2.0 */
/* A rival: API keys kept as SHA-256 in an SQLite table, looked up by their digest at each request. */
#include "bench/rivals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sqlite3.h>

enum { BATCH = 32 };

struct sqlite_rival {
    sqlite3 *database;
    sqlite3_stmt *lookup;
    struct walk walk;
    int64_t now;
};

static void run(sqlite3 *database, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(database, sql, NULL, NULL, &message) != SQLITE_OK)
        scene_fail("SQLite: %s: %s", sql, message);
}

static sqlite3_stmt *compile(sqlite3 *database, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK)
        scene_fail("SQLite: %s: %s", sql, sqlite3_errmsg(database));
    return statement;
}

/* The digest is the key of the table itself, so that a lookup walks down one tree only. */
static void fill(struct scene *scene, const char *path)
{
    sqlite3 *database = NULL;
    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
        scene_fail("SQLite: %s cannot be made", path);
    run(database, "PRAGMA journal_mode = WAL");
    run(database, "PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000");
    run(database, "CREATE TABLE api_key (digest BLOB PRIMARY KEY, client TEXT NOT NULL, scopes TEXT NOT NULL, "
                  "expires INTEGER NOT NULL, revoked INTEGER NOT NULL) WITHOUT ROWID, STRICT");
    run(database, "BEGIN");
    sqlite3_stmt *insert = compile(database, "INSERT INTO api_key VALUES (?1, ?2, ?3, ?4, 0)");
    for (size_t i = 0; i < scene->keys; i++) {
        char client[32];
        snprintf(client, sizeof(client), "client-%zu", i);
        sqlite3_bind_blob(insert, 1, scene->digests[i], 32, SQLITE_STATIC);
        sqlite3_bind_text(insert, 2, client, -1, SQLITE_STATIC);
        sqlite3_bind_text(insert, 3, SCENE_SCOPES, -1, SQLITE_STATIC);
        sqlite3_bind_int64(insert, 4, (int64_t)time(NULL) + 86400);
        if (sqlite3_step(insert) != SQLITE_DONE || sqlite3_reset(insert) != SQLITE_OK)
            scene_fail("SQLite: %s", sqlite3_errmsg(database));
    }
    sqlite3_finalize(insert);
    run(database, "COMMIT; ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)");
    if (sqlite3_close(database) != SQLITE_OK)
        scene_fail("SQLite: %s cannot be closed", path);
}

/* A reader as one would tune it: one connection of the thread's own without SQLite's mutexes, a prepared statement, all of the
 * file mapped into memory. Every lookup is a read transaction, as it has to see a revocation. */
const char *rival_sqlite_prepare(struct scene *scene, void **context)
{
    char path[128];
    struct sqlite_rival *rival = calloc(1, sizeof(*rival));
    if (rival == NULL)
        scene_fail("no memory");
    *context = rival;
    snprintf(path, sizeof(path), "%s/rival.db", scene->directory);
    fill(scene, path);
    if (sqlite3_open_v2(path, &rival->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        scene_fail("SQLite: %s cannot be opened", path);
    run(rival->database, "PRAGMA mmap_size = 4000000000; PRAGMA cache_size = -500000");
    rival->lookup = compile(rival->database, "SELECT client, scopes, expires, revoked FROM api_key WHERE digest = ?1");
    rival->walk = slice_walk(scene);
    rival->now = time(NULL);
    table_note(ROW_SQLITE, "%zu rows, WITHOUT ROWID by the digest, prepared statement, mapped into memory",
               scene->keys);
    return NULL;
}

size_t rival_sqlite_batch(void *context)
{
    struct sqlite_rival *rival = context;
    for (int i = 0; i < BATCH; i++) {
        uint8_t digest[32];
        slice_hash_next(&rival->walk, digest);
        sqlite3_bind_blob(rival->lookup, 1, digest, sizeof(digest), SQLITE_STATIC);
        bool good = sqlite3_step(rival->lookup) == SQLITE_ROW && sqlite3_column_text(rival->lookup, 0) != NULL &&
                    sqlite3_column_text(rival->lookup, 1) != NULL &&
                    sqlite3_column_int64(rival->lookup, 2) > rival->now && sqlite3_column_int(rival->lookup, 3) == 0;
        if (!good)
            scene_fail("SQLite: a key is not found");
        sqlite3_reset(rival->lookup);
    }
    return BATCH;
}

void rival_sqlite_end(void *context)
{
    struct sqlite_rival *rival = context;
    sqlite3_finalize(rival->lookup);
    sqlite3_close(rival->database);
    free(rival);
}
