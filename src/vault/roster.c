/* SPDX-License-Identifier: Apache-2.0 */
/* The roster: who verifies, from the report files and from what the registry remembers of them. */
#include "vault/roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base62.h"
#include "base/clock.h"
#include "base/error.h"
#include "verifier/report_seat.h"

#define DAY_MS        INT64_C(86400000)
#define ROWS_KEPT_MS  DAY_MS          /* rows of verifiers that ended without a hole, for `verifier list --all` */
#define HOLES_KEPT_MS (3650 * DAY_MS) /* no policy's quiet period is longer */
#define NAMES_SHOWN   3

/* ---- entries ---- */

static struct roster_entry *add_entry(struct roster *roster, const uint8_t instance[WATCH_ID_SIZE])
{
    if (roster->count == roster->capacity) {
        size_t capacity = roster->capacity == 0 ? 16 : 2 * roster->capacity;
        struct roster_entry *entries = realloc(roster->entries, capacity * sizeof *entries);
        if (entries == NULL)
            return NULL;
        roster->entries = entries;
        roster->capacity = capacity;
    }
    struct roster_entry *entry = &roster->entries[roster->count++];
    memset(entry, 0, sizeof *entry);
    memcpy(entry->row.instance, instance, sizeof entry->row.instance);
    return entry;
}

static struct roster_entry *find_entry(struct roster *roster, const uint8_t instance[WATCH_ID_SIZE])
{
    for (size_t i = 0; i < roster->count; i++)
        if (memcmp(roster->entries[i].row.instance, instance, WATCH_ID_SIZE) == 0)
            return &roster->entries[i];
    return NULL;
}

/* The verifier that was last known to sit at a file, if it may not have ended yet. */
static struct roster_entry *find_seat(struct roster *roster, const uint8_t seat[REPORT_ID_SIZE])
{
    for (size_t i = 0; i < roster->count; i++)
        if (memcmp(roster->entries[i].row.seat, seat, REPORT_ID_SIZE) == 0 && roster->entries[i].row.ended == 0)
            return &roster->entries[i];
    return NULL;
}

static void name_entry(struct roster_entry *entry)
{
    char digits[2 * REPORT_ID_SIZE + 1];
    hex_encode(entry->row.instance, REPORT_ID_SIZE, digits);
    if (entry->row.program[0] != '\0')
        snprintf(entry->name, sizeof entry->name, "%s on %s, process %lld", entry->row.program, entry->row.host,
                 (long long)entry->row.process);
    else
        snprintf(entry->name, sizeof entry->name, "verifier %.8s", digits);
}

void roster_release(struct roster *roster)
{
    for (size_t i = 0; i < roster->count; i++)
        free(roster->entries[i].versions);
    free(roster->entries);
    memset(roster, 0, sizeof *roster);
}

const struct roster_version *roster_find(const struct roster_entry *entry, int64_t ring, uint32_t number)
{
    for (size_t i = 0; i < entry->version_count; i++)
        if (entry->versions[i].ring == ring && entry->versions[i].number == number)
            return &entry->versions[i];
    return NULL;
}

/* ---- what the registry remembers ---- */

static sealring_status take_row(const struct registry_verifier *row, void *context, sealring_error *error)
{
    struct roster *roster = context;
    struct roster_entry *entry = find_entry(roster, row->instance);
    bool known = entry != NULL;
    if (entry == NULL)
        entry = add_entry(roster, row->instance);
    if (entry == NULL)
        return error_no_memory(error);
    /* What this process saw meanwhile counts more than what was written down earlier: who waits writes nothing, and a report that was new
     * once would be new for ever, its verifier never silent. */
    bool newer = known && entry->row.seen_boot_ms > row->seen_boot_ms &&
                 strcmp(entry->row.seen_boot_id, row->seen_boot_id) == 0 && row->ended == 0;
    if (!newer)
        entry->row = *row;
    else if (row->alarms > entry->row.alarms)
        entry->row.alarms = row->alarms;
    entry->written = *row;
    entry->remembered = true;
    name_entry(entry);
    return SEALRING_OK;
}

