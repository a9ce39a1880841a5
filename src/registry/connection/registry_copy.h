/* SPDX-License-Identifier: Apache-2.0 */
/* A whole registry: copies it into a file, replaces it from another one, checks it, and restores missing parts of its schema. */
#ifndef REGISTRY_CONNECTION_REGISTRY_COPY_H
#define REGISTRY_CONNECTION_REGISTRY_COPY_H

#include "registry/connection/registry.h"
#include "registry/driver/driver.h"

/* Inside registry_read: copies the transaction's snapshot into a new file (0600), which is a complete registry. Other connections may
 * read and write meanwhile. SEALRING_REFUSED if the file exists. On failure nothing is left of the copy. */
sealring_status registry_copy_out(struct registry *registry, const char *path, const struct db_copying *copying,
                                  sealring_error *error);

/* With the lock held, outside of any transaction: replaces everything in the registry by the contents of `from`, in one transaction.
 * Readers see either the old or the new contents. */
sealring_status registry_copy_in(struct registry *registry, struct registry *from, const struct db_copying *copying,
                                 sealring_error *error);

/* Reads every page and index, in a transaction of its own. */
sealring_status registry_sound(struct registry *registry, sealring_error *error);

/* Inside registry_read: reads all of the database and reports each flaw. Returns SEALRING_OK whatever it finds. */
sealring_status registry_examine(struct registry *registry, db_flaw_callback each, void *context,
                                 sealring_error *error);

/* Inside registry_write: creates the index or trigger with this name that DB_FLAW_LACKING reported. */
sealring_status registry_complete(struct registry *registry, const char *name, sealring_error *error);

/* Removes the file of a registry that no process has open, and SQLite's files beside it. */
void registry_discard(const char *path);

#endif
