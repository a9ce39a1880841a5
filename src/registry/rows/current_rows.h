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

#endif
