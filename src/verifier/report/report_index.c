/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing over cell numbers. The keys are in the report's own records. */
#include "verifier/report/report_index.h"

#include <stdlib.h>

#define SIZE_FIRST 64

/* Only the holder of the lock reads the kind, and a holder wrote it. */
static struct report_name name_of(const void *record)
{
    const struct report_version *version = record;
    const struct report_credential *credential = record;
    if (atomic_load_explicit(&version->kind, memory_order_relaxed) == REPORT_VERSION)
        return (struct report_name){.kind = REPORT_VERSION, .number = version->number, .row = version->ring};
    return (struct report_name){
        .kind = REPORT_CREDENTIAL, .number = credential->serial, .row = credential->key, .hour = credential->hour};
}

static bool same(const struct report_name *a, const struct report_name *b)
{
    return a->kind == b->kind && a->number == b->number && a->row == b->row && a->hour == b->hour;
}

/* Rows and serials count up. Multiplication by 2^64 over the golden ratio spreads them evenly in the upper bits (Knuth, The Art of
 * Computer Programming, volume 3, section 6.4). */
static uint32_t slot_of(const struct report_index *index, const struct report_name *name)
{
    const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = ((uint64_t)name->row * golden ^ name->number) * golden;
    return (uint32_t)(hash >> 32) & (index->size - 1);
}

void *report_index_find(const struct report_index *index, const struct report_map *map, const struct report_name *name)
{
    if (index->size == 0)
        return NULL;
    for (uint32_t i = slot_of(index, name); index->slots[i] != 0; i = (i + 1) & (index->size - 1)) {
        void *record = report_map_cell(map, index->slots[i] - 1);
        struct report_name found = name_of(record);
        if (same(&found, name))
            return record;
    }
    return NULL;
}

void report_index_put(struct report_index *index, const struct report_map *map, uint32_t cell)
{
    struct report_name name = name_of(report_map_cell(map, cell));
    uint32_t i = slot_of(index, &name);
    while (index->slots[i] != 0)
        i = (i + 1) & (index->size - 1);
    index->slots[i] = cell + 1;
    index->used++;
}

bool report_index_make_room(struct report_index *index, const struct report_map *map)
{
    if (index->used < index->size / 4 * 3)
        return true;
    struct report_index larger = {.size = index->size == 0 ? SIZE_FIRST : index->size * 2};
    larger.slots = calloc(larger.size, sizeof *larger.slots);
    if (larger.slots == NULL)
        return false;
    for (uint32_t i = 0; i < index->size; i++)
        if (index->slots[i] != 0)
            report_index_put(&larger, map, index->slots[i] - 1);
    free(index->slots);
    *index = larger;
    return true;
}

void report_index_clear(struct report_index *index)
{
    free(index->slots);
    *index = (struct report_index){.slots = NULL};
}
