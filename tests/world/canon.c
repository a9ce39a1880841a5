/* SPDX-License-Identifier: Apache-2.0 */
/* One state for all that differ only in names, in how long ago is long ago, and in how many epochs went by. */
#include <string.h>

#include "world/world.h"

static bool happens(const struct setting *setting, enum kind kind)
{
    return (setting->kinds >> kind & 1) != 0;
}

/* ---- time ---- */

static int8_t tick_down(int8_t ticks)
{
    return ticks < 0 ? ticks : (int8_t)(ticks - 1);
}

static void tick_file(struct registry_file *file)
{
    for (unsigned i = 0; i < VERSIONS; i++) {
        if (file->rows[i].state == SEALRING_VERSION_RETIRING || file->rows[i].state == SEALRING_VERSION_ACTIVE)
            file->rows[i].retire_at = tick_down(file->rows[i].retire_at);
        if (file->rows[i].state == SEALRING_VERSION_RETIRED || file->rows[i].state == SEALRING_VERSION_COMPROMISED)
            file->rows[i].purge_at = tick_down(file->rows[i].purge_at);
    }
}

static void tick_process(const struct setting *setting, struct process *process)
{
    int16_t own = setting->verifier_ms;
    process->look_started = aged(process->look_started, own);
    process->heard_from = aged(process->heard_from, own);
    process->lease_left = process->lease_left > own ? (int16_t)(process->lease_left - own) : 0;
    process->joined = aged(process->joined, TICK);
    process->last_report = aged(process->last_report, TICK);
    process->seen = aged(process->seen, TICK);
    process->lost_seen = aged(process->lost_seen, TICK);
    process->lost_report = aged(process->lost_report, TICK);
    process->lost_joined = aged(process->lost_joined, TICK);
    for (unsigned i = 0; i < VERSIONS; i++)
        process->last_use[i] = aged(process->last_use[i], TICK);
}

void canon_tick(const struct setting *setting, struct world *world)
{
    tick_file(&world->registry);
    tick_file(&world->copy);
    for (unsigned i = 0; i < VERIFIERS; i++)
        tick_process(setting, &world->processes[i]);
    for (unsigned i = 0; i < CLIENTS; i++) {
        world->truth.keys[i].committed = aged(world->truth.keys[i].committed, TICK);
        world->keys.called[i] = aged(world->keys.called[i], TICK);
    }
    for (unsigned i = 0; i < VERSIONS; i++) {
        world->truth.versions[i].committed = aged(world->truth.versions[i].committed, TICK);
        world->truth.used[i] = aged(world->truth.used[i], TICK);
    }
}

/* No earlier than `first`: from there on it makes no difference. */
static int16_t no_earlier(int16_t time, int64_t first)
{
    return time != NEVER && time < first ? (int16_t)first : time;
}

/* ---- what bears on nothing ---- */

/* Without uses nobody asks for a gate's evidence. */
static void forget_uses(struct process *process)
{
    process->joined = 0;
    process->last_report = 0;
    memset(process->last_use, 0, sizeof process->last_use);
    process->lost_report = 0;
    process->lost_joined = 0;
}

static void settle_uses(const struct setting *setting, struct process *process)
{
    int64_t quiet = -setting->quiet_period - 1;
    for (unsigned i = 0; i < VERSIONS; i++)
        process->last_use[i] = process->last_use[i] < -setting->quiet_period ? NEVER : process->last_use[i];
    process->joined = no_earlier(process->joined, quiet);
    process->last_report = no_earlier(process->last_report, quiet);
    process->lost_report = no_earlier(process->lost_report, quiet);
    process->lost_joined = no_earlier(process->lost_joined, quiet);
    if (!happens(setting, LOSE_FILE))
        process->last_report = 0;
}

static void settle_gone(const struct setting *setting, struct process *process)
{
    if (happens(setting, USE) && process->file_there)
        return;
    process->file_there = 0;
    process->file_joining = 0;
    process->file_era = 0;
    process->file_epoch = 0;
    process->told = 0;
    process->full = 0;
    process->joined = 0;
    process->last_report = 0;
    memset(process->last_use, 0, sizeof process->last_use);
}

static void settle_lost(const struct setting *setting, struct process *process)
{
    int64_t silence = watch_silence(setting->lease);
    if (process->lost == CONCLUDED && process->lost_seen < -setting->quiet_period)
        process->lost = NOT_LOST; /* its hole is older than anybody asks for */
    if (process->lost == NOTICED)
        process->lost_seen = no_earlier(process->lost_seen, -silence - TICK);
    if (process->lost == LOST)
        process->lost_seen = 0;
    if (process->lost == NOT_LOST) {
        process->lost_seen = 0;
        process->lost_report = 0;
        process->lost_joined = 0;
    }
}

