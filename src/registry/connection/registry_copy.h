/* SPDX-License-Identifier: Apache-2.0 */
/* The whole of a registry: copied into a file, taken from another one, looked through. */
#ifndef REGISTRY_CONNECTION_REGISTRY_COPY_H
#define REGISTRY_CONNECTION_REGISTRY_COPY_H

#include "registry/connection/registry.h"
#include "registry/driver/driver.h"

/* Inside registry_read: the registry as the transaction sees it becomes a new file (0600), which is a registry by itself. Others may
 * read and write meanwhile. SEALRING_REFUSED if the file exists. Where it fails nothing is left of it. */
sealring_status registry_copy_out(struct registry *registry, const char *path, const struct db_copying *copying,
                                  sealring_error *error);

/* Under the lock, outside of any transaction: all that the registry has is replaced by what `from` has, in one transaction. Who reads sees the one
 * or the other. */
sealring_status registry_copy_in(struct registry *registry, struct registry *from, const struct db_copying *copying,
                                 sealring_error *error);

/* Reads every page and index, as a transaction of its own. */
sealring_status registry_sound(struct registry *registry, sealring_error *error);

/* Removes the file of a registry that nobody has open, and what SQLite keeps beside it. */
void registry_discard(const char *path);

#endif
