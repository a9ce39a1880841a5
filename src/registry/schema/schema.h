/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the registry, as each driver's database wants them said. */
#ifndef REGISTRY_SCHEMA_SCHEMA_H
#define REGISTRY_SCHEMA_SCHEMA_H

#include <stddef.h>

#include "registry/registry.h"

#define SCHEMA_NUMBER REGISTRY_SCHEMA

/* One statement each, to be run in this order. */
extern const char *const schema_sqlite[];
extern const size_t schema_sqlite_count;

#endif
