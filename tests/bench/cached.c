/* SPDX-License-Identifier: Apache-2.0 */
/* A credential that was seen before, against hashing its text. */
#include "bench/parts.h"
#include "bench/slice.h"

void cached_prepare(struct scene *scene)
{
    for (size_t i = 0; i < scene->texts; i++) {
        sealring_grant grant = {.size = sizeof(grant)};
        if (sealring_verify(scene->vault, scene->text[i], scene->length, SCENE_SCOPE, &grant) != SEALRING_ACCEPTED)
            scene_fail("a valid credential is not accepted: %s", grant.reason);
    }
    table_note(ROW_FLOOR, "texts of %zu characters; %zu of them in turn, here and in all rows without another note",
               scene->length, scene->hot);
    table_note(ROW_CACHED_MANY, "%zu credentials, which no processor's cache holds", scene->texts);
}

void cached_round(struct scene *scene)
{
    struct walk walk = slice_walk(scene), floor = walk, many = walk, floor_of_many;
    many.count = scene->texts;
    many.stride = 7919; /* a prime, so that the walk comes to every credential */
    floor_of_many = many;
    slice_compare(scene, ROW_FLOOR, slice_hash, &walk, slice_hash, &floor);
    slice_compare(scene, ROW_CACHED, slice_verify, &walk, slice_hash, &floor);
    slice_compare(scene, ROW_CACHED_GRANT, slice_verify_grant, &walk, slice_hash, &floor);
    slice_compare(scene, ROW_CACHED_MANY, slice_verify, &many, slice_hash, &floor_of_many);
}
