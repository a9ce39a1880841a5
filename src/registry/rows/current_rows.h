/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as they are, to be compared with the audit log. */
#ifndef REGISTRY_ROWS_CURRENT_ROWS_H
#define REGISTRY_ROWS_CURRENT_ROWS_H

#include "registry/rows/rows.h"

/* All rings and versions, without regard to the facts about them. */
struct registry_cursor registry_current_rings(struct registry *registry,
                                              sealring_error *error); /* registry_ring_next */
struct registry_cursor registry_current_versions(struct registry *registry,
                                                 sealring_error *error); /* registry_version_next */
/* All keys, by row number. */
struct registry_cursor registry_keys(struct registry *registry, sealring_error *error); /* registry_key_next */
/* Credentials with an end of their own (`replaced`), by key and serial. */
struct registry_cursor registry_ended_credentials(struct registry *registry,
                                                  sealring_error *error); /* registry_credential_next */
/* Clients that were forgotten, by name. */
struct registry_cursor registry_forgotten_clients(struct registry *registry, sealring_error *error);
bool registry_forgotten_next(struct registry_cursor *clients, struct registry_client *client);
/* Keys with an imported credential that has a successor and no end: reissuing sets one. */
struct registry_cursor registry_unended_imports(struct registry *registry,
                                                sealring_error *error); /* registry_key_next */
/* The number of all credentials that belong to an API key, its client and a version. */
sealring_status registry_credential_count(struct registry *registry, uint64_t *count, sealring_error *error);

#endif