static void settle_process(const struct setting *setting, struct process *process)
{
    if (happens(setting, USE))
        settle_uses(setting, process);
    else
        forget_uses(process);
    settle_lost(setting, process);
    if (process->life == GONE) {
        settle_gone(setting, process);
        return;
    }
    if (!process->remembered)
        process->seen = 0;
    process->seen = no_earlier(process->seen, -watch_silence(setting->lease) - TICK);
    if (process->look == PROTOCOL_NO_LOOK)
        process->look_started = 0;
    process->look_started = no_earlier(process->look_started, -setting->lease);
    process->heard_from = no_earlier(process->heard_from, -setting->lease);
    if (!process->loaded) {
        /* nothing of it is looked at until all is loaded anew */
        memset(process->known, 0, sizeof process->known);
        memset(process->made, 0, sizeof process->made);
        process->proved = 0;
        process->cached = 0;
    }
    process->excused &= (uint8_t)~process->proved;
}

static void settle_closing(const struct setting *setting, struct closing *closing)
{
    if (!closing->pending)
        *closing = (struct closing){.effective = closing->effective};
    closing->committed = no_earlier(closing->committed, -watch_silence(setting->lease) - TICK);
}

static void settle_file(const struct setting *setting, struct registry_file *file)
{
    uint8_t used = 0;
    uint8_t rank = 0;
    for (unsigned i = 0; i < VERSIONS; i++) {
        struct row *row = &file->rows[i];
        bool closed = row->state == SEALRING_VERSION_RETIRED || row->state == SEALRING_VERSION_COMPROMISED;
        bool promised = row->state == SEALRING_VERSION_RETIRING || row->state == SEALRING_VERSION_ACTIVE;
        row->retire_at = promised && row->retire_at > 0 ? row->retire_at : 0;
        row->purge_at = closed && row->purge_at > 0 ? row->purge_at : 0;
        if (!setting->in_force && (row->was_compromised || row->state == SEALRING_VERSION_DESTROYED))
            for (unsigned client = 0; client < CLIENTS; client++)
                file->issued &= (uint8_t)~bit(credential_of(client, i)); /* for good */
        row->created_epoch = happens(setting, USE) ? row->created_epoch : 0;
        used |= bit(row->activated);
    }
    for (unsigned order = 1; order < 8; order++) {
        if ((used & bit(order)) == 0)
            continue;
        rank++;
        for (unsigned i = 0; i < VERSIONS; i++)
            if (file->rows[i].activated == order)
                file->rows[i].activated = rank;
    }
}

/* Of serials only their order matters. */
static void settle_keys(const struct setting *setting, struct world *world)
{
    struct keys *keys = &world->keys;
    for (unsigned client = 0; client < CLIENTS; client++) {
        uint8_t *serials = &keys->serials[credential_of(client, 0)];
        uint8_t used = 0;
        if (keys->called[client] < -setting->succession)
            keys->called[client] = NEVER;
        for (unsigned version = 0; version < VERSIONS; version++)
            used |= bit(serials[version]);
        for (unsigned version = 0; version < VERSIONS; version++)
            if (serials[version] != 0)
                serials[version] = (uint8_t)__builtin_popcount(used & ((2U << serials[version]) - 2));
    }
}

/* ---- epochs ---- */

#define EPOCHS_MAX 64

struct epochs {
    uint8_t *places[EPOCHS_MAX];
    unsigned count;
    unsigned
        rows; /* so many of them, from the first on, say when something changed; the others, up to where somebody knows */
};

static void list_file(struct registry_file *file, struct epochs *epochs)
{
    for (unsigned i = 0; i < VERSIONS; i++) {
        epochs->places[epochs->count++] = &file->rows[i].created_epoch;
        epochs->places[epochs->count++] = &file->rows[i].changed_epoch;
    }
    for (unsigned i = 0; i < CLIENTS; i++)
        epochs->places[epochs->count++] = &file->key_epoch[i];
}

/* Every place where an epoch stands. */
static void list_epochs(struct world *world, struct epochs *epochs)
{
    epochs->count = 0;
    list_file(&world->registry, epochs);
    list_file(&world->copy, epochs);
    for (unsigned i = 0; i < CLIENTS; i++)
        epochs->places[epochs->count++] = &world->truth.keys[i].epoch;
    for (unsigned i = 0; i < VERSIONS; i++)
        epochs->places[epochs->count++] = &world->truth.versions[i].epoch;
    epochs->rows = epochs->count;
    epochs->places[epochs->count++] = &world->registry.epoch;
    epochs->places[epochs->count++] = &world->copy.epoch;
    for (unsigned i = 0; i < VERIFIERS; i++) {
        struct process *process = &world->processes[i];
        epochs->places[epochs->count++] = &process->epoch;
        epochs->places[epochs->count++] = &process->seen_epoch;
        epochs->places[epochs->count++] = &process->taken_epoch;
        epochs->places[epochs->count++] = &process->file_epoch;
    }
}

