/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the vault's verifiers, from the registry's rows about them and from the report files. */
#include "manage/roster/roster.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/base62.h"
#include "base/error.h"
#include "registry/lock/lock_holder.h"
#include "verifier/report/report_seat.h"

/* ---- entries ---- */

static struct roster_entry *find_entry(const struct roster *roster, const uint8_t instance[WATCH_ID_SIZE])
{
    for (size_t i = 0; i < roster->count; i++)
        if (memcmp(roster->entries[i].row.instance, instance, WATCH_ID_SIZE) == 0)
            return &roster->entries[i];
    return NULL;
}

/* The entry, which is added if there is none; NULL: no memory. */
static struct roster_entry *make_entry(struct roster *roster, const uint8_t instance[WATCH_ID_SIZE])
{
    struct roster_entry *entry = find_entry(roster, instance);
    if (entry != NULL)
        return entry;
    if (!array_grow(&roster->entries, roster->count))
        return NULL;
    entry = &roster->entries[roster->count++];
    memset(entry, 0, sizeof *entry);
    memcpy(entry->row.instance, instance, sizeof entry->row.instance);
    return entry;
}

/* The verifier that last owned a file, if it may not have ended yet. */
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
        snprintf(entry->name, sizeof entry->name, "verifier %.8s%s", digits,
                 entry->row_damaged ? " (its row is damaged)" : "");
}

/* ---- what the registry contains ---- */

static sealring_status take_row(struct roster *roster, const struct registry_verifier *row, sealring_error *error)
{
    struct roster_entry *entry = make_entry(roster, row->instance);
    if (entry == NULL)
        return error_no_memory(error);
    entry->row = *row;
    entry->written = *row;
    entry->remembered = true;
    entry->row_damaged = row->damaged; /* nothing shows that it ended, so it counts as lost */
    name_entry(entry);
    return SEALRING_OK;
}

static sealring_status read_rows(struct roster *roster, struct registry *registry, sealring_error *error)
{
    struct registry_verifier row;
    sealring_status status = SEALRING_OK;
    struct registry_cursor rows = registry_verifiers(registry, error);
    while (status == SEALRING_OK && registry_verifier_next(&rows, &row))
        status = take_row(roster, &row, error);
    return registry_close_cursor(&rows, status);
}

/* ---- what the files contain ---- */

struct roster_versions {
    struct roster_entry *entry;
    bool no_memory;
};

static sealring_status take_version(const struct report_version *record, uint32_t cell, void *context)
{
    struct roster_versions *taken = context;
    struct roster_entry *entry = taken->entry;
    if (!array_grow(&entry->versions, entry->version_count)) {
        taken->no_memory = true;
        return SEALRING_SYSTEM;
    }
    entry->versions[entry->version_count++] = (struct roster_version){
        .ring = record->ring,
        .number = record->number,
        .cell = cell,
        .proved = record->proved,
        .last_use = record->last_use_ms,
    };
    return SEALRING_OK;
}

/* Reads the known records as they are now, and the records that were added after them. *no_memory: this failed for lack of memory, not because of
 * the file's content. */
