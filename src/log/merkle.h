/* SPDX-License-Identifier: Apache-2.0 */
/* The Merkle tree of RFC 6962, section 2.1: roots, growth, proofs and their verification. Pure. */
#ifndef LOG_MERKLE_H
#define LOG_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MERKLE_HASH_SIZE 32
#define MERKLE_LEVELS    64
#define MERKLE_SIZE_MAX  (UINT64_MAX >> 1) /* leaves */
#define MERKLE_PROOF_MAX 128               /* hashes in any proof */

struct merkle_hash {
    uint8_t bytes[MERKLE_HASH_SIZE];
};

/* The root of the empty tree; the hash of one leaf; that of a node over two. */
void merkle_empty(struct merkle_hash *root);
void merkle_leaf(const void *entry, size_t length, struct merkle_hash *hash);
void merkle_node(const struct merkle_hash *left, const struct merkle_hash *right, struct merkle_hash *hash);
bool merkle_equal(const struct merkle_hash *one, const struct merkle_hash *other);

/* The right edge of a tree: what is kept of it, so that it can grow. roots[l] is the complete subtree of 2^l leaves that the size has
 * a bit for; others are undefined. All zero: the empty tree. */
struct merkle_frontier {
    uint64_t size;
    struct merkle_hash roots[MERKLE_LEVELS];
};

/* A subtree that became complete: the 2^level leaves from index << level on. */
typedef bool (*merkle_complete)(void *context, unsigned level, uint64_t index, const struct merkle_hash *root);

/* Adds a leaf: at most `log2 size` hashes. `complete` (NULL: nobody) hears of every subtree of two leaves and more that it completes,
 * from the smallest on; false from it ends the call with false, and the frontier is worthless then. */
bool merkle_append(struct merkle_frontier *frontier, const struct merkle_hash *leaf, merkle_complete complete,
                   void *context);
void merkle_root(const struct merkle_frontier *frontier, struct merkle_hash *root);

/* Where proofs are made from: gives the root of the complete subtree of 2^level leaves from index << level on (level 0: a leaf). False
 * if it cannot: then so is the proof. */
typedef bool (*merkle_source)(void *context, unsigned level, uint64_t index, struct merkle_hash *root);

/* The frontier of the tree's first `size` leaves, and with it their root: at most `log2 size` subtrees are asked for. */
bool merkle_frontier_at(merkle_source source, void *context, uint64_t size, struct merkle_frontier *frontier);

struct merkle_proof {
    size_t count;
    struct merkle_hash hashes[MERKLE_PROOF_MAX];
};

/* RFC 6962, section 2.1.1: that leaf `index` (from 0) is in the tree of `size` leaves. False also if it is not. */
bool merkle_inclusion(merkle_source source, void *context, uint64_t index, uint64_t size, struct merkle_proof *proof);
bool merkle_inclusion_good(const struct merkle_hash *leaf, uint64_t index, uint64_t size,
                           const struct merkle_proof *proof, const struct merkle_hash *root);

/* RFC 6962, section 2.1.2: that the tree of `first` leaves is the beginning of that of `second`. Empty if first is 0, or second. */
bool merkle_consistency(merkle_source source, void *context, uint64_t first, uint64_t second,
                        struct merkle_proof *proof);
bool merkle_consistency_good(uint64_t first, const struct merkle_hash *first_root, uint64_t second,
                             const struct merkle_hash *second_root, const struct merkle_proof *proof);

#endif
