/* SPDX-License-Identifier: Apache-2.0 */
/* An opened report file, for the files that read it. */
#ifndef VERIFIER_REPORT_REPORT_READER_H
#define VERIFIER_REPORT_REPORT_READER_H

#include "verifier/report/report.h"

#define REPORT_READER_TRIES \
    100 /* of a millisecond: a live writer needs nanoseconds, or its next time slice on a busy machine */

struct report_reader {
    int descriptor;
    char *path;
};

/* Reads as many bytes as the file has there. */
sealring_status report_reader_at(const struct report_reader *reader, void *bytes, size_t size, uint64_t offset,
                                 size_t *length, sealring_error *error);

/* Reads all of the bytes. */
sealring_status report_reader_whole(const struct report_reader *reader, void *bytes, size_t size, uint64_t offset,
                                    sealring_error *error);

/* Reads and checks the header, which its verifier may be writing. */
sealring_status report_reader_header(const struct report_reader *reader, struct report_header *header,
                                     sealring_error *error);

/* The number of cells in the file: as claimed, unless the file is shorter. */
sealring_status report_reader_cells(const struct report_reader *reader, const struct report_header *header,
                                    uint32_t *cells, sealring_error *error);

#endif
