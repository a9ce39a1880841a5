/* SPDX-License-Identifier: Apache-2.0 */
/* The records of a report: made under its lock, counted in without it. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "verifier/report/report_check.h"
#include "verifier/report/report_parts.h"

#define FULL_PAUSE_MS 1000 /* between two attempts to grow on a full disk: callers must not be delayed */
#define SECOND_MS     1000

static bool is_full_lately(const struct report *report)
{
    return report->full_boot_ms != 0 && clock_boot_ms() - report->full_boot_ms < FULL_PAUSE_MS;
}

/* Extends the mapping to `end` cells. */
static bool grow(struct report *report, uint32_t end)
{
    if (end <= report_map_room(report->map.mapped))
        return true;
    if (is_full_lately(report) || !report_has_descriptor(report))
        return false;
    size_t size = report->map.mapped + REPORT_GROWTH;
    if (size > report->map.reserved)
        size = report->map.reserved;
    report->full_boot_ms = report_map_extend(&report->map, report->descriptor, size) == 0 ? 0 : clock_boot_ms();
    return report->full_boot_ms == 0;
}

/* Returns zeroed cells after those in use, or NULL if there is no room below `limit`. A verifier that was killed may have written there. */
static void *begin_record(struct report *report, uint32_t cells, uint32_t limit)
{
    uint32_t next = atomic_load_explicit(&report_map_header(&report->map)->cells, memory_order_relaxed);
    if (next > limit || cells > limit - next || !grow(report, next + cells))
        return NULL;
    return memset(report_map_cell(&report->map, next), 0, (size_t)cells * REPORT_CELL_SIZE);
}

/* The record is complete: readers may see it, and the next one follows it. */
static void end_record(struct report *report, uint32_t cells, struct report_index *index)
{
    struct report_header *header = report_map_header(&report->map);
    uint32_t next = atomic_load_explicit(&header->cells, memory_order_relaxed);
    report_index_put(index, &report->map, next);
    atomic_store_explicit(&header->cells, next + cells, memory_order_release);
}

static struct report_version *make_version(struct report *report, int64_t ring, uint32_t number)
{
    const uint32_t cells = sizeof(struct report_version) / REPORT_CELL_SIZE;
    if (!report_index_make_room(&report->versions, &report->map))
        return NULL;
    struct report_version *record = begin_record(report, cells, report->cells_max);
    if (record == NULL)
        return NULL;
    record->number = number;
    record->ring = ring;
    atomic_store_explicit(&record->kind, REPORT_VERSION, memory_order_release);
    end_record(report, cells, &report->versions);
    return record;
}

struct report_version *report_version(struct report *report, int64_t ring, uint32_t number)
{
    struct report_name name = {.kind = REPORT_VERSION, .number = number, .row = ring};
    pthread_mutex_lock(&report->lock);
    struct report_version *record = report_index_find(&report->versions, &report->map, &name);
    if (record == NULL)
        record = make_version(report, ring, number);
    pthread_mutex_unlock(&report->lock);
    return record;
}

/* The table of an hour. Any other hour than the two known ones, later or (after a change of the clock) earlier, replaces the older. */
static struct report_index *index_of(struct report *report, uint32_t hour)
{
    struct report_hour *hours = report->hours;
    if (hours[0].hour == hour)
        return &hours[0].credentials;
    if (hours[1].hour == hour)
        return &hours[1].credentials;
    report_index_clear(&hours[1].credentials);
    hours[1] = hours[0];
    hours[0] = (struct report_hour){.hour = hour};
    return &hours[0].credentials;
}

static struct report_credential *make_credential(struct report *report, const struct report_name *name,
                                                 uint32_t version)
{
    struct report_index *index = index_of(report, name->hour);
    uint32_t limit = report->cells_max - REPORT_CELLS_FOR_VERSIONS;
    if (!report_index_make_room(index, &report->map))
        return NULL;
    bool reused = report->free.count > 0;
    uint32_t cell = reused ? report->free.cells[--report->free.count] : 0;
    struct report_credential *record = reused ? report_map_cell(&report->map, cell) : begin_record(report, 1, limit);
    if (record == NULL)
        return NULL;
    report_reuse_write(record, name->row, name->number, version, name->hour);
    if (reused)
        report_index_put(index, &report->map, cell);
    else
        end_record(report, 1, index);
    return record;
}

struct report_credential *report_credential(struct report *report, int64_t key, uint32_t serial, uint32_t version,
                                            uint32_t hour)
{
    struct report_name name = {.kind = REPORT_CREDENTIAL, .number = serial, .row = key, .hour = hour};
    pthread_mutex_lock(&report->lock);
    struct report_credential *record = report_index_find(index_of(report, hour), &report->map, &name);
    if (record == NULL)
        record = make_credential(report, &name, version);
    pthread_mutex_unlock(&report->lock);
    return record;
}

