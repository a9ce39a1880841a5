/* SPDX-License-Identifier: Apache-2.0 */
/* The Merkle tree over the registry's audit entries: leaf hashes are stored with the entries, larger subtrees in their own table. */
#ifndef LOG_LOG_TREE_H
#define LOG_LOG_TREE_H

#include "log/merkle.h"
#include "registry/log/log_rows.h"

/* Call all of these inside a transaction. */

/* Call it after entry number `sequence` was appended: stores the subtrees that it completes. Reads and writes O(log sequence) rows. */
sealring_status tree_grow(struct registry *registry, uint64_t sequence, sealring_error *error);

/* The root over the first `size` entries: O(log size) rows. SEALRING_REGISTRY if a required row is missing, as it is for sizes before the log's
 * cut (log_cut.h). */
sealring_status tree_root(struct registry *registry, uint64_t size, struct merkle_hash *root, sealring_error *error);
/* The same, but a missing row is no error: *whole is false then. */
sealring_status tree_root_if_whole(struct registry *registry, uint64_t size, struct merkle_hash *root, bool *whole,
                                   sealring_error *error);

/* The right edge of the tree over the first `size` entries, for a tree that grows from there. */
sealring_status tree_frontier_if_whole(struct registry *registry, uint64_t size, struct merkle_frontier *frontier,
                                       bool *whole, sealring_error *error);

/* The proof that entry `sequence` (from 1) is among the first `size`, from the stored rows. */
sealring_status tree_inclusion(struct registry *registry, uint64_t sequence, uint64_t size, struct merkle_proof *proof,
                               sealring_error *error);

#endif
