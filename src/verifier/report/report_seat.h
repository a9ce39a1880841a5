/* SPDX-License-Identifier: Apache-2.0 */
/* Finds a report file to own: one that is not locked, because its verifier has ended, or a new one. */
#ifndef VERIFIER_REPORT_REPORT_SEAT_H
#define VERIFIER_REPORT_REPORT_SEAT_H

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <sealring/verify.h>

#include "verifier/report/report_format.h"

/* Returns whether a file of this owner counts as a report: root's, the directory owner's and, where the group of the directory may make files in it and
 * cannot remove others', that of the group's users. */
bool report_owner_counts(const struct stat *file, const struct stat *directory);

/* Size of every new file: room for some hundred records. */
#define REPORT_SEAT_SIZE (REPORT_HEADER_SIZE + REPORT_LANES * sizeof(struct report_lane) + 256 * REPORT_CELL_SIZE)

/* A file that is open and locked. */
struct report_seat {
    int descriptor; /* owned by the caller */
    uint8_t id[REPORT_ID_SIZE];
    dev_t device;
    ino_t inode;
    size_t size;
    bool unwritten; /* no header yet: just made, or its maker was killed before writing it */
};

struct report_seats {
    DIR *stream;
    const char *directory;
    const uint8_t *vault_id;
    char boot_id[40]; /* of the running system */
};

/* Makes the directory if it is missing. directory and vault_id are borrowed. */
sealring_status report_seats_open(const char *directory, const uint8_t vault_id[REPORT_ID_SIZE],
                                  struct report_seats *seats, sealring_error *error);
void report_seats_close(struct report_seats *seats);

/* The next file that may be taken over, as far as its header shows. False: there are no more. */
bool report_seats_next(struct report_seats *seats, struct report_seat *seat);

/* Makes a new, empty file. report_seats_unmake removes it again if it cannot be filled. */
sealring_status report_seats_make(struct report_seats *seats, struct report_seat *seat, sealring_error *error);
void report_seats_unmake(struct report_seats *seats, const struct report_seat *seat);

/* The path of the file with this ID. False: it is too long. */
bool report_seat_path(const char *directory, const uint8_t id[REPORT_ID_SIZE], char path[PATH_MAX]);

/* Returns whether the name is a report's, and its ID. */
bool report_seat_parse(const char *name, uint8_t id[REPORT_ID_SIZE]);

#endif