/* Wall time rounded up to the second. The store is rare, so it can afford a compare-and-exchange that never replaces a later time by an
 * earlier one. */
static void touch(_Atomic(int64_t) *last_use_ms, int64_t wall_ms)
{
    int64_t last = atomic_load_explicit(last_use_ms, memory_order_relaxed);
    if (wall_ms <= last)
        return;
    int64_t rounded = (wall_ms + SECOND_MS - 1) / SECOND_MS * SECOND_MS;
    while (last < rounded && !atomic_compare_exchange_weak_explicit(last_use_ms, &last, rounded, memory_order_relaxed,
                                                                    memory_order_relaxed))
        continue;
}

static _Atomic(uint32_t) *refusals(struct report_credential *record, sealring_verdict verdict)
{
    switch (verdict) {
    case SEALRING_REJECTED_NOT_YET_VALID:
        return &record->not_yet_valid;
    case SEALRING_REJECTED_EXPIRED:
        return &record->expired;
    case SEALRING_REJECTED_SUSPENDED:
        return &record->suspended;
    case SEALRING_REJECTED_SCOPE:
    case SEALRING_REJECTED_ADDRESS:
        return &record->scope;
    default:
        return &record->closed;
    }
}

void report_count(struct report_credential *credential, struct report_version *version, sealring_verdict verdict,
                  int64_t wall_ms)
{
    if (credential != NULL) {
        if (verdict == SEALRING_ACCEPTED)
            atomic_fetch_add_explicit(&credential->accepted, 1, memory_order_relaxed);
        else
            atomic_fetch_add_explicit(refusals(credential, verdict), 1, memory_order_relaxed);
        touch(&credential->last_use_ms, wall_ms);
    }
    if (version == NULL)
        return;
    if (credential == NULL)
        atomic_fetch_add_explicit(&version->uncached[verdict], 1, memory_order_relaxed);
    touch(&version->last_use_ms, wall_ms);
}

void report_touch_version(struct report_version *record, int64_t wall_ms)
{
    touch(&record->last_use_ms, wall_ms);
}

void report_count_without_detail(struct report *report)
{
    atomic_fetch_add_explicit(&report_map_header(&report->map)->without_detail, 1, memory_order_relaxed);
}

static bool enter(struct report *report, struct report_index *index, uint32_t cell)
{
    if (!report_index_make_room(index, &report->map))
        return false;
    report_index_put(index, &report->map, cell);
    return true;
}

void report_usage_clear(struct report *report)
{
    report_index_clear(&report->versions);
    report_index_clear(&report->hours[0].credentials);
    report_index_clear(&report->hours[1].credentials);
}

/* Returns the number of cells of the record at `cell`; 0: it is damaged, or could not be entered. */
static uint32_t enter_record(struct report *report, uint32_t cell, uint32_t end)
{
    const uint32_t version_cells = sizeof(struct report_version) / REPORT_CELL_SIZE;
    const struct report_credential *record = report_map_cell(&report->map, cell);
    uint32_t kind = atomic_load_explicit(&record->kind, memory_order_acquire);
    if (kind == REPORT_VERSION && version_cells <= end - cell && report_check_version((const void *)record))
        return enter(report, &report->versions, cell) ? version_cells : 0;
    if (kind == REPORT_FREE)
        return 1;
    /* a record with impossible counts is not continued */
    if (kind != REPORT_CREDENTIAL || !report_check_credential(record))
        return 0;
    if (record->hour == report->hours[0].hour && !enter(report, &report->hours[0].credentials, cell))
        return 0;
    return 1;
}

bool report_usage_enter(struct report *report, uint32_t hour)
{
    uint32_t end = atomic_load(&report_map_header(&report->map)->cells);
    report_usage_clear(report);
    report->hours[0].hour = hour;
    if (end > report_map_room(report->map.mapped))
        return false;
    for (uint32_t cell = 0; cell < end;) {
        uint32_t taken = enter_record(report, cell, end);
        if (taken == 0) {
            report_usage_clear(report);
            return false;
        }
        cell += taken;
    }
    return true;
}

void report_unprove(struct report *report)
{
    pthread_mutex_lock(&report->lock);
    report_usage_unprove(report);
    pthread_mutex_unlock(&report->lock);
}

void report_usage_unprove(struct report *report)
{
    for (uint32_t i = 0; i < report->versions.size; i++) {
        if (report->versions.slots[i] == 0)
            continue;
        struct report_version *version = report_map_cell(&report->map, report->versions.slots[i] - 1);
        atomic_store(&version->proved, 0);
    }
}
