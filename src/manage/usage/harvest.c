/* SPDX-License-Identifier: Apache-2.0 */
/* Harvesting: copies the verifiers' counts into the registry, file by file, exactly. */
#include "manage/usage/harvest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/struct_size.h"
#include "manage/act/act.h"
#include "verifier/report/report_check.h"
#include "verifier/report/report_seat.h"

#define BATCH_RECORDS 150 /* each changes its own row and perhaps its key's: with the file's row fewer than 500 */
#define BATCH_TRAFFIC 400
#define BATCH_SIFT    2000 /* reads only, for about 50 ms: a committed restriction waits no longer for vault.work */

/* After this time a file that is gone is forgotten: no row by the hour is older (sealring_policy.usage_hourly). */
#define FORGET_HOURS (401 * 24)

/* Why the result is exact, whatever happens in between:
 * - A row contains what one file contains about one credential in one hour, and is replaced by what the file contains later. So a harvest may be
 *   repeated, or be interrupted between two batches, and the next one corrects everything.
 * - An hour of a file is settled with the last batch, once no verifier can count in it any more: the verifier has closed it
 *   (verifier/fresh/usage_hours.h); or no verifier owns the file, none can take it meanwhile (the file is held), and none counts in that hour later (a
 *   verifier that takes the file begins after what is settled).
 * - What is settled is ignored from then on, so it may become part of a day, and its cell in the file may be used for another record.
 * - An hour is never settled before it has ended on this host's clock, so a clock that is ahead settles nothing by itself.
 * - Other processes may work between two batches. What is not settled may be written by any number of harvests in any order. So it suffices that
 *   the file's row is unchanged and that no registry was restored; otherwise the file is read again. */
enum judgement { RECORD_UNKNOWN, RECORD_SAME, RECORD_CHANGED };

struct harvest {
    sealring_manager *manager;
    int64_t now;
    sealring_harvest_result *result;
    sealring_error *error;
    uint8_t vault_id[REGISTRY_ID_SIZE];
    uint8_t (*seats)[REGISTRY_ID_SIZE]; /* of all existing files, read or not */
    size_t seat_count;

    /* The present file. */
    struct usage_file file;
    struct registry_usage_seat before; /* its row */
    struct registry_usage_seat after;
    struct registry_usage_seat present; /* its row as this harvest left it */
    uint8_t era[REGISTRY_ID_SIZE];
    bool known; /* it has a row */
    struct usage_records records;
    uint8_t judged[BATCH_SIFT]; /* of the batch's records */
    size_t changed;             /* records to be written, moved to the front by `take_judged` */
    uint64_t unknown;           /* records of no key or version of this registry */
    struct registry_traffic *traffic;
    size_t traffic_count;
    size_t at;        /* first of the batch */
    bool yielded;     /* others have settled hours of this file, or the era has changed: the file is read again */
    bool had_yielded; /* other processes may have worked, on any file */
};

/* ---- Before anything is written ------------------------------------------------------------------------------------- */

static sealring_status get_seat(struct registry *registry, void *context, sealring_error *error)
{
    struct harvest *harvest = context;
    harvest->before = (struct registry_usage_seat){.settled_hour = 0};
    memcpy(harvest->vault_id, registry_vault_row(registry)->vault_id, sizeof harvest->vault_id);
    memcpy(harvest->era, registry_vault_row(registry)->era, sizeof harvest->era);
    sealring_status status = registry_usage_seat_get(registry, harvest->file.seat, &harvest->before, error);
    harvest->known = status == SEALRING_OK;
    memcpy(harvest->before.seat, harvest->file.seat, sizeof harvest->before.seat);
    harvest->present = harvest->before;
    return status == SEALRING_NOT_FOUND ? SEALRING_OK : status;
}

static struct registry_traffic *find_traffic(struct harvest *harvest, const struct usage_record *record)
{
    for (size_t i = harvest->traffic_count; i-- > 0;) {
        struct registry_traffic *traffic = &harvest->traffic[i];
        if (traffic->hour == record->hour && traffic->version == record->version && traffic->ring == record->ring)
            return traffic;
    }
    return NULL;
}

