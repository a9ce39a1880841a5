/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what `sealring audit export` wrote: entries with all members that their leaf hash covers, and checkpoints. Archives are such files, too. */
#ifndef MANAGE_AUDIT_READ_EXPORT_H
#define MANAGE_AUDIT_READ_EXPORT_H

#include <jansson.h>

#include "registry/log/log_rows.h"

/* One line. What it points to exists as long as `line`; a caller that keeps it must take a reference to `line`. */
struct exported {
    json_t *line;
    const char *path;
    uint64_t number;  /* the line's number, from 1 */
    const char *text; /* the line as it is in the file */
    size_t length;
    const char *checkpoint; /* a signed note; NULL: the line has none */
    const char *archive;    /* the signed note at the end of an archive; NULL: the line has none */
    bool is_entry;
    struct registry_audit entry; /* leaf_hash as in the line */
};
typedef sealring_status (*exports_callback)(const struct exported *line, void *context, sealring_error *error);

/* Every line of every file, in order. SEALRING_REFUSED names the file and the line that is not a line of an export. */
sealring_status exports_each(const char *const *paths, exports_callback each, void *context, sealring_error *error);

#endif
