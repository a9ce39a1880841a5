/* SPDX-License-Identifier: Apache-2.0 */
/* Harvests one report file: finds out what is new in it, and copies that into the registry, batch by batch. */
#include "manage/usage/harvest.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "manage/act/act.h"
#include "verifier/report/report_check.h"

#define BATCH_RECORDS 150 /* each changes its own row and perhaps its key's: with the file's row fewer than 500 */
#define BATCH_TRAFFIC 400
#define BATCH_SIFT    2000 /* reads only, for about 50 ms: a committed restriction waits no longer for vault.work */

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

struct harvesting {
    sealring_manager *manager;
    int64_t now;
    sealring_harvest_result *result;
    const struct usage_file *file;
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
    bool outdated; /* others have settled hours of this file, or the era has changed: the file is read again */
    bool yielded;  /* other processes may have worked, on any file */
};

/* ---- Before anything is written ------------------------------------------------------------------------------------- */

static struct registry_traffic *find_traffic(struct harvesting *harvest, const struct registry_usage *use)
{
    for (size_t i = harvest->traffic_count; i-- > 0;) {
        struct registry_traffic *traffic = &harvest->traffic[i];
        if (traffic->hour == use->period && traffic->version == use->version && traffic->ring == use->ring)
            return traffic;
    }
    return NULL;
}

static sealring_status add_traffic(struct harvesting *harvest, const struct registry_usage *use, sealring_error *error)
{
    if (!array_grow(&harvest->traffic, harvest->traffic_count))
        return error_no_memory(error);
    struct registry_traffic *made = &harvest->traffic[harvest->traffic_count++];
    *made = (struct registry_traffic){.ring = use->ring, .version = use->version, .hour = use->period};
    memcpy(made->seat, use->seat, sizeof made->seat);
    return SEALRING_OK;
}

/* Finds the key's ring and the version's traffic; *good: both exist. */
static sealring_status place(struct harvesting *harvest, struct registry_usage *use, bool *good, sealring_error *error)
{
    struct registry_usage_owner owner = {.ring = 0};
    struct registry *registry = harvest->manager->registry;
    sealring_status status = registry_usage_find_owner(registry, use->key, &owner, good, error);
    use->ring = owner.ring;
    if (status != SEALRING_OK || !*good || find_traffic(harvest, use) != NULL)
        return status;
    status = usage_version_exists(registry, use->ring, use->version, good, error);
    return status == SEALRING_OK && *good ? add_traffic(harvest, use, error) : status;
}

static size_t batch_end(size_t at, size_t count, size_t most)
{
    return count - at < most ? count : at + most;
}

/* Determines which records of the batch must be written: a writing transaction costs a flush even if it changes nothing. */
static sealring_status judge_batch(struct harvesting *harvest, size_t at, size_t end, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    for (size_t i = at; i < end && status == SEALRING_OK; i++) {
        bool good = false, same = false;
        struct registry_usage *use = &harvest->records.rows[i].use;
        status = place(harvest, use, &good, error);
        if (status == SEALRING_OK && good)
            status = registry_usage_same(harvest->manager->registry, use, &same, error);
        harvest->judged[i - at] = !good ? RECORD_UNKNOWN : same ? RECORD_SAME : RECORD_CHANGED;
    }
    return status;
}