/* *made stays NULL if there is no such version. */
static sealring_status make_traffic(struct registry *registry, struct harvest *harvest,
                                    const struct usage_record *record, struct registry_traffic **made,
                                    sealring_error *error)
{
    bool exists = false;
    *made = NULL;
    sealring_status status = usage_version_exists(registry, record->ring, record->version, &exists, error);
    if (status != SEALRING_OK || !exists)
        return status;
    struct registry_traffic *more = realloc(harvest->traffic, (harvest->traffic_count + 1) * sizeof *more);
    if (more == NULL)
        return error_no_memory(error);
    harvest->traffic = more;
    *made = &more[harvest->traffic_count++];
    **made = (struct registry_traffic){.ring = record->ring, .version = record->version, .hour = record->hour};
    memcpy((*made)->seat, harvest->file.seat, sizeof(*made)->seat);
    return SEALRING_OK;
}

/* Finds the key's ring and the version's traffic; *good: both exist. */
static sealring_status place(struct registry *registry, struct harvest *harvest, struct usage_record *record,
                             bool *good, sealring_error *error)
{
    int64_t used = 0;
    *good = false;
    sealring_status status = registry_usage_owner(registry, record->key, &record->ring, &used, error);
    if (status != SEALRING_OK)
        return status == SEALRING_NOT_FOUND ? SEALRING_OK : status;
    struct registry_traffic *traffic = find_traffic(harvest, record);
    if (traffic == NULL)
        status = make_traffic(registry, harvest, record, &traffic, error);
    if (status != SEALRING_OK || traffic == NULL)
        return status;
    *good = true;
    return SEALRING_OK;
}

static struct registry_usage row_of(const struct harvest *harvest, const struct usage_record *record)
{
    struct registry_usage usage = {
        .key = record->key,
        .serial = record->serial,
        .version = record->version,
        .ring = record->ring,
        .period = record->hour,
        .accepted = record->accepted,
        .last_use = record->last_use,
    };
    memcpy(usage.seat, harvest->file.seat, sizeof usage.seat);
    memcpy(usage.rejected, record->rejected, sizeof usage.rejected);
    return usage;
}

static size_t batch_end(size_t at, size_t count, size_t most)
{
    return count - at < most ? count : at + most;
}

/* Determines which records of the batch must be written: a writing transaction costs a flush even if it changes nothing. */
static sealring_status judge_batch(struct registry *registry, void *context, sealring_error *error)
{
    struct harvest *harvest = context;
    size_t end = batch_end(harvest->at, harvest->records.count, BATCH_SIFT);
    sealring_status status = SEALRING_OK;
    for (size_t i = harvest->at; i < end && status == SEALRING_OK; i++) {
        bool good = false, same = false;
        status = place(registry, harvest, &harvest->records.rows[i], &good, error);
        struct registry_usage usage = row_of(harvest, &harvest->records.rows[i]);
        if (status == SEALRING_OK && good)
            status = registry_usage_same(registry, &usage, &same, error);
        harvest->judged[i - harvest->at] = !good ? RECORD_UNKNOWN : same ? RECORD_SAME : RECORD_CHANGED;
    }
    return status;
}

/* Runs outside the transaction, which may be repeated. */
static void take_judged(struct harvest *harvest)
{
    size_t end = batch_end(harvest->at, harvest->records.count, BATCH_SIFT);
    for (size_t i = harvest->at; i < end; i++) {
        struct usage_record record = harvest->records.rows[i];
        struct registry_traffic *traffic = find_traffic(harvest, &record);
        if (harvest->judged[i - harvest->at] == RECORD_UNKNOWN || traffic == NULL) {
            harvest->unknown++;
            continue;
        }
        traffic->accepted = report_sum(traffic->accepted, record.accepted);
        for (unsigned v = 0; v < USAGE_VERDICTS; v++)
            traffic->rejected = report_sum(traffic->rejected, record.rejected[v]);
        if (harvest->judged[i - harvest->at] == RECORD_CHANGED) {
            harvest->records.rows[i] = harvest->records.rows[harvest->changed];
            harvest->records.rows[harvest->changed++] = record;
        }
    }
}

/* ---- Between two batches -------------------------------------------------------------------------------------------- */

static bool same_seat(const struct registry_usage_seat *one, const struct registry_usage_seat *other)
{
    return one->settled_hour == other->settled_hour && one->is_finished == other->is_finished &&
           (!one->is_finished || memcmp(one->finished, other->finished, sizeof one->finished) == 0);
}