static sealring_status read_versions(const struct report_reader *reader, struct roster_entry *entry, bool *no_memory)
{
    struct report_version record;
    struct roster_versions taken = {.entry = entry};
    for (size_t i = 0; i < entry->version_count; i++) {
        struct roster_version *version = &entry->versions[i];
        if (!report_read_version(reader, version->cell, &record) || record.ring != version->ring ||
            record.number != version->number)
            return SEALRING_SYSTEM;
        version->proved = record.proved;
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

static void watch_file(const struct roster *roster, struct roster_entry *entry, const struct report_summary *summary,
                       bool held)
{
    struct watched *watched = &entry->watched;
    *watched = (struct watched){
        .file_there = true,
        .held = held,
        .left = summary->state == REPORT_LEFT,
        .other_boot = strcmp(summary->boot_id, roster->boot_id) != 0,
        .joining = summary->state == REPORT_JOINING || summary->number == 0,
        .epoch = summary->look.epoch,
        .facts = summary->look.has_closed ? summary->look.closed_count : 0,
        .number = summary->number,
        .filter = summary->look.filter,
    };
    memcpy(watched->era, summary->look.era, sizeof watched->era);
    if (memcmp(watched->era, roster->vault.era, sizeof watched->era) != 0)
        watched->epoch = watched->facts = 0; /* what it applied is of another era of the registry */
}

/* The former owner of the file has released it, and so has ended; unless this is another file, which replaces the one that the owner holds. */
static void take_over(struct roster *roster, const struct roster_entry *owner, int64_t inode)
{
    for (size_t i = 0; i < roster->count; i++) {
        struct roster_entry *entry = &roster->entries[i];
        int64_t known = entry->inode != 0 ? entry->inode : entry->row.inode;
        if (entry != owner && !entry->watched.file_there && (known == 0 || known == inode) &&
            memcmp(entry->row.seat, owner->row.seat, REPORT_ID_SIZE) == 0)
            entry->watched.taken_over = true;
    }
}

/* Whether this file is only a copy at its file's path: no process holds it, and the remembered file may be held elsewhere. */
static bool is_copy(const struct roster_entry *entry, int64_t inode, bool held)
{
    int64_t known = entry->inode != 0 ? entry->inode : entry->row.inode;
    return !held && known != 0 && known != inode;
}

static sealring_status take_file(struct roster *roster, const struct report_reader *reader,
                                 const struct report_summary *summary, sealring_error *error)
{
    struct roster_entry *entry = make_entry(roster, summary->instance);
    if (entry == NULL)
        return error_no_memory(error);
    bool held = report_read_is_held(reader);
    int64_t inode = report_read_inode(reader);
    bool copied = is_copy(entry, inode, held);
    describe(entry, summary);
    take_over(roster, entry, inode);
    if (!copied)
        entry->inode = entry->row.inode = inode;
    entry->has_closed = summary->look.has_closed;
    entry->closed_count = summary->look.closed_count;
    memcpy(entry->closed_hash, summary->look.closed_hash, sizeof entry->closed_hash);
    entry->schema = summary->schema;
    entry->alarms = summary->alarms;
    entry->alarms_read = !copied;
    memcpy(entry->alarm, summary->alarm, sizeof entry->alarm);
    bool no_memory = false;
    entry->damaged = read_versions(reader, entry, &no_memory) != SEALRING_OK;
    if (no_memory)
        return error_no_memory(error);
    watch_file(roster, entry, summary, held);
    if (held)
        entry->lease_ms = summary->look.lease_ms;
    /* a verifier does not write to the copy at its file's path: only its lease counts, whatever the copy contains */
    if (copied || entry->damaged)
        entry->watched.file_there = false;
    return SEALRING_OK;
}

/* A file that cannot be read: of a known verifier, or, if a process holds it, of one that is not known yet. */
static sealring_status take_damaged(struct roster *roster, const char *path, sealring_error *error)
{
    uint8_t seat[REPORT_ID_SIZE];
    const char *slash = strrchr(path, '/');
    if (slash == NULL || !report_seat_parse(slash + 1, seat))
        return SEALRING_OK;
    struct roster_entry *entry = find_seat(roster, seat);
    bool held = report_path_is_held(path);
    if (entry == NULL && held)
        entry = find_entry(roster, seat);
    if (entry == NULL && held) {
        entry = make_entry(roster, seat);
        if (entry == NULL)
            return error_no_memory(error);
        memcpy(entry->row.seat, seat, sizeof seat);
        name_entry(entry);
    }
    if (entry == NULL) {
        roster->strange++;
        return SEALRING_OK;
    }
    entry->damaged = true;
    entry->watched.held = held;
    /* a file that this user may not open counts as held, and its process may have ended: then the kernel's list of locks decides */
    entry->lease_unknown = held && entry->lease_ms == 0 && lock_holder_is_listed(path);
    return SEALRING_OK;
}

/* A report of another vault, or under another name. The vault's ID in the registry may be what was changed, and the file's name proves no more. So
 * a process that holds the file counts as a verifier, and is waited for until it has certainly been silent. */
static sealring_status take_strange(struct roster *roster, const struct report_reader *reader,
                                    const struct report_summary *summary, const uint8_t seat[REPORT_ID_SIZE],
                                    sealring_error *error)
{
    bool own_place = memcmp(summary->seat, seat, REPORT_ID_SIZE) == 0;
    int64_t inode = report_read_inode(reader);
    uint8_t instance[WATCH_ID_SIZE] = {0};
    if (!report_read_is_held(reader)) {
        roster->strange++;
        return SEALRING_OK;
    }
    /* a copy may contain the instance of a verifier that has its own file: this one is identified by its inode */
    if (own_place)
        memcpy(instance, summary->instance, sizeof instance);
    else
        memcpy(instance, &inode, sizeof inode);
    struct roster_entry *entry = make_entry(roster, instance);
    if (entry == NULL)
        return error_no_memory(error);
    if (own_place)
        describe(entry, summary);
    else
        name_entry(entry);
    entry->lease_ms = summary->look.lease_ms;
    entry->lease_unknown = entry->lease_ms == 0;
    entry->damaged = true;
    entry->watched.held = true;
    return SEALRING_OK;
}

struct roster_reading {
    struct roster *roster;
    sealring_error *error;
};

static sealring_status read_file(const char *path, void *context)
{
    struct roster_reading *reading = context;
    struct roster *roster = reading->roster;
    struct report_reader *reader = NULL;
    struct report_summary summary;
    uint8_t seat[REPORT_ID_SIZE];
    sealring_error inner = {.message = ""};
    sealring_status status = report_read_open(path, &reader, &inner);
    if (status == SEALRING_OK)
        status = report_read_summary(reader, &summary, &inner);
    if (status != SEALRING_OK && error_is_exhaustion(&inner)) {
        /* the file is good: a verifier that serves must not be left out, nor counted as lost */
        if (reading->error != NULL)
            *reading->error = inner;
    } else if (status != SEALRING_OK)
        status = take_damaged(roster, path, reading->error);
    else if (!report_seat_parse(strrchr(path, '/') + 1, seat)) /* counted, not listed */
        roster->strange++;
    else if (memcmp(summary.vault_id, roster->vault.vault_id, sizeof summary.vault_id) != 0 ||
             memcmp(summary.seat, seat, sizeof seat) != 0)
        status = take_strange(roster, reader, &summary, seat, reading->error);
    else
        status = take_file(roster, reader, &summary, reading->error);
    report_read_close(reader);
    return status;
}

/* ---- all ---- */

static void forget_files(struct roster *roster)
{
    for (size_t i = 0; i < roster->count; i++) {
        roster->entries[i].watched = (struct watched){.file_there = false};
        roster->entries[i].damaged = false;
        roster->entries[i].changed = false;
        roster->entries[i].remembered = false;
        roster->entries[i].row_damaged = false;
        roster->entries[i].lease_unknown = false;
        memset(&roster->entries[i].written, 0, sizeof roster->entries[i].written);
    }
    roster->strange = 0;
}

/* A verifier that polled while the registry named a longer lease uses that lease until its next poll, whatever the registry contains by now. */
static void take_longest_lease(struct roster *roster)
{
    for (size_t i = 0; i < roster->count; i++) {
        const struct roster_entry *entry = &roster->entries[i];
        int64_t told = entry->lease_ms < WATCH_LEASE_MAX_MS ? entry->lease_ms : WATCH_LEASE_MAX_MS;
        if (entry->own.ended == 0 && told > roster->vault.lease_ms)
            roster->vault.lease_ms = told;
    }
}

sealring_status roster_read(struct registry *registry, const char *directory, struct roster *roster,
                            sealring_error *error)
{
    struct roster_reading reading = {roster, error};
    int problem = clock_boot_id(roster->boot_id);
    if (problem != 0)
        return error_set_system(error, problem, "%s, which identifies the present boot, cannot be read; mount /proc",
                                CLOCK_BOOT_ID_PATH);
    roster->directory = directory;
    roster->vault = *registry_vault_row(registry);
    forget_files(roster);
    sealring_status status = read_rows(roster, registry, error);
    if (status != SEALRING_OK)
        return status;
    status = report_each_path(directory, read_file, &reading, error);
    /* the clocks are read last: everything was read before that time */
    roster->boot_ms = clock_boot_ms();
    roster->now = clock_wall_ms();
    take_longest_lease(roster);
    return status == SEALRING_OK ? roster_judge(registry, roster, error) : status;
}