/* Only their order is asked for by anybody; and a change that everybody knows of is one like another. 0 is none. */
static void number_epochs(struct world *world)
{
    struct epochs epochs;
    uint8_t least = UINT8_MAX;
    uint64_t used = 0;
    list_epochs(world, &epochs);
    for (unsigned i = epochs.rows; i < epochs.count; i++)
        if (*epochs.places[i] != 0 && *epochs.places[i] < least)
            least = *epochs.places[i];
    for (unsigned i = 0; i < epochs.rows; i++)
        if (*epochs.places[i] != 0 && *epochs.places[i] < least)
            *epochs.places[i] = least;
    for (unsigned i = 0; i < epochs.count; i++)
        used |= UINT64_C(1) << *epochs.places[i];
    used &= ~UINT64_C(1);
    for (unsigned i = 0; i < epochs.count; i++)
        if (*epochs.places[i] != 0)
            *epochs.places[i] = (uint8_t)(1 + __builtin_popcountll(used & ((UINT64_C(1) << *epochs.places[i]) - 1)));
}

/* ---- names ---- */

static uint8_t swap_bits(uint8_t bits)
{
    return (uint8_t)((bits & 1) << 1 | (bits >> 1 & 1));
}

/* The one that got farther in its life is first. */
static void sort_processes(struct world *world)
{
    int farther = world->processes[0].life - world->processes[1].life;
    if (farther > 0 ||
        (farther == 0 && memcmp(&world->processes[0], &world->processes[1], sizeof world->processes[0]) <= 0))
        return;
    struct process first = world->processes[0];
    world->processes[0] = world->processes[1];
    world->processes[1] = first;
    world->truth.put_back = swap_bits(world->truth.put_back);
    world->truth.unseen = swap_bits(world->truth.unseen);
}

static uint8_t swap_credentials(uint8_t credentials)
{
    uint8_t first = credentials & (bit(VERSIONS) - 1);
    return (uint8_t)(credentials >> VERSIONS | first << VERSIONS);
}

static void swap_file(struct registry_file *file)
{
    uint8_t epoch = file->key_epoch[0];
    file->key_epoch[0] = file->key_epoch[1];
    file->key_epoch[1] = epoch;
    file->revoked = swap_bits(file->revoked);
    file->issued = swap_credentials(file->issued);
}

static void swap_keys(struct keys *keys)
{
    struct keys former = *keys;
    for (unsigned version = 0; version < VERSIONS; version++) {
        keys->serials[credential_of(0, version)] = former.serials[credential_of(1, version)];
        keys->serials[credential_of(1, version)] = former.serials[credential_of(0, version)];
    }
    keys->called[0] = former.called[1];
    keys->called[1] = former.called[0];
    keys->suspended = swap_bits(keys->suspended);
    keys->expired = swap_credentials(keys->expired);
}

static void swap_clients(struct world *world)
{
    struct closing first = world->truth.keys[0];
    world->truth.keys[0] = world->truth.keys[1];
    world->truth.keys[1] = first;
    world->truth.doubtful = swap_bits(world->truth.doubtful);
    swap_keys(&world->keys);
    swap_file(&world->registry);
    swap_file(&world->copy);
    for (unsigned i = 0; i < VERIFIERS; i++) {
        struct process *process = &world->processes[i];
        process->cached = swap_credentials(process->cached);
        if (process->request.there)
            process->request.credential = (uint8_t)((process->request.credential + VERSIONS) % CREDENTIALS);
    }
}

void canon_normalise(const struct setting *setting, struct world *world)
{
    for (unsigned i = 0; i < VERIFIERS; i++)
        settle_process(setting, &world->processes[i]);
    for (unsigned i = 0; i < CLIENTS; i++)
        settle_closing(setting, &world->truth.keys[i]);
    for (unsigned i = 0; i < VERSIONS; i++) {
        settle_closing(setting, &world->truth.versions[i]);
        if (!happens(setting, USE))
            world->truth.used[i] = NEVER;
        else if (world->truth.used[i] < -setting->quiet_period)
            world->truth.used[i] = NEVER;
    }
    world->truth.unseen &= world->truth.put_back;
    if (world->truth.put_back == 0)
        world->truth.written_back = 0;
    settle_file(setting, &world->registry);
    settle_file(setting, &world->copy);
    settle_keys(setting, world);
    number_epochs(world);
    sort_processes(world);
    if (setting->clients < 2)
        return;
    struct world other;
    memcpy(&other, world, sizeof other);
    swap_clients(&other);
    sort_processes(&other);
    if (memcmp(&other, world, sizeof other) < 0)
        memcpy(world, &other, sizeof other);
}