static sealring_status look_again(struct registry *registry, void *context, sealring_error *error)
{
    struct harvest *harvest = context;
    struct registry_usage_seat row = {.settled_hour = 0};
    sealring_status status = registry_usage_seat_get(registry, harvest->file.seat, &row, error);
    if (status != SEALRING_OK && status != SEALRING_NOT_FOUND)
        return status;
    harvest->yielded = !same_seat(&row, &harvest->present) ||
                       memcmp(registry_vault_row(registry)->era, harvest->era, sizeof harvest->era) != 0;
    return SEALRING_OK;
}

/* Yields to restrictions. */
static sealring_status give_way(struct harvest *harvest)
{
    bool yielded = false;
    sealring_status status = manager_yield(harvest->manager, &yielded, harvest->error);
    if (status != SEALRING_OK || !yielded)
        return status;
    harvest->had_yielded = true;
    return manager_read(harvest->manager, look_again, harvest, harvest->error);
}

/* Keeps the records that must be written, and sums up all of them for the traffic. */
static sealring_status sift(struct harvest *harvest)
{
    sealring_status status = SEALRING_OK;
    harvest->traffic_count = 0;
    harvest->changed = 0;
    for (harvest->at = 0; harvest->at < harvest->records.count && status == SEALRING_OK && !harvest->yielded;
         harvest->at += BATCH_SIFT) {
        status = manager_read(harvest->manager, judge_batch, harvest, harvest->error);
        if (status == SEALRING_OK) {
            take_judged(harvest);
            status = give_way(harvest);
        }
    }
    return status;
}

/* ---- Writing -------------------------------------------------------------------------------------------------------- */

static sealring_status put_traffic(struct registry *registry, void *context, sealring_error *error)
{
    const struct harvest *harvest = context;
    size_t end = batch_end(harvest->at, harvest->traffic_count, BATCH_TRAFFIC);
    sealring_status status = SEALRING_OK;
    /* only rows of known files are rolled up */
    if (harvest->at == 0 && !harvest->known)
        status = registry_usage_seat_put(registry, &harvest->before, error);
    for (size_t i = harvest->at; i < end && status == SEALRING_OK; i++)
        status = registry_traffic_put(registry, &harvest->traffic[i], error);
    return status;
}

static sealring_status put_records(struct registry *registry, void *context, sealring_error *error)
{
    struct harvest *harvest = context;
    size_t end = batch_end(harvest->at, harvest->changed, BATCH_RECORDS);
    sealring_status status = SEALRING_OK;
    for (size_t i = harvest->at; i < end && status == SEALRING_OK; i++) {
        struct registry_usage usage = row_of(harvest, &harvest->records.rows[i]);
        status = registry_usage_put(registry, &usage, error);
    }
    if (status == SEALRING_OK && end == harvest->changed && !same_seat(&harvest->before, &harvest->after)) {
        status = registry_usage_seat_put(registry, &harvest->after, error);
        harvest->present = harvest->after;
    }
    return status;
}

/* One commit. */
static sealring_status put_batch(struct harvest *harvest, registry_body body)
{
    sealring_status status = manager_write(harvest->manager, false, NULL, body, harvest, harvest->error);
    return status == SEALRING_OK ? give_way(harvest) : status;
}

/* Writes the traffic first: as long as records remain to be written, the next harvest writes it again. */
static sealring_status write_down(struct harvest *harvest)
{
    sealring_status status = SEALRING_OK;
    size_t traffic = harvest->changed > 0 ? harvest->traffic_count : 0;
    for (harvest->at = 0; harvest->at < traffic && status == SEALRING_OK && !harvest->yielded;
         harvest->at += BATCH_TRAFFIC)
        status = put_batch(harvest, put_traffic);
    bool seat_moves = !same_seat(&harvest->before, &harvest->after);
    harvest->at = 0;
    while (status == SEALRING_OK && !harvest->yielded && (harvest->at < harvest->changed || seat_moves)) {
        status = put_batch(harvest, put_records);
        harvest->at = batch_end(harvest->at, harvest->changed, BATCH_RECORDS);
        seat_moves = seat_moves && harvest->at < harvest->changed;
    }
    return status;
}

/* ---- One file ------------------------------------------------------------------------------------------------------- */

