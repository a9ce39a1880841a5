/* SPDX-License-Identifier: Apache-2.0 */
/* What an open report consists of: for the files that make it up, and their tests. */
#ifndef VERIFIER_REPORT_REPORT_PARTS_H
#define VERIFIER_REPORT_REPORT_PARTS_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "verifier/report/report.h"
#include "verifier/report/report_index.h"
#include "verifier/report/report_map.h"

/* Cells that credentials leave to versions: without its record a version is neither proved nor retired on evidence. */
#define REPORT_CELLS_FOR_VERSIONS 4096u

/* Cells that may get another record, in no order. */
struct report_free {
    uint32_t *cells;
    uint32_t count;
    uint32_t capacity;
};

struct report {
    struct report_map map;
    char path[PATH_MAX]; /* where others look for it */
    int descriptor;
    dev_t device; /* of the file, */
    ino_t
        inode; /* as a program may close what it does not know (to be a daemon), and open something else under the number */
    uint8_t instance[REPORT_ID_SIZE];

    pthread_mutex_t lock; /* of all below, and of the cells' making */
    uint32_t cells_max;
    struct report_free free;
    int64_t full_boot_ms; /* when the disk was found full, 0: it was not */
    struct report_index versions;
    struct report_hour {
        uint32_t hour;
        struct report_index credentials;
    } hours
        [2]; /* the one that was begun last, and the one before for stragglers; the records of others are not looked for */
};

/* Whether the descriptor is still the file's. The mapping holds the open file, and so its lock, also without. */
bool report_has_descriptor(const struct report *report);

/* Enters the records of a file that was taken over: all versions, and the credentials of this hour. False: it is damaged, or no memory. */
bool report_usage_enter(struct report *report, uint32_t hour);

/* A cell whose record is free for another one: NULL if there is none. It is written with report_reuse_write, which makes it whole. */
struct report_credential *report_reuse_take(struct report *report, uint32_t *cell);
void report_reuse_write(struct report_credential *record, int64_t key, uint32_t serial, uint32_t version,
                        uint32_t hour);

/* Versions are to be proved anew. */
void report_usage_unprove(struct report *report);

#endif
