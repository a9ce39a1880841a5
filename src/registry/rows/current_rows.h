/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as they are, to be compared with the audit log. */
#ifndef REGISTRY_ROWS_CURRENT_ROWS_H
#define REGISTRY_ROWS_CURRENT_ROWS_H

#include "registry/rows/rows.h"

/* Keys, not revoked, that are suspended or narrowed, by key ID. */
struct registry_cursor registry_bounds(struct registry *registry, sealring_error *error); /* registry_key_next */
/* Keys with an imported credential that has a successor and no end: reissuing sets one. */
struct registry_cursor registry_unended_imports(struct registry *registry,
                                                sealring_error *error); /* registry_key_next */
/* The number of all credentials that belong to an API key, its client and a version. */
sealring_status registry_credential_count(struct registry *registry, uint64_t *count, sealring_error *error);

/* TEMPORARY: until every caller uses cursors and *_find. */
static inline sealring_status registry_bounds_each(struct registry *registry, registry_key_callback each, void *context,
                                                   sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    struct registry_key row = {0};
    struct registry_cursor rows = registry_bounds(registry, error);
    while (status == SEALRING_OK && registry_key_next(&rows, &row))
        status = each(&row, context, error);
    return registry_close_cursor(&rows, status);
}

static inline sealring_status registry_unended_imports_each(struct registry *registry, registry_key_callback each,
                                                            void *context, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    struct registry_key row = {0};
    struct registry_cursor rows = registry_unended_imports(registry, error);
    while (status == SEALRING_OK && registry_key_next(&rows, &row))
        status = each(&row, context, error);
    return registry_close_cursor(&rows, status);
}
/* END */

#endif