/* Determines which hours are final, and whether the file need not be read again. */
static void conclude(struct harvest *harvest)
{
    const struct usage_records *records = &harvest->records;
    int64_t past = harvest->now / USAGE_HOUR_MS - 1;
    int64_t final = harvest->file.held || past < harvest->file.closed_hour ? past : harvest->file.closed_hour;
    harvest->after = harvest->before;
    if (final > harvest->before.settled_hour)
        harvest->after.settled_hour = (uint32_t) final;
    bool all = records->ahead == 0 && records->damaged == 0; /* damaged records must be found again */
    for (size_t i = 0; i < records->count; i++)
        all = all && records->rows[i].hour <= harvest->after.settled_hour;
    harvest->after.is_finished = harvest->file.held && all;
    if (harvest->after.is_finished)
        memcpy(harvest->after.finished, harvest->file.instance, sizeof harvest->after.finished);
}

static bool is_finished(const struct harvest *harvest)
{
    return harvest->file.held && harvest->before.is_finished &&
           memcmp(harvest->before.finished, harvest->file.instance, sizeof harvest->file.instance) == 0;
}

/* Counts what one pass read; for a file that is read again, only the last pass counts. */
static void count_pass(struct harvest *harvest)
{
    sealring_harvest_result *result = harvest->result;
    result->records += harvest->records.count;
    result->passed_over += harvest->records.damaged + harvest->unknown;
    result->ahead += harvest->records.ahead;
}

static sealring_status harvest_pass(struct harvest *harvest)
{
    struct usage_records *records = &harvest->records;
    harvest->yielded = false;
    harvest->unknown = 0;
    records->count = 0;
    records->damaged = 0;
    records->ahead = 0;
    sealring_status status = manager_read(harvest->manager, get_seat, harvest, harvest->error);
    if (status != SEALRING_OK || is_finished(harvest))
        return status;
    status = usage_file_read(&harvest->file, harvest->before.settled_hour, harvest->now, 0, records, harvest->error);
    if (status != SEALRING_OK)
        return status;
    usage_records_merge(records);
    conclude(harvest);
    status = sift(harvest);
    if (status != SEALRING_OK || harvest->yielded)
        return status;
    harvest->result->changed += harvest->changed;
    return write_down(harvest);
}

static sealring_status harvest_file(struct harvest *harvest)
{
    sealring_status status;
    harvest->result->files++;
    harvest->result->without_detail = report_sum(harvest->result->without_detail, harvest->file.without_detail);
    do
        status = harvest_pass(harvest);
    while (status == SEALRING_OK && harvest->yielded);
    count_pass(harvest);
    return status;
}

static sealring_status note_seat(struct harvest *harvest, const char *path)
{
    uint8_t(*more)[REGISTRY_ID_SIZE] = realloc(harvest->seats, (harvest->seat_count + 1) * sizeof *more);
    if (more == NULL)
        return error_no_memory(harvest->error);
    harvest->seats = more;
    if (report_seat_parse(strrchr(path, '/') + 1, more[harvest->seat_count]))
        harvest->seat_count++;
    return SEALRING_OK;
}

static void note_skipped(struct harvest *harvest, const sealring_error *reason)
{
    sealring_harvest_result *result = harvest->result;
    manager_note_gap(harvest->manager, reason->message);
    if (result->skipped++ == 0)
        snprintf(result->remark, sizeof result->remark, "%.*s", (int)sizeof result->remark - 1, reason->message);
}

static sealring_status harvest_path(const char *path, void *context)
{
    struct harvest *harvest = context;
    sealring_error reason = {.message = ""};
    sealring_status status = note_seat(harvest, path);
    if (status != SEALRING_OK)
        return status;
    if (usage_file_open(path, harvest->vault_id, true, &harvest->file, &reason) != SEALRING_OK) {
        note_skipped(harvest, &reason);
        return SEALRING_OK;
    }
    status = harvest_file(harvest);
    usage_note_damage(harvest->manager, path, harvest->records.damaged);
    usage_file_close(&harvest->file);
    return status;
}

/* ---- Files that are gone -------------------------------------------------------------------------------------------- */

#define GONE_MOST 400

struct gone {
    const struct harvest *harvest;
    struct registry_usage_seat rows[GONE_MOST];
    unsigned count;
};

static bool is_there(const struct harvest *harvest, const uint8_t seat[REGISTRY_ID_SIZE])
{
    for (size_t i = 0; i < harvest->seat_count; i++)
        if (memcmp(harvest->seats[i], seat, REGISTRY_ID_SIZE) == 0)
            return true;
    return false;
}

