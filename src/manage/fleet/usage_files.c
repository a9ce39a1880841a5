/* SPDX-License-Identifier: Apache-2.0 */
/* What the verifiers' report files contain about usage: one file's records for harvesting, or all files' records for a list. */
#include "manage/fleet/usage_files.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/error.h"
#include "verifier/report/report_check.h"
#include "verifier/report/report_seat.h"

/* ---- Records -------------------------------------------------------------------------------------------------------- */

void usage_records_free(struct usage_records *records)
{
    free(records->rows);
    *records = (struct usage_records){.rows = NULL};
}

static int compare(uint64_t one, uint64_t other)
{
    return (one > other) - (one < other);
}

static int by_name(const void *a, const void *b)
{
    const struct usage_record *one = a;
    const struct usage_record *other = b;
    int order = compare((uint64_t)one->use.key, (uint64_t)other->use.key);
    if (order == 0)
        order = compare(one->use.serial, other->use.serial);
    if (order == 0)
        order = compare(one->use.period, other->use.period);
    return order != 0 ? order : compare(one->file, other->file);
}

void usage_add(struct registry_usage *sum, const struct registry_usage *more)
{
    sum->accepted = report_sum(sum->accepted, more->accepted);
    for (unsigned i = 0; i < USAGE_VERDICTS; i++)
        sum->rejected[i] = report_sum(sum->rejected[i], more->rejected[i]);
    if (sum->last_use < more->last_use)
        sum->last_use = more->last_use;
}

void usage_records_merge(struct usage_records *records)
{
    size_t kept = 0;
    if (records->count == 0)
        return;
    qsort(records->rows, records->count, sizeof *records->rows, by_name);
    for (size_t i = 1; i < records->count; i++)
        if (by_name(&records->rows[kept], &records->rows[i]) == 0)
            usage_add(&records->rows[kept].use, &records->rows[i].use);
        else
            records->rows[++kept] = records->rows[i];
    records->count = kept + 1;
}

/* ---- One file ------------------------------------------------------------------------------------------------------- */

/* Only the vault's owner, root and the users of the verifier group may have written there: a file of anybody else is not a report. A file of root's is
 * from a command or server that root ran, beside the servers of the user that owns the directory. */
