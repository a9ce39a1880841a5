/* SPDX-License-Identifier: Apache-2.0 */
/* What `sealring audit export` wrote, read again: entries with all that their leaf hash is over, and checkpoints. */
#ifndef MANAGE_AUDIT_EXPORTS_H
#define MANAGE_AUDIT_EXPORTS_H

#include <jansson.h>

#include "registry/log/log_rows.h"

/* One line. What it points to lives as long as `line`, of which whoever wants to keep it takes a reference. */
struct exported {
    json_t *line;
    const char *path;
    uint64_t number;             /* of the line, from 1 */
    const char *checkpoint;      /* a signed note; NULL: the line is an entry */
    struct registry_audit entry; /* leaf_hash as the line says */
};
typedef sealring_status (*exports_callback)(const struct exported *line, void *context, sealring_error *error);

/* Every line of every file, in order. SEALRING_REFUSED names the file and the line that is not one of an export. */
sealring_status exports_each(const char *const *paths, exports_callback each, void *context, sealring_error *error);

#endif