/* Whether the row is marked as that of a file that is gone: finished, by an instance that is all zero. */
static bool is_put_away(const struct registry_usage_seat *row)
{
    static const uint8_t nobody[REGISTRY_ID_SIZE];
    return row->is_finished && memcmp(row->finished, nobody, sizeof nobody) == 0;
}

static sealring_status collect_gone(const struct registry_usage_seat *row, void *context, sealring_error *error)
{
    struct gone *gone = context;
    int64_t hour = gone->harvest->now / USAGE_HOUR_MS;
    (void)error;
    if (gone->count < GONE_MOST && !is_there(gone->harvest, row->seat) &&
        (!is_put_away(row) || (int64_t)row->settled_hour + FORGET_HOURS < hour))
        gone->rows[gone->count++] = *row;
    return SEALRING_OK;
}

static sealring_status find_gone(struct registry *registry, void *context, sealring_error *error)
{
    struct gone *gone = context;
    gone->count = 0;
    return registry_usage_seat_each(registry, collect_gone, gone, error);
}

static sealring_status put_away(struct registry *registry, void *context, sealring_error *error)
{
    const struct gone *gone = context;
    int64_t past = gone->harvest->now / USAGE_HOUR_MS - 1;
    sealring_status status = SEALRING_OK;
    for (unsigned i = 0; i < gone->count && status == SEALRING_OK; i++) {
        struct registry_usage_seat row = gone->rows[i];
        if (is_put_away(&row)) {
            status = registry_usage_seat_delete(registry, row.seat, error);
            continue;
        }
        row.is_finished = true;
        memset(row.finished, 0, sizeof row.finished);
        if (row.settled_hour < past)
            row.settled_hour = (uint32_t)past;
        status = registry_usage_seat_put(registry, &row, error);
    }
    return status;
}

static sealring_status note_path(const char *path, void *context)
{
    return note_seat(context, path);
}

/* Nothing more is counted in their hours, so these may be rolled up. Files that were made while the harvest yielded must not be treated as gone:
 * the existing files are listed again then. */
static sealring_status settle_gone(struct harvest *harvest, const char *directory)
{
    if (harvest->had_yielded) {
        harvest->seat_count = 0;
        sealring_status listed = report_each_path(directory, note_path, harvest, harvest->error);
        if (listed != SEALRING_OK)
            return listed;
    }
    struct gone *gone = malloc(sizeof *gone);
    if (gone == NULL)
        return error_no_memory(harvest->error);
    gone->harvest = harvest;
    gone->count = 0;
    sealring_status status = manager_read(harvest->manager, find_gone, gone, harvest->error);
    if (status == SEALRING_OK && gone->count > 0)
        status = manager_write(harvest->manager, false, NULL, put_away, gone, harvest->error);
    free(gone);
    return status;
}

/* ---- All ------------------------------------------------------------------------------------------------------------ */

static sealring_status harvest_files(struct harvest *harvest)
{
    char directory[USAGE_DIRECTORY_SIZE];
    sealring_error *error = harvest->error;
    usage_directory(harvest->manager, directory);
    sealring_status status = manager_read(harvest->manager, get_seat, harvest, error); /* for the vault's ID */
    if (status == SEALRING_OK)
        status = report_each_path(directory, harvest_path, harvest, error);
    return status == SEALRING_OK ? settle_gone(harvest, directory) : status;
}

sealring_status harvest_all(sealring_manager *manager, int64_t now, sealring_harvest_result *result,
                            sealring_error *error)
{
    struct harvest harvest = {.manager = manager, .now = now, .result = result, .error = error};
    *result = (sealring_harvest_result){.size = result->size};
    manager->gap.count = 0;
    sealring_status status = harvest_files(&harvest);
    usage_records_free(&harvest.records);
    free(harvest.traffic);
    free(harvest.seats);
    return status == SEALRING_OK ? harvest_age(manager, now, result, error) : status;
}

sealring_status sealring_harvest(sealring_manager *manager, sealring_harvest_result *result, sealring_error *error)
{
    sealring_harvest_result whole = {.size = sizeof whole};
    sealring_status status = manager_begin_dated(manager, "harvest", false, error);
    if (status != SEALRING_OK)
        return status;
    status = harvest_all(manager, clock_wall_ms(), &whole, error);
    manager_end(manager);
    sized_give(result, &whole, sizeof whole);
    return status;
}
