/* SPDX-License-Identifier: Apache-2.0 */
/* A credential at first sight, which the token has to derive, against the token with nothing around it. */
#include "bench/parts.h"
#include "bench/slice.h"

enum { SLICES = 6 };

/* A verifier that has just been opened remembers nothing: a walk may pass each credential once. */
static void measure(struct scene *scene, enum row_name row, const char *path, scene_text *text, size_t texts)
{
    sealring_error error;
    const sealring_options options = {.size = sizeof(options), .no_warming = 1};
    struct walk walk = slice_walk(scene);
    sealring_statistics before = {.size = sizeof(before)}, after = {.size = sizeof(after)};
    if (sealring_open(path, &options, &walk.vault, &error) != SEALRING_OK)
        scene_fail("%s", error.message);
    walk.text = text;
    walk.count = texts;
    walk.stride = 7919;
    sealring_stats(walk.vault, &before);
    size_t verified = 0;
    double spent = 0;
    double bare = slice_bare(scene);
    unsigned bare_slices = 1;
    while (spent < SLICES * scene->slice && verified + 512 < texts) {
        double start = series_clock(), now = start;
        while (now - start < scene->slice && verified + 64 <= texts) {
            verified += slice_verify_grant(&walk);
            now = series_clock();
        }
        spent += now - start;
        bare += slice_bare(scene);
        bare_slices++;
    }
    sealring_stats(walk.vault, &after);
    sealring_close(&walk.vault);
    double rate = (double)verified / spent, bare_rate = 1e9 * bare_slices / bare;
    if (row == ROW_FIRST_SIGHT)
        table_add(ROW_BARE, bare_rate, 1);
    table_add(row, rate, rate / bare_rate);
    table_note(row, "%zu verifications of the last round made %llu token operations", verified,
               (unsigned long long)(after.token_operations - before.token_operations));
}

void first_sight_round(struct scene *scene)
{
    measure(scene, ROW_FIRST_SIGHT, scene->many_path, scene->text, scene->texts);
    measure(scene, ROW_FIRST_SIGHT_SOME, scene->some_path, scene->some_text, scene->some_count);
}