/* ---- what the files tell ---- */

struct versions {
    struct roster_entry *entry;
    bool no_memory;
};

static sealring_status take_version(const struct report_version *record, uint32_t cell, void *context)
{
    struct versions *taken = context;
    struct roster_entry *entry = taken->entry;
    if (entry->version_count == entry->version_capacity) {
        size_t capacity = entry->version_capacity == 0 ? 8 : 2 * entry->version_capacity;
        struct roster_version *versions = realloc(entry->versions, capacity * sizeof *versions);
        if (versions == NULL) {
            taken->no_memory = true;
            return SEALRING_SYSTEM;
        }
        entry->versions = versions;
        entry->version_capacity = capacity;
    }
    entry->versions[entry->version_count++] = (struct roster_version){
        .ring = record->ring,
        .number = record->number,
        .cell = cell,
        .proved_epoch = record->proved_epoch,
        .last_use = record->last_use_ms,
    };
    return SEALRING_OK;
}

/* The records that are known, as they are now, and those that came in behind them. *no_memory: it failed for that, and not for what is in
 * the file. */
static sealring_status read_versions(const struct report_reader *reader, struct roster_entry *entry, bool *no_memory)
{
    struct report_version record;
    struct versions taken = {.entry = entry};
    for (size_t i = 0; i < entry->version_count; i++) {
        struct roster_version *version = &entry->versions[i];
        if (!report_read_version(reader, version->cell, &record) || record.ring != version->ring ||
            record.number != version->number)
            return SEALRING_SYSTEM;
        version->proved_epoch = record.proved_epoch;
        version->last_use = record.last_use_ms;
    }
    sealring_status status = report_read_versions(reader, &entry->walked, take_version, &taken);
    *no_memory = taken.no_memory;
    return status;
}

static int64_t non_negative(int64_t value)
{
    return value < 0 ? 0 : value;
}

static void describe(struct roster_entry *entry, const struct report_summary *summary)
{
    struct registry_verifier *row = &entry->row;
    memcpy(row->seat, summary->seat, sizeof row->seat);
    snprintf(row->host, sizeof row->host, "%s", summary->host);
    snprintf(row->program, sizeof row->program, "%s", summary->program);
    row->process = summary->process;
    row->joined = non_negative(summary->joined_wall_ms);
    row->last_report = non_negative(summary->look.wall_ms);
    name_entry(entry);
}

static void watch_file(struct roster *roster, struct roster_entry *entry, const struct report_summary *summary,
                       bool held)
{
    struct watched *watched = &entry->watched;
    *watched = (struct watched){
        .file_there = true,
        .left = summary->state == REPORT_LEFT,
        .dead = !held,
        .other_boot = strcmp(summary->boot_id, roster->boot_id) != 0,
        .joining = summary->state == REPORT_JOINING || summary->number == 0,
        .epoch = summary->look.epoch,
        .number = summary->number,
    };
    memcpy(watched->era, summary->look.era, sizeof watched->era);
    if (memcmp(watched->era, roster->vault.era, sizeof watched->era) != 0)
        watched->epoch = 0; /* what it applied is of another life of the registry */
}

/* The file's own verifier. Whoever sat there before let go of the file, and so has ended. */
static sealring_status take_file(struct roster *roster, const struct report_reader *reader,
                                 const struct report_summary *summary, sealring_error *error)
{
    struct roster_entry *entry = find_entry(roster, summary->instance);
    if (entry == NULL)
        entry = add_entry(roster, summary->instance);
    if (entry == NULL)
        return error_no_memory(error);
    for (size_t i = 0; i < roster->count; i++)
        if (&roster->entries[i] != entry && memcmp(roster->entries[i].row.seat, summary->seat, REPORT_ID_SIZE) == 0)
            roster->entries[i].watched = (struct watched){.taken_over = true};
    int64_t inode = report_read_inode(reader);
    bool copied = entry->row.inode != 0 && entry->row.inode != inode;
    if (!copied)
        entry->row.inode = inode;
    describe(entry, summary);
    entry->alarms = summary->alarms;
    memcpy(entry->alarm, summary->alarm, sizeof entry->alarm);
    bool no_memory = false;
    entry->damaged = read_versions(reader, entry, &no_memory) != SEALRING_OK;
    if (no_memory)
        return error_no_memory(error);
    watch_file(roster, entry, summary, report_read_is_held(reader));
    if (!entry->watched.dead && !entry->watched.left && summary->look.lease_ms > roster->told_lease_ms)
        roster->told_lease_ms = summary->look.lease_ms;
    /* what lies in its file's place is not what it writes to: it is alone with its lease, whatever that tells */
    if (copied || entry->damaged)
        entry->watched.file_there = false;
    return SEALRING_OK;
}

