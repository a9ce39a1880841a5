/* SPDX-License-Identifier: Apache-2.0 */
/* A report file in memory. Address space for the largest file is reserved, and the file is mapped there as it grows, so pointers stay
 * valid. */
#ifndef VERIFIER_REPORT_REPORT_MAP_H
#define VERIFIER_REPORT_REPORT_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "verifier/report/report_format.h"

#define REPORT_LANES_AT REPORT_HEADER_SIZE
#define REPORT_CELLS_AT (REPORT_LANES_AT + REPORT_LANES * sizeof(struct report_lane))
#define REPORT_SIZE_MAX (REPORT_CELLS_AT + (size_t)REPORT_CELLS_MAX * REPORT_CELL_SIZE)

struct report_map {
    unsigned char *base;
    size_t reserved; /* address space; less than the largest file if the process may not have that much */
    size_t mapped;   /* of the file, from its beginning: whole pages whose blocks are allocated */
    size_t page;
};

/* These return 0 or an errno. A forked child inherits nothing of the address space (MADV_DONTFORK). */
int report_map_reserve(struct report_map *map);

/* Allocates the file's blocks up to `size`, rounded up to whole pages, and maps them. Changes nothing on failure. Never raises SIGXFSZ. */
int report_map_extend(struct report_map *map, int descriptor, size_t size);

/* Unmaps the file and keeps the address space for another one (if the system refuses that, it keeps none, and extending fails). */
void report_map_forget(struct report_map *map);

void report_map_free(struct report_map *map);

/* The number of cells in a file of this size. */
static inline uint32_t report_map_room(uint64_t size)
{
    uint64_t cells = size < REPORT_CELLS_AT ? 0 : (size - REPORT_CELLS_AT) / REPORT_CELL_SIZE;
    return cells < REPORT_CELLS_MAX ? (uint32_t)cells : REPORT_CELLS_MAX;
}

static inline struct report_header *report_map_header(const struct report_map *map)
{
    return (struct report_header *)(void *)map->base;
}

static inline struct report_lane *report_map_lane(const struct report_map *map, unsigned lane)
{
    return (struct report_lane *)(void *)(map->base + REPORT_LANES_AT) + lane % REPORT_LANES;
}

static inline void *report_map_cell(const struct report_map *map, uint32_t cell)
{
    return map->base + REPORT_CELLS_AT + (size_t)cell * REPORT_CELL_SIZE;
}

#endif