static sealring_status check_owner(const char *path, sealring_error *error)
{
    char directory[PATH_MAX + 1];
    struct stat file, place;
    snprintf(directory, sizeof directory, "%.*s", (int)(strrchr(path, '/') - path), path);
    if (lstat(path, &file) != 0 || stat(directory, &place) != 0)
        return error_set(error, SEALRING_SYSTEM, "%s is gone", path);
    if (!S_ISREG(file.st_mode))
        return error_set(error, SEALRING_SYSTEM, "%s is no file", path);
    if (!report_owner_counts(&file, &place))
        return error_set(
            error, SEALRING_SYSTEM,
            "%s belongs to uid %lu, neither root nor the owner of its directory: if a server of this vault "
            "wrote it, chown it to uid %lu",
            path, (unsigned long)file.st_uid, (unsigned long)place.st_uid);
    if ((file.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return error_set(error, SEALRING_SYSTEM, "%s can be written by others than its owner: chmod go-w it", path);
    return SEALRING_OK;
}

static sealring_status check_summary(const char *path, const uint8_t vault_id[REGISTRY_ID_SIZE],
                                     const struct report_summary *summary, sealring_error *error)
{
    static const uint8_t folded[REGISTRY_ID_SIZE]; /* in the place of a file in the rows of settled hours */
    uint8_t named[REGISTRY_ID_SIZE];
    if (memcmp(summary->seat, folded, sizeof folded) == 0)
        return error_set(error, SEALRING_SYSTEM, "%s is a report of no verifier", path);
    if (memcmp(summary->vault_id, vault_id, REGISTRY_ID_SIZE) != 0)
        return error_set(error, SEALRING_SYSTEM, "%s is a report of another vault", path);
    if (!report_seat_parse(strrchr(path, '/') + 1, named) || memcmp(named, summary->seat, sizeof named) != 0)
        return error_set(error, SEALRING_SYSTEM, "%s is a copy of another report", path);
    return SEALRING_OK;
}

/* The header is read after the hold, so that it is final if the verifier has ended; and before the records, so that the records of the hours that
 * it closes are complete. */
sealring_status usage_file_open(const char *path, const uint8_t vault_id[REGISTRY_ID_SIZE], bool hold,
                                struct usage_file *file, sealring_error *error)
{
    *file = (struct usage_file){.reader = NULL};
    sealring_status status = check_owner(path, error);
    if (status == SEALRING_OK)
        status = report_read_open(path, &file->reader, error);
    if (status == SEALRING_OK && hold)
        file->held = report_read_hold(file->reader);
    if (status == SEALRING_OK)
        status = report_read_summary(file->reader, &file->summary, error);
    if (status == SEALRING_OK)
        status = check_summary(path, vault_id, &file->summary, error);
    if (status != SEALRING_OK)
        usage_file_close(file);
    return status;
}

void usage_file_close(struct usage_file *file)
{
    report_read_close(file->reader);
    file->reader = NULL;
}

sealring_status usage_file_read_row(struct registry *registry, const struct usage_file *file,
                                    struct registry_usage_seat *row, bool *known, uint8_t era[REGISTRY_ID_SIZE],
                                    sealring_error *error)
{
    sealring_status status;
    struct registry_transaction reading = registry_reading(registry, error);
    do {
        *row = (struct registry_usage_seat){.settled_hour = 0};
        *known = false;
        if (!registry_begin(&reading, &status))
            continue;
        memcpy(era, registry_vault_row(registry)->era, REGISTRY_ID_SIZE);
        status = registry_usage_seat_find(registry, file->summary.seat, row, known, error);
    } while (registry_again(&reading, &status));
    memcpy(row->seat, file->summary.seat, sizeof row->seat);
    return status;
}

bool usage_file_is_finished(const struct usage_file *file, const struct registry_usage_seat *row)
{
    return row->is_finished && memcmp(row->finished, file->summary.instance, sizeof row->finished) == 0;
}

/* After a clock was set back by an hour or less, a verifier may still count for the next hour (verifier/fresh/usage_hours.h). */
static int64_t newest_hour(int64_t now)
{
    return now / USAGE_HOUR_MS + 1;
}

struct usage_collection {
    struct usage_records *records;
    uint32_t settled;
    int64_t newest; /* the newest possible hour */
    int64_t now;
    uint32_t index;
    const uint8_t *seat;
};

/* No use is later than the end of its hour, nor later than now, rounded up to the second as verifiers do. */
static int64_t possible_use(const struct report_credential *record, int64_t now)
{
    int64_t end = ((int64_t)record->hour + 1) * USAGE_HOUR_MS;
    int64_t limit = end < now + 1000 ? end : now + 1000;
    return record->last_use_ms < limit ? record->last_use_ms : limit;
}

static sealring_status collect(const struct report_credential *record, void *context)
{
    const struct usage_collection *collection = context;
    struct usage_records *records = collection->records;
    if (record->hour <= collection->settled)
        return SEALRING_OK;
    if (record->hour > collection->newest) {
        records->ahead++;
        return SEALRING_OK;
    }
    if (!array_grow(&records->rows, records->count))
        return SEALRING_SYSTEM;
    struct usage_record *row = &records->rows[records->count++];
    *row = (struct usage_record){
        .file = collection->index,
        .use = {.key = record->key,
                .serial = record->serial,
                .version = record->version,
                .period = record->hour,
                .last_use = possible_use(record, collection->now),
                .accepted = record->accepted,
                .rejected = {[USAGE_NOT_YET_VALID] = record->not_yet_valid,
                             [USAGE_EXPIRED] = record->expired,
                             [USAGE_SUSPENDED] = record->suspended,
                             [USAGE_SCOPE] = record->scope,
                             [USAGE_CLOSED] = record->closed}},
    };
    memcpy(row->use.seat, collection->seat, sizeof row->use.seat);
    return SEALRING_OK;
}

void usage_note_damage(sealring_manager *manager, const char *path, uint64_t damaged)
{
    char remark[PATH_MAX + 100];
    if (damaged == 0)
        return;
    snprintf(remark, sizeof remark, "%s has %llu damaged record%s: stop its server, and run `sealring doctor --repair`",
             path, (unsigned long long)damaged, damaged == 1 ? "" : "s");
    manager_note_gap(manager, remark);
}

sealring_status usage_file_read(const struct usage_file *file, uint32_t settled, int64_t now, uint32_t index,
                                struct usage_records *records, sealring_error *error)
{
    struct usage_collection collection = {records, settled, newest_hour(now), now, index, file->summary.seat};
    uint64_t damaged = 0;
    sealring_status status = report_read_each(file->reader, NULL, collect, &collection, &damaged);
    records->damaged += damaged;
    return status == SEALRING_OK ? status : error_set(error, status, "a verifier's report cannot be read");
}

/* ---- All files ------------------------------------------------------------------------------------------------------ */

struct usage_reading {
    sealring_manager *manager;
    struct usage_pending *pending;
    uint8_t vault_id[REGISTRY_ID_SIZE];
    int64_t now;
};

static sealring_status read_pending(struct usage_reading *reading, const struct usage_file *file)
{
    struct usage_pending *pending = reading->pending;
    struct registry_usage_seat row;
    bool known;
    uint8_t era[REGISTRY_ID_SIZE];
    sealring_status status = usage_file_read_row(reading->manager->registry, file, &row, &known, era, NULL);
    if (status != SEALRING_OK || usage_file_is_finished(file, &row))
        return status;
    status =
        usage_file_read(file, row.settled_hour, reading->now, (uint32_t)pending->file_count, &pending->records, NULL);
    if (status == SEALRING_OK && !array_grow(&pending->files, pending->file_count))
        status = error_no_memory(NULL);
    if (status == SEALRING_OK)
        pending->files[pending->file_count++] = row;
    return status;
}

/* A file that cannot be read is skipped and noted as a gap: then only the registry's rows count. A lack of this process's resources is no fault
 * of the file, and fails the call. */
static sealring_status read_path(const char *path, void *context)
{
    struct usage_reading *reading = context;
    struct usage_pending *pending = reading->pending;
    struct usage_file file;
    sealring_error reason = {.message = ""};
    sealring_status status = usage_file_open(path, reading->vault_id, false, &file, &reason);
    if (status != SEALRING_OK && error_is_exhaustion(&reason))
        return status;
    if (status != SEALRING_OK) {
        manager_note_gap(reading->manager, reason.message);
        return SEALRING_OK;
    }
    uint64_t damaged = pending->records.damaged;
    status = read_pending(reading, &file);
    usage_note_damage(reading->manager, path, pending->records.damaged - damaged);
    usage_file_close(&file);
    return status;
}

sealring_status usage_pending_read(sealring_manager *manager, int64_t now, struct usage_pending *pending,
                                   sealring_error *error)
{
    const char *directory = manager->config->verifiers;
    struct usage_reading reading = {.manager = manager, .pending = pending, .now = now};
    struct registry_vault vault;
    *pending = (struct usage_pending){.newest = newest_hour(now)};
    manager->gap.count = 0;
    sealring_status status = manager_read_vault(manager, &vault, error);
    if (status != SEALRING_OK)
        return status;
    memcpy(reading.vault_id, vault.vault_id, sizeof reading.vault_id);
    status = report_each_path(directory, read_path, &reading, error);
    if (status != SEALRING_OK) {
        usage_pending_free(pending);
        return error_set(error, status, "the verifiers' reports in %s cannot be read", directory);
    }
    usage_records_merge(&pending->records);
    return SEALRING_OK;
}

void usage_pending_free(struct usage_pending *pending)
{
    usage_records_free(&pending->records);
    free(pending->files);
    pending->files = NULL;
    pending->file_count = 0;
}

sealring_status usage_foresee(sealring_manager *manager, int64_t now, sealring_error *error)
{
    usage_foresee_end(manager);
    struct usage_pending *pending = calloc(1, sizeof *pending);
    if (pending == NULL)
        return error_no_memory(error);
    sealring_status status = usage_pending_read(manager, now, pending, error);
    if (status == SEALRING_OK)
        manager->pending = pending;
    else
        free(pending);
    return status;
}

void usage_foresee_end(sealring_manager *manager)
{
    if (manager->pending != NULL)
        usage_pending_free(manager->pending);
    free(manager->pending);
    manager->pending = NULL;
}

sealring_status usage_pending_settle(struct registry *registry, struct usage_pending *pending, sealring_error *error)
{
    bool found;
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && i < pending->file_count; i++) {
        struct registry_usage_seat row = pending->files[i];
        status = registry_usage_seat_find(registry, row.seat, &row, &found, error);
        if (status == SEALRING_OK)
            pending->files[i] = row;
    }
    return status;
}

bool usage_pending_covers(const struct usage_pending *pending, const uint8_t seat[REGISTRY_ID_SIZE], uint32_t hour)
{
    for (size_t i = 0; i < pending->file_count; i++)
        if (memcmp(pending->files[i].seat, seat, REGISTRY_ID_SIZE) == 0)
            return hour > pending->files[i].settled_hour && hour <= pending->newest;
    return false;
}

sealring_status usage_version_exists(struct registry *registry, int64_t ring, uint32_t version, bool *exists,
                                     sealring_error *error)
{
    struct registry_version row;
    return registry_version_find(registry, ring, version, &row, exists, error);
}

static int by_key(const void *key, const void *item)
{
    const int64_t *wanted = key;
    const struct usage_record *record = item;
    return compare((uint64_t)*wanted, (uint64_t)record->use.key);
}

const struct usage_record *usage_pending_of_key(const struct usage_pending *pending, int64_t key, size_t *count)
{
    const struct usage_records *records = &pending->records;
    size_t place = array_place(records->rows, records->count, sizeof *records->rows, &key, by_key);
    for (*count = 0; place + *count < records->count && records->rows[place + *count].use.key == key;)
        ++*count;
    return *count > 0 ? &records->rows[place] : NULL;
}

int64_t usage_pending_last_use(const struct usage_pending *pending, int64_t key)
{
    size_t count;
    const struct usage_record *records = usage_pending_of_key(pending, key, &count);
    int64_t last = 0;
    for (size_t i = 0; i < count; i++)
        last = records[i].use.last_use > last ? records[i].use.last_use : last;
    return last;
}