/* A file that cannot be read: of a verifier that is known, or of one that nobody saw yet, if a process holds it. */
static sealring_status take_damaged(struct roster *roster, const char *path, sealring_error *error)
{
    uint8_t seat[REPORT_ID_SIZE];
    const char *slash = strrchr(path, '/');
    if (slash == NULL || !report_seat_parse(slash + 1, seat))
        return SEALRING_OK;
    struct roster_entry *entry = find_seat(roster, seat);
    if (entry == NULL && report_path_is_held(path)) {
        entry = add_entry(roster, seat);
        if (entry == NULL)
            return error_no_memory(error);
        memcpy(entry->row.seat, seat, sizeof seat);
        name_entry(entry);
    }
    if (entry == NULL)
        roster->strange++;
    else
        entry->damaged = true;
    return SEALRING_OK;
}

struct reading {
    struct roster *roster;
    sealring_error *error;
};

static sealring_status read_file(const char *path, void *context)
{
    struct reading *reading = context;
    struct roster *roster = reading->roster;
    struct report_reader *reader = NULL;
    struct report_summary summary;
    uint8_t seat[REPORT_ID_SIZE];
    sealring_error inner = {.message = ""};
    sealring_status status = report_read_open(path, &reader, &inner);
    if (status == SEALRING_OK)
        status = report_read_summary(reader, &summary, &inner);
    if (status != SEALRING_OK && error_is_exhaustion(&inner)) {
        /* nothing is wrong with the file: a verifier that serves must not be taken for none, nor for one that is lost */
        if (reading->error != NULL)
            *reading->error = inner;
    } else if (status != SEALRING_OK)
        status = take_damaged(roster, path, reading->error);
    else if (memcmp(summary.vault_id, roster->vault.vault_id, sizeof summary.vault_id) != 0 ||
             !report_seat_parse(strrchr(path, '/') + 1, seat) || memcmp(summary.seat, seat, sizeof seat) != 0)
        roster->strange++; /* another vault's, or a copy under another name */
    else
        status = take_file(roster, reader, &summary, reading->error);
    report_read_close(reader);
    return status;
}

/* ---- what follows ---- */

/* A report that was not seen before is seen now; so is that a file is gone. */
static void observe(const struct roster *roster, struct roster_entry *entry)
{
    struct registry_verifier *row = &entry->row;
    struct watched *watched = &entry->watched;
    bool known = row->seen_boot_id[0] != '\0';
    watched->seen_this_boot = !known || strcmp(row->seen_boot_id, roster->boot_id) == 0;
    bool lost_now = !watched->file_there && row->state != SEALRING_VERIFIER_LOST;
    bool moved = watched->file_there && watched->number != row->number;
    bool revived = moved && row->ended != 0 && !watched->dead && !watched->left;
    if (watched->taken_over)
        return;
    if (!known || moved || (lost_now && watched->seen_this_boot)) {
        row->seen_boot_ms = roster->boot_ms;
        memcpy(row->seen_boot_id, roster->boot_id, sizeof row->seen_boot_id);
        row->number = watched->file_there ? watched->number : row->number;
        watched->seen_this_boot = true;
    }
    if (revived) {
        row->ended = 0;
        row->hole = 0;
    }
    row->epoch = watched->file_there ? watched->epoch : row->epoch;
    watched->concluded = row->ended != 0;
}

