/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of an open report, for the files that implement it and their tests. */
#ifndef VERIFIER_REPORT_REPORT_PARTS_H
#define VERIFIER_REPORT_REPORT_PARTS_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/file.h"
#include "verifier/report/report.h"
#include "verifier/report/report_index.h"
#include "verifier/report/report_map.h"

/* Cells reserved for versions: without its record, a version can be neither proved nor retired on evidence. */
#define REPORT_CELLS_FOR_VERSIONS 4096u

/* Cells that may be reused, in no order. */
struct report_free {
    uint32_t *cells;
    uint32_t count;
};

struct report {
    struct report_map map;
    char path[PATH_MAX]; /* where the operator's side finds it */
    int descriptor;
    dev_t device; /* device and */
    ino_t
        inode; /* inode of the file: a program may close descriptors it does not know (daemons do), and open another file as this number */
    uint8_t instance[REPORT_ID_SIZE];

    pthread_mutex_t lock; /* guards all members below, and the making of cells */
    uint32_t cells_max;
    struct report_free free;
    int64_t full_boot_ms; /* when the disk was found full; 0: it was not */
    struct report_index versions;
    struct report_hour {
        uint32_t hour;
        struct report_index credentials;
    } hours
        [2]; /* the hour that was begun last, and the one before it for late uses; the records of others are not searched */
};

/* Returns whether the descriptor is still the file's. The mapping holds the open file, and so its lock, even without it. */
static inline bool report_has_descriptor(const struct report *report)
{
    return file_is_open(report->descriptor, report->device, report->inode);
}

/* Enters the records of a file that was taken over: all versions, and the credentials of this hour. False: the file is damaged, or
 * there is no memory. */
bool report_usage_enter(struct report *report, uint32_t hour);

/* Releases the indexes of the records. */
void report_usage_clear(struct report *report);

/* Writes the record of a credential to a cell that is new or reused. */
void report_reuse_write(struct report_credential *record, int64_t key, uint32_t serial, uint32_t version,
                        uint32_t hour);

/* Marks all versions as not proved. */
void report_usage_unprove(struct report *report);

#endif
