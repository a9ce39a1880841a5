/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of an audit entry that its leaf hash covers: docs/formats.md, "Audit entry". */
#ifndef LOG_LEAF_H
#define LOG_LEAF_H

#include "log/merkle.h"
#include "registry/rows/rows.h"

#define LEAF_FORMAT 1

/* The hash of the leaf. Does not use entry->leaf_hash. */
void leaf_hash(const uint8_t vault_id[REGISTRY_ID_SIZE], const struct registry_audit *entry, struct merkle_hash *hash);

#endif
