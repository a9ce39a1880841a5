/* SPDX-License-Identifier: Apache-2.0 */
/* The Merkle tree of RFC 6962, section 2.1: roots, growth and proofs of inclusion. Pure. */
#ifndef LOG_MERKLE_H
#define LOG_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MERKLE_HASH_SIZE 32
#define MERKLE_LEVELS    64
#define MERKLE_SIZE_MAX  (UINT64_MAX >> 1) /* leaves */
#define MERKLE_PROOF_MAX MERKLE_LEVELS     /* hashes in any proof */

struct merkle_hash {
    uint8_t bytes[MERKLE_HASH_SIZE];
};

/* The hash of a node over two others. (That of a leaf is made by leaf_hash, log/leaf.h.) */
void merkle_node(const struct merkle_hash *left, const struct merkle_hash *right, struct merkle_hash *hash);
bool merkle_equal(const struct merkle_hash *one, const struct merkle_hash *other);

/* The right edge of a tree: what must be stored for it to grow. roots[l] is the complete subtree of 2^l leaves for bit l of the size;
 * the others are undefined. All zero: the empty tree. */
struct merkle_frontier {
    uint64_t size;
    struct merkle_hash roots[MERKLE_LEVELS];
};

/* A subtree that became complete: the 2^level leaves from index << level on. */
typedef bool (*merkle_complete)(void *context, unsigned level, uint64_t index, const struct merkle_hash *root);

/* Adds a leaf: at most `log2 size` hashes. Calls `complete` (unless NULL) with every subtree of two or more leaves that it completes,
 * the smallest first. If that returns false, so does the call, and the frontier is invalid then. */
bool merkle_append(struct merkle_frontier *frontier, const struct merkle_hash *leaf, merkle_complete complete,
                   void *context);
void merkle_root(const struct merkle_frontier *frontier, struct merkle_hash *root);

/* The source for proofs: returns the root of the complete subtree of 2^level leaves from index << level on (level 0: a leaf). If it
 * returns false, so does the function that makes the proof. */
typedef bool (*merkle_source)(void *context, unsigned level, uint64_t index, struct merkle_hash *root);

/* The frontier of the tree's first `size` leaves, which gives their root. Reads at most `log2 size` subtrees. */
bool merkle_frontier_at(merkle_source source, void *context, uint64_t size, struct merkle_frontier *frontier);

struct merkle_proof {
    size_t count;
    struct merkle_hash hashes[MERKLE_PROOF_MAX];
};

/* RFC 6962, section 2.1.1: the proof that leaf `index` (from 0) is in the tree of `size` leaves. False also if it is not. */
bool merkle_inclusion(merkle_source source, void *context, uint64_t index, uint64_t size, struct merkle_proof *proof);
/* RFC 9162, section 2.1.3.2: whether the proof leads from leaf `index` (from 0) to the root of the tree of `size` leaves. */
bool merkle_is_included(const struct merkle_proof *proof, const struct merkle_hash *leaf, uint64_t index, uint64_t size,
                        const struct merkle_hash *root);

#endif
