/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as they are, to be compared with the audit log. */
#ifndef REGISTRY_ROWS_CURRENT_ROWS_H
#define REGISTRY_ROWS_CURRENT_ROWS_H

#include "registry/rows/rows.h"

/* Keys, not revoked, that are suspended or narrowed, by key ID. */
sealring_status registry_bounds_each(struct registry *registry, registry_key_callback each, void *context,
                                     sealring_error *error);
/* Keys with an imported credential that has a successor and no end: reissuing sets one. */
sealring_status registry_unended_imports_each(struct registry *registry, registry_key_callback each, void *context,
                                              sealring_error *error);
/* The number of all credentials that belong to an API key, its client and a version. */
sealring_status registry_credential_count(struct registry *registry, uint64_t *count, sealring_error *error);

#endif
