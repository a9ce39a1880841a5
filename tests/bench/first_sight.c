/* SPDX-License-Identifier: Apache-2.0 */
/* A credential at first sight, which the token has to derive, against the token with nothing around it. */
#include "bench/parts.h"
#include "bench/slice.h"

enum { SLICES = 6 };

/* A verifier that has just been opened remembers nothing: a walk may pass each credential once. */
void first_sight_round(struct scene *scene)
{
    sealring_error error;
    const sealring_options options = {.size = sizeof(options), .no_warming = 1};
    struct walk walk = slice_walk(scene);
    sealring_statistics before = {.size = sizeof(before)}, after = {.size = sizeof(after)};
    if (sealring_open(scene->many_path, &options, &walk.vault, &error) != SEALRING_OK)
        scene_fail("%s", error.message);
    walk.count = scene->texts;
    walk.stride = 7919;
    sealring_stats(walk.vault, &before);
    size_t verified = 0;
    double spent = 0;
    double bare = slice_bare(scene);
    unsigned bare_slices = 1;
    while (spent < SLICES * scene->slice && verified + 512 < scene->texts) {
        double start = series_clock(), now = start;
        while (now - start < scene->slice && verified + 64 <= scene->texts) {
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
    table_add(ROW_BARE, bare_rate, 1);
    table_add(ROW_FIRST_SIGHT, rate, rate / bare_rate);
    table_note(ROW_FIRST_SIGHT, "%zu verifications of the last round made %llu token operations", verified,
               (unsigned long long)(after.token_operations - before.token_operations));
}