/* Runs outside the transaction, which may be repeated. */
static void take_judged(struct harvesting *harvest, size_t at, size_t end)
{
    for (size_t i = at; i < end; i++) {
        struct usage_record record = harvest->records.rows[i];
        struct registry_traffic *traffic = find_traffic(harvest, &record.use);
        if (harvest->judged[i - at] == RECORD_UNKNOWN || traffic == NULL) {
            harvest->unknown++;
            continue;
        }
        traffic->accepted = report_sum(traffic->accepted, record.use.accepted);
        for (unsigned v = 0; v < USAGE_VERDICTS; v++)
            traffic->rejected = report_sum(traffic->rejected, record.use.rejected[v]);
        if (harvest->judged[i - at] == RECORD_CHANGED) {
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

/* Yields to restrictions. */
static sealring_status give_way(struct harvesting *harvest, sealring_error *error)
{
    bool yielded = false, known = false;
    struct registry_usage_seat row;
    uint8_t era[REGISTRY_ID_SIZE];
    sealring_status status = manager_yield(harvest->manager, &yielded, error);
    if (status != SEALRING_OK || !yielded)
        return status;
    harvest->yielded = true;
    status = usage_file_read_row(harvest->manager->registry, harvest->file, &row, &known, era, error);
    if (status != SEALRING_OK)
        return status;
    harvest->outdated = !same_seat(&row, &harvest->present) || memcmp(era, harvest->era, sizeof era) != 0;
    return SEALRING_OK;
}

/* Keeps the records that must be written, and sums up all of them for the traffic. */
static sealring_status sift(struct harvesting *harvest, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    size_t end;
    harvest->traffic_count = 0;
    harvest->changed = 0;
    for (size_t at = 0; at < harvest->records.count && status == SEALRING_OK && !harvest->outdated; at = end) {
        end = batch_end(at, harvest->records.count, BATCH_SIFT);
        struct registry_transaction reading = registry_reading(harvest->manager->registry, error);
        do {
            if (registry_begin(&reading, &status))
                status = judge_batch(harvest, at, end, error);
        } while (registry_again(&reading, &status));
        if (status != SEALRING_OK)
            return status;
        take_judged(harvest, at, end);
        status = give_way(harvest, error);
    }
    return status;
}

/* ---- Writing -------------------------------------------------------------------------------------------------------- */

static sealring_status put_traffic(const struct harvesting *harvest, size_t at, size_t end, sealring_error *error)
{
    struct registry *registry = harvest->manager->registry;
    sealring_status status = SEALRING_OK;
    /* only rows of known files are rolled up */
    if (at == 0 && !harvest->known)
        status = registry_usage_seat_put(registry, &harvest->before, error);
    for (size_t i = at; i < end && status == SEALRING_OK; i++)
        status = registry_traffic_put(registry, &harvest->traffic[i], error);
    return status;
}

static sealring_status put_records(struct harvesting *harvest, size_t at, size_t end, sealring_error *error)
{
    struct registry *registry = harvest->manager->registry;
    sealring_status status = SEALRING_OK;
    unsigned folded;
    for (size_t i = at; i < end && status == SEALRING_OK; i++)
        status = registry_usage_put(registry, &harvest->records.rows[i].use, error);
    if (status == SEALRING_OK && end == harvest->changed && !same_seat(&harvest->before, &harvest->after)) {
        status = registry_usage_seat_put(registry, &harvest->after, error);
        harvest->present = harvest->after;
        if (status == SEALRING_OK) /* what is settled now; harvest_age folds the rest */
            status = registry_usage_fold(registry, BATCH_RECORDS - (unsigned)(end - at), &folded, error);
    }
    return status;
}

/* One commit, of traffic or of records. */
static sealring_status put_batch(struct harvesting *harvest, bool traffic, size_t at, size_t end, sealring_error *error)
{
    sealring_status status;
    struct commit commit = manager_commit(harvest->manager, false, NULL, error);
    do {
        if (commit_begin(&commit, &status))
            status = traffic ? put_traffic(harvest, at, end, error) : put_records(harvest, at, end, error);
    } while (commit_again(&commit, &status));
    return status == SEALRING_OK ? give_way(harvest, error) : status;
}

/* Writes the traffic first: as long as records remain to be written, the next harvest writes it again. */
static sealring_status write_down(struct harvesting *harvest, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    size_t end;
    size_t traffic = harvest->changed > 0 ? harvest->traffic_count : 0;
    for (size_t at = 0; at < traffic && status == SEALRING_OK && !harvest->outdated; at = end) {
        end = batch_end(at, traffic, BATCH_TRAFFIC);
        status = put_batch(harvest, true, at, end, error);
    }
    bool seat_moves = !same_seat(&harvest->before, &harvest->after);
    for (size_t at = 0; status == SEALRING_OK && !harvest->outdated && (at < harvest->changed || seat_moves);
         at = end) {
        end = batch_end(at, harvest->changed, BATCH_RECORDS);
        status = put_batch(harvest, false, at, end, error);
        seat_moves = seat_moves && end < harvest->changed;
    }
    return status;
}

/* ---- One file ------------------------------------------------------------------------------------------------------- */

/* Determines which hours are final, and whether the file need not be read again. */
static void conclude(struct harvesting *harvest)
{
    const struct usage_records *records = &harvest->records;
    const struct usage_file *file = harvest->file;
    int64_t past = harvest->now / USAGE_HOUR_MS - 1;
    int64_t final = file->held || past < file->summary.closed_hour ? past : file->summary.closed_hour;
    harvest->after = harvest->before;
    if (final > harvest->before.settled_hour)
        harvest->after.settled_hour = (uint32_t) final;
    bool all = records->ahead == 0 && records->damaged == 0; /* damaged records must be found again */
    for (size_t i = 0; i < records->count; i++)
        all = all && records->rows[i].use.period <= harvest->after.settled_hour;
    harvest->after.is_finished = file->held && all;
    if (harvest->after.is_finished)
        memcpy(harvest->after.finished, file->summary.instance, sizeof harvest->after.finished);
}

static sealring_status harvest_pass(struct harvesting *harvest, sealring_error *error)
{
    struct usage_records *records = &harvest->records;
    harvest->outdated = false;
    harvest->unknown = 0;
    records->count = 0;
    records->damaged = 0;
    records->ahead = 0;
    sealring_status status = usage_file_read_row(harvest->manager->registry, harvest->file, &harvest->before,
                                                 &harvest->known, harvest->era, error);
    harvest->present = harvest->before;
    if (status != SEALRING_OK || (harvest->file->held && usage_file_is_finished(harvest->file, &harvest->before)))
        return status;
    status = usage_file_read(harvest->file, harvest->before.settled_hour, harvest->now, 0, records, error);
    if (status != SEALRING_OK)
        return status;
    usage_records_merge(records);
    conclude(harvest);
    status = sift(harvest, error);
    if (status != SEALRING_OK || harvest->outdated)
        return status;
    harvest->result->changed += harvest->changed;
    return write_down(harvest, error);
}

sealring_status harvest_file(sealring_manager *manager, int64_t now, const struct usage_file *file,
                             sealring_harvest_result *result, uint64_t *damaged, bool *yielded, sealring_error *error)
{
    struct harvesting harvest = {.manager = manager, .now = now, .result = result, .file = file};
    sealring_status status;
    do
        status = harvest_pass(&harvest, error);
    while (status == SEALRING_OK && harvest.outdated);
    /* what one pass read; for a file that was read again, only the last pass counts */
    result->files++;
    result->without_detail = report_sum(result->without_detail, file->summary.without_detail);
    result->records += harvest.records.count;
    result->passed_over += harvest.records.damaged + harvest.unknown;
    result->ahead += harvest.records.ahead;
    *damaged = harvest.records.damaged;
    *yielded = *yielded || harvest.yielded;
    usage_records_free(&harvest.records);
    free(harvest.traffic);
    return status;
}
