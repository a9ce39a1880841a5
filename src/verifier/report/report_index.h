/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table of cell numbers: the cell of the record of a version, or of a credential in an hour. */
#ifndef VERIFIER_REPORT_REPORT_INDEX_H
#define VERIFIER_REPORT_REPORT_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "verifier/report/report_map.h"

/* What identifies a record. */
struct report_name {
    uint32_t kind;
    uint32_t number; /* of a version, or a credential's serial */
    int64_t row;     /* of the ring, or the API key */
    uint32_t hour;   /* 0 for a version */
};

/* All zero: empty. The names are in the records themselves, so each takes some 5 to 11 bytes here. */
struct report_index {
    uint32_t *slots; /* cell + 1, 0: free */
    uint32_t size;   /* a power of two, or 0 */
    uint32_t used;
};

/* The record, or NULL if there is none. */
void *report_index_find(const struct report_index *index, const struct report_map *map, const struct report_name *name);

/* Makes room for one more. False: no memory. */
bool report_index_make_room(struct report_index *index, const struct report_map *map);

/* Enters a record; there must be room for it. */
void report_index_put(struct report_index *index, const struct report_map *map, uint32_t cell);

void report_index_clear(struct report_index *index);

#endif
