/* SPDX-License-Identifier: Apache-2.0 */
/* How the waiting side sees the verifiers: report files joined with what it remembers, as src/vault reads them for lifecycle/verifier_liveness.h. */
#include <string.h>

#include "world/world.h"

const uint8_t *era_bytes(uint8_t era)
{
    static const uint8_t eras[][WATCH_ID_SIZE] = {"", "the first era..", "the second era.", "the third era.."};
    return eras[era];
}

/* A report's running number matters only by whether it is the remembered one. 0 is what a memory without any would have. */
#define NUMBER 0

static void sight_file(const struct world *world, const struct process *process, unsigned version,
                       struct sighting *sighting)
{
    struct watched *watched = &sighting->watched;
    const struct row *row = &world->registry.rows[version];
    *watched = (struct watched){
        .file_there = true,
        .held = process->life != GONE,
        .left = process->masked != 0,
        .other_boot = process->masked != 0,
        .concluded = process->edited != 0,
        .forgotten = process->edited != 0,
        .joining = process->file_joining,
        .epoch = process->file_epoch,
        .facts = process->file_epoch,
        .number = process->moved ? NUMBER + 1 : NUMBER,
    };
    if (process->remembered)
        watched->own = (struct watch_memory){.seen = true, .number = NUMBER, .since_boot_ms = at(process->seen)};
    memcpy(watched->era, era_bytes(process->file_era), WATCH_ID_SIZE);
    sighting->account = (struct watch_account){
        .joined = at(process->joined),
        .last_report = at(process->last_report),
        .last_use = at(process->last_use[version]),
    };
    sighting->account.counted = (process->told & bit(version)) != 0 || watched->joining ||
                                process->file_era != world->registry.era || watched->epoch < row->created_epoch;
    sighting->proved_told = process->proved_told;
}

/* The instance of a file that was removed. What was counted in it after it was last read may be missing, and that is known as soon as it
 * surely serves no more. */
static void sight_lost(const struct process *process, struct sighting *sighting)
{
    bool over = process->lost == CONCLUDED;
    if (process->lost == NOTICED)
        sighting->watched.own =
            (struct watch_memory){.seen = true, .without_file = true, .since_boot_ms = at(process->lost_seen)};
    sighting->watched.concluded = over; /* what is concluded stays so */
    sighting->account = (struct watch_account){
        .joined = at(process->lost_joined),
        .last_report = at(process->lost_report),
        .ended = over ? at(process->lost_seen) : 0,
        .hole = over ? at(process->lost_seen) : 0,
        .counted = true,
    };
}

unsigned roster_sight(const struct world *world, unsigned version, struct sighting sightings[WATCHED_MAX])
{
    unsigned count = 0;
    memset(sightings, 0, WATCHED_MAX * sizeof *sightings);
    for (unsigned i = 0; i < VERIFIERS; i++) {
        const struct process *process = &world->processes[i];
        if (process->file_there)
            sight_file(world, process, version, &sightings[count++]);
        if (process->lost != NOT_LOST)
            sight_lost(process, &sightings[count++]);
    }
    return count;
}

static void observe_lost(const struct setting *setting, struct process *process)
{
    struct sighting sighting = {.account = {0}};
    if (process->lost == LOST) {
        process->lost = NOTICED;
        process->lost_seen = 0;
    }
    if (process->lost != NOTICED)
        return;
    sight_lost(process, &sighting);
    if (!watch_is_over(&sighting.watched, NOW, setting->lease))
        return;
    process->lost = CONCLUDED;
    process->lost_seen = 0;
}

/* Another process begins to measure anew; of a change that it did not commit itself it does not know when that was. */
void roster_forget(struct world *world)
{
    for (unsigned i = 0; i < VERIFIERS; i++) {
        struct process *process = &world->processes[i];
        process->remembered = 0;
        process->moved = 0;
        process->seen = 0;
        process->lost = process->lost == NOTICED ? LOST : process->lost;
    }
    for (unsigned client = 0; client < CLIENTS; client++)
        if (world->truth.keys[client].pending)
            world->truth.keys[client].committed = NEVER;
    for (unsigned version = 0; version < VERSIONS; version++)
        if (world->truth.versions[version].pending)
            world->truth.versions[version].committed = NEVER;
}

/* What a look at the reports leaves in the memory of the process that waits. */
void roster_observe(const struct setting *setting, struct world *world)
{
    for (unsigned i = 0; i < VERIFIERS; i++) {
        struct process *process = &world->processes[i];
        observe_lost(setting, process);
        if (!process->file_there || (process->remembered && !process->moved))
            continue;
        process->remembered = 1;
        process->moved = 0;
        process->seen = 0;
    }
}
