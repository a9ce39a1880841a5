/* SPDX-License-Identifier: Apache-2.0 */
/* Compares the registry's schema as a whole, so that nothing is committed under triggers and indexes that somebody else created. */
#ifndef REGISTRY_CONNECTION_SCHEMA_CHECK_H
#define REGISTRY_CONNECTION_SCHEMA_CHECK_H

#include "registry/connection/registry.h"

/* For transaction.c: at the beginning of a transaction, before any statement that could run a trigger. Unless `need` is
 * REGISTRY_SCHEMA_EXACT, an altered schema is no failure; then no trigger runs until schema_check_end. */
sealring_status schema_check_reading(struct registry *registry, sealring_error *error);
sealring_status schema_check_writing(struct registry *registry, enum registry_schema_need need, sealring_error *error);
void schema_check_end(struct registry *registry);

#endif
