/* SPDX-License-Identifier: Apache-2.0 */
/* Reuses cells of a report whose records were harvested: finds them, and writes new records while readers walk over the cells. */
#include "base/array.h"
#include "verifier/report/report_parts.h"

#define SLICE_CELLS 4096u /* per holding of the lock: bounds the time that a thread waits for a record */

/* Examines the record that begins at `cell`, and returns its number of cells. If there is no memory, the cell is left out until next
 * time. */
static uint32_t look_at(struct report *report, uint32_t cell, uint32_t hour)
{
    const struct report_credential *record = report_map_cell(&report->map, cell);
    uint32_t kind = atomic_load_explicit(&record->kind, memory_order_relaxed);
    if (kind == REPORT_VERSION)
        return sizeof(struct report_version) / REPORT_CELL_SIZE;
    if ((kind == REPORT_FREE || record->hour <= hour) && array_grow(&report->free.cells, report->free.count))
        report->free.cells[report->free.count++] = cell;
    return 1;
}

static void forget_indexes(struct report *report, uint32_t hour)
{
    for (unsigned i = 0; i < 2; i++)
        if (report->hours[i].hour <= hour)
            report_index_clear(&report->hours[i].credentials);
}

/* Examines each cell once: cells taken meanwhile are removed from the list, or not added to it. */
void report_reuse(struct report *report, uint32_t hour)
{
    uint32_t cell = 0;
    uint32_t end = atomic_load_explicit(&report_map_header(&report->map)->cells, memory_order_acquire);
    pthread_mutex_lock(&report->lock);
    forget_indexes(report, hour);
    report->free.count = 0;
    while (cell < end) {
        uint32_t stop = end - cell < SLICE_CELLS ? end : cell + SLICE_CELLS;
        while (cell < stop)
            cell += look_at(report, cell, hour);
        pthread_mutex_unlock(&report->lock);
        pthread_mutex_lock(&report->lock);
    }
    pthread_mutex_unlock(&report->lock);
}

/* Each store is a release, so no reader (in another process) sees a store before the stores that precede it here. */
void report_reuse_write(struct report_credential *record, int64_t key, uint32_t serial, uint32_t version, uint32_t hour)
{
    atomic_store(&record->kind, REPORT_FREE);
    __atomic_store_n(&record->key, key, __ATOMIC_RELEASE);
    __atomic_store_n(&record->serial, serial, __ATOMIC_RELEASE);
    __atomic_store_n(&record->version, version, __ATOMIC_RELEASE);
    atomic_store_explicit(&record->accepted, 0, memory_order_release);
    atomic_store_explicit(&record->last_use_ms, 0, memory_order_release);
    atomic_store_explicit(&record->not_yet_valid, 0, memory_order_release);
    atomic_store_explicit(&record->expired, 0, memory_order_release);
    atomic_store_explicit(&record->suspended, 0, memory_order_release);
    atomic_store_explicit(&record->scope, 0, memory_order_release);
    atomic_store_explicit(&record->closed, 0, memory_order_release);
    __atomic_store_n(&record->hour, hour, __ATOMIC_RELEASE);
    atomic_store_explicit(&record->kind, REPORT_CREDENTIAL, memory_order_release);
}
