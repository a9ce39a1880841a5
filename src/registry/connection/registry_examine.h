/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the registry's database is whole; what is lacking in its schema is made again. */
#ifndef REGISTRY_CONNECTION_REGISTRY_EXAMINE_H
#define REGISTRY_CONNECTION_REGISTRY_EXAMINE_H

#include "registry/connection/registry.h"
#include "registry/driver/driver.h"

typedef db_flaw_callback registry_flaw_callback;

/* Inside registry_read: tells each flaw. Reads all of the database. SEALRING_OK whatever it found. */
sealring_status registry_examine(struct registry *registry, registry_flaw_callback each, void *context,
                                 sealring_error *error);

/* Inside registry_write: makes the index or trigger of this name again that DB_FLAW_LACKING told of. */
sealring_status registry_complete(struct registry *registry, const char *name, sealring_error *error);

#endif
