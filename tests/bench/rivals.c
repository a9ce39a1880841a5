/* SPDX-License-Identifier: Apache-2.0 */
/* What a user would pick instead, against a cached verification. */
#include "bench/rivals.h"

#include "bench/parts.h"

struct rival {
    enum row_name row;
    rival_prepare prepare;
    slice_batch batch;
    rival_end end;
    void *context;
    struct series without_grant; /* the same comparison, with verifications that give no grant */
    char note[TABLE_NOTE_SIZE];
};

static struct rival rivals[] = {
    {.row = ROW_JWT, .prepare = rival_jwt_prepare, .batch = rival_jwt_batch, .end = rival_jwt_end},
    {.row = ROW_SQLITE, .prepare = rival_sqlite_prepare, .batch = rival_sqlite_batch, .end = rival_sqlite_end},
    {.row = ROW_REDIS, .prepare = rival_redis_prepare, .batch = rival_redis_batch, .end = rival_redis_end},
};

enum { RIVALS = sizeof(rivals) / sizeof(*rivals) };

void rivals_prepare(struct scene *scene)
{
    for (size_t i = 0; i < RIVALS; i++) {
        scene_say("preparing: %s", table[rivals[i].row].words);
        table[rivals[i].row].missing = rivals[i].prepare(scene, &rivals[i].context);
        snprintf(rivals[i].note, sizeof(rivals[i].note), "%s", table[rivals[i].row].note);
    }
}

/* They tell whose the credential is and what it may do, so they are compared with verifying that does, too. */
void rivals_round(struct scene *scene)
{
    struct walk walk = slice_walk(scene);
    for (size_t i = 0; i < RIVALS; i++) {
        struct rival *rival = &rivals[i];
        struct row *row = &table[rival->row];
        if (row->missing != NULL)
            continue;
        slice_compare(scene, rival->row, rival->batch, rival->context, slice_verify_grant, &walk);
        double bare = slice_run(slice_verify, &walk, scene->slice / 2);
        series_add(&rival->without_grant, row->value.values[row->value.count - 1] / bare);
        table_note(rival->row, "%s; %.1f x a verification without a grant", rival->note,
                   series_summarise(&rival->without_grant).median);
    }
}

void rivals_end(void)
{
    for (size_t i = 0; i < RIVALS; i++)
        if (rivals[i].context != NULL)
            rivals[i].end(rivals[i].context);
}