/* It ended: since when, and what may be missing from its reports. A file of another boot may lack what had not reached the disk; one that
 * is gone lacks all that came after it was last read. */
static void conclude(const struct roster *roster, struct roster_entry *entry, sealring_verifier_state state)
{
    struct registry_verifier *row = &entry->row;
    int64_t booted = non_negative(roster->now - roster->boot_ms);
    bool incomplete = entry->watched.other_boot || !entry->watched.seen_this_boot ||
                      (!entry->watched.file_there && !entry->watched.taken_over);
    if (row->ended != 0 || state == SEALRING_VERIFIER_SILENT)
        return;
    bool before = entry->watched.other_boot || !entry->watched.seen_this_boot;
    row->ended = before && booted > 0 ? booted : roster->now;
    row->hole = incomplete ? row->ended : 0;
}

static void judge(struct roster *roster, struct roster_entry *entry)
{
    const struct registry_verifier *written = &entry->written;
    struct registry_verifier *row = &entry->row;
    struct watched *watched = &entry->watched;
    if (row->state == SEALRING_VERIFIER_FORGOTTEN && (!watched->file_there || watched->number == row->number))
        return;
    observe(roster, entry);
    watched->seen_number = row->number;
    watched->seen_boot_ms = row->seen_boot_ms;
    row->state = watch_state(watched, roster->boot_ms, roster->vault.lease_ms);
    if (watch_is_over(watched, roster->boot_ms, roster->vault.lease_ms))
        conclude(roster, entry, row->state);
    bool aged = row->ended != 0 && roster->now - row->ended > (row->hole == 0 ? ROWS_KEPT_MS : HOLES_KEPT_MS);
    entry->surplus = entry->remembered && !watched->file_there && (aged || (watched->taken_over && row->hole == 0));
    /* The number of somebody who goes on reporting is news only when what is remembered grows old. */
    bool told = row->state != written->state || row->ended != written->ended || row->hole != written->hole;
    bool moved = row->number != written->number || row->seen_boot_ms != written->seen_boot_ms;
    bool stale = row->seen_boot_ms - written->seen_boot_ms > roster->vault.lease_ms / 4;
    entry->changed =
        entry->changed || !entry->remembered || told || (moved && (stale || row->state == SEALRING_VERIFIER_SILENT));
}

static void forget_files(struct roster *roster)
{
    for (size_t i = 0; i < roster->count; i++) {
        roster->entries[i].watched = (struct watched){.file_there = false};
        roster->entries[i].damaged = false;
        roster->entries[i].changed = false;
        roster->entries[i].remembered = false;
        memset(&roster->entries[i].written, 0, sizeof roster->entries[i].written);
    }
    roster->strange = 0;
    roster->told_lease_ms = 0;
}

/* Who looked while the registry named a longer lease goes by that until its next look, whatever the registry says by now. */
static void take_longest_lease(struct roster *roster)
{
    int64_t told = roster->told_lease_ms < WATCH_LEASE_MAX_MS ? roster->told_lease_ms : WATCH_LEASE_MAX_MS;
    if (told > roster->vault.lease_ms)
        roster->vault.lease_ms = told;
}

sealring_status roster_read(struct registry *registry, const char *directory, struct roster *roster,
                            sealring_error *error)
{
    struct reading reading = {roster, error};
    int problem = clock_boot_id(roster->boot_id);
    if (problem != 0)
        return error_set_system(error, problem, "%s, which tells one boot from another, cannot be read; mount /proc",
                                CLOCK_BOOT_ID_PATH);
    roster->directory = directory;
    roster->vault = *registry_vault_row(registry);
    forget_files(roster);
    sealring_status status = registry_verifier_each(registry, take_row, roster, error);
    if (status != SEALRING_OK)
        return status;
    status = report_each_path(directory, read_file, &reading, error);
    /* the clocks last: what was read was so before */
    roster->boot_ms = clock_boot_ms();
    roster->now = clock_wall_ms();
    take_longest_lease(roster);
    for (size_t i = 0; status == SEALRING_OK && i < roster->count; i++)
        judge(roster, &roster->entries[i]);
    return status;
}

