/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that the registry's database is intact, and restores missing parts of its schema. */
#ifndef REGISTRY_CONNECTION_REGISTRY_EXAMINE_H
#define REGISTRY_CONNECTION_REGISTRY_EXAMINE_H

#include "registry/connection/registry.h"
#include "registry/driver/driver.h"

typedef db_flaw_callback registry_flaw_callback;

/* Inside registry_read: reads all of the database and reports each flaw. Returns SEALRING_OK whatever it finds. */
sealring_status registry_examine(struct registry *registry, registry_flaw_callback each, void *context,
                                 sealring_error *error);

/* Inside registry_write: creates the index or trigger with this name that DB_FLAW_LACKING reported. */
sealring_status registry_complete(struct registry *registry, const char *name, sealring_error *error);

#endif
