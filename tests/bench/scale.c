/* SPDX-License-Identifier: Apache-2.0 */
/* What takes no longer with many keys in the registry than with ten: opening and rotating; and issuing in bulk. */
#include <sqlite3.h>
#include <stdio.h>

#include "bench/parts.h"
#include "bench/slice.h"

enum { ROTATIONS_MAX = 15, BATCH = 5000 };

static double open_once(const char *path)
{
    sealring_error error;
    sealring_vault *vault = NULL;
    double start = series_clock();
    if (sealring_open(path, NULL, &vault, &error) != SEALRING_OK)
        scene_fail("%s", error.message);
    double took = series_clock() - start;
    sealring_close(&vault);
    return took;
}

static double rotate_once(sealring_manager *manager, const char *ring)
{
    sealring_error error;
    double start = series_clock();
    if (sealring_version_change(manager, ring, SEALRING_EVENT_ROTATE, 0, NULL, NULL, &error) != SEALRING_OK)
        scene_fail("rotate: %s", error.message);
    return series_clock() - start;
}

/* In turns, each first in every second round: both rings always have the same number of versions. */
static void measure_pair(struct scene *scene, size_t round)
{
    double few, many;
    if (round % 2 == 0) {
        few = open_once(scene->few_path);
        many = open_once(scene->many_path);
    } else {
        many = open_once(scene->many_path);
        few = open_once(scene->few_path);
    }
    table_add(ROW_OPEN, many * 1e3, many / few);
    if (round >= ROTATIONS_MAX)
        return;
    if (round % 2 == 0) {
        few = rotate_once(scene->few, "few");
        many = rotate_once(scene->many, "many");
    } else {
        many = rotate_once(scene->many, "many");
        few = rotate_once(scene->few, "few");
    }
    table_add(ROW_ROTATE, many * 1e3, many / few);
}

/* With what is in the write-ahead log. */
static double registry_bytes(const struct scene *scene)
{
    char path[160];
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    snprintf(path, sizeof path, "%s/registry/sealring.db", scene->many_path);
    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(database, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", -1,
                           &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        scene_fail("%s: %s", path, sqlite3_errmsg(database));
    double bytes = sqlite3_column_double(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return bytes;
}

void scale_measure(struct scene *scene)
{
    /* New clients and keys in a ring of its own, so that the traffic's ring stays as it is. */
    scene_create_ring(scene->many, "later");
    for (size_t round = 0; round < (scene->rounds < 5 ? scene->rounds : 5); round++) {
        scene_say("issuing: round %zu", round + 1);
        double before = slice_bare(scene), bytes = registry_bytes(scene);
        double took = scene_issue(scene->many, "later", scene->keys + round * BATCH, BATCH, NULL, NULL);
        double bare = 2e9 / (before + slice_bare(scene)), rate = BATCH / took;
        table_add(ROW_ISSUE_MANY, rate, 2 * rate / bare); /* each credential is derived twice */
        bytes = (registry_bytes(scene) - bytes) / BATCH;
        table_add(ROW_ISSUE_BYTES, bytes, bytes);
    }
    for (size_t round = 0; round < scene->rounds; round++) {
        scene_say("opening and rotating: round %zu of %zu", round + 1, scene->rounds);
        measure_pair(scene, round);
    }
    table_note(ROW_ISSUE_BYTES, "a new client for each API key, in batches of %d", BATCH);
    table_note(ROW_OPEN, "%zu API keys, issued by sealring_issue", scene->keys);
}