bool roster_is_news(const struct roster *roster)
{
    for (size_t i = 0; i < roster->count; i++)
        if (roster->entries[i].changed || roster->entries[i].surplus ||
            roster->entries[i].alarms > roster->entries[i].row.alarms)
            return true;
    return false;
}

/* What its file says of uses outlives the file, if that is removed when its verifier has ended. */
static sealring_status remember_uses(struct registry *registry, const struct roster_entry *entry, sealring_error *error)
{
    struct registry_version version;
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < entry->version_count; i++) {
        const struct roster_version *told = &entry->versions[i];
        if (told->last_use <= 0)
            continue;
        status = registry_version_get(registry, told->ring, told->number, &version, error);
        if (status == SEALRING_OK)
            status = registry_version_use_put(registry, told->ring, told->number, told->last_use, error);
        else if (status == SEALRING_NOT_FOUND)
            status = SEALRING_OK; /* of a registry that was put back since */
    }
    return status;
}

struct roster_entry *roster_next_alarm(const struct roster *roster, size_t *index)
{
    while (*index < roster->count) {
        struct roster_entry *entry = &roster->entries[(*index)++];
        if (entry->alarms > entry->row.alarms)
            return entry;
    }
    return NULL;
}

sealring_status roster_remember(struct registry *registry, const struct roster *roster, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < roster->count; i++) {
        const struct roster_entry *entry = &roster->entries[i];
        if (entry->surplus)
            status = registry_verifier_delete(registry, entry->row.instance, error);
        else if (entry->changed)
            status = registry_verifier_put(registry, &entry->row, error);
        if (status == SEALRING_OK && entry->changed && entry->row.ended != 0)
            status = remember_uses(registry, entry, error);
    }
    return status;
}

bool roster_may_serve(const struct roster *roster, const struct roster_entry *entry)
{
    return entry->row.ended == 0 && !watch_is_over(&entry->watched, roster->boot_ms, roster->vault.lease_ms);
}

bool roster_is_empty(const struct roster *roster)
{
    for (size_t i = 0; i < roster->count; i++)
        if (roster_may_serve(roster, &roster->entries[i]))
            return false;
    return true;
}

/* "web1 (at epoch 5), web2 and 12 more" */
static void say_missing(const struct roster_entry *entry, uint32_t said, char missing[256])
{
    size_t length = strlen(missing);
    if (said < NAMES_SHOWN)
        snprintf(missing + length, 256 - length, "%s%.60s", said > 0 ? ", " : "", entry->name);
}

void roster_count(const struct roster *roster, uint64_t epoch, int64_t committed_boot_ms, struct roster_count *count)
{
    uint32_t said = 0;
    int64_t lease = roster->vault.lease_ms;
    *count = (struct roster_count){.done = 0};
    for (size_t i = 0; i < roster->count; i++) {
        const struct roster_entry *entry = &roster->entries[i];
        if (!roster_may_serve(roster, entry))
            continue;
        count->total++;
        /* An epoch that the registry has not reached says nothing of what comes: the registry was set back. */
        struct watched watched = entry->watched;
        if (watched.epoch > roster->vault.epoch)
            watched.epoch = 0;
        if (watch_goes_by(&watched, roster->vault.era, epoch, committed_boot_ms, roster->boot_ms, lease)) {
            count->done++;
            continue;
        }
        int64_t until = watch_serves_until(&entry->watched, roster->boot_ms, lease);
        if (committed_boot_ms > 0 && committed_boot_ms + watch_silence(lease) < until)
            until = committed_boot_ms + watch_silence(lease);
        if (until - roster->boot_ms > count->at_most)
            count->at_most = until - roster->boot_ms;
        say_missing(entry, said++, count->missing);
    }
    size_t length = strlen(count->missing);
    if (said > NAMES_SHOWN)
        snprintf(count->missing + length, sizeof count->missing - length, " and %u more", said - NAMES_SHOWN);
}
