/* SPDX-License-Identifier: Apache-2.0 */
/* The Merkle tree of RFC 6962, section 2.1: roots, growth and proofs of inclusion. Pure. */
#include "log/merkle.h"

#include <string.h>

#include "base/sha256.h"

/* ---- Hashes (RFC 6962, section 2.1) ---- */

void merkle_node(const struct merkle_hash *left, const struct merkle_hash *right, struct merkle_hash *hash)
{
    uint8_t both[1 + 2 * MERKLE_HASH_SIZE];
    both[0] = 0x01;
    memcpy(both + 1, left->bytes, MERKLE_HASH_SIZE);
    memcpy(both + 1 + MERKLE_HASH_SIZE, right->bytes, MERKLE_HASH_SIZE);
    sha256(both, sizeof both, hash->bytes);
}

bool merkle_equal(const struct merkle_hash *one, const struct merkle_hash *other)
{
    return memcmp(one->bytes, other->bytes, MERKLE_HASH_SIZE) == 0; /* not secret */
}

/* ---- Growth ---- */

bool merkle_append(struct merkle_frontier *frontier, const struct merkle_hash *leaf, merkle_complete complete,
                   void *context)
{
    struct merkle_hash root = *leaf;
    uint64_t index = frontier->size;
    unsigned level = 0;
    if (frontier->size >= MERKLE_SIZE_MAX)
        return false;
    for (; (index & 1) != 0; level++) {
        merkle_node(&frontier->roots[level], &root, &root);
        index >>= 1;
        if (complete != NULL && !complete(context, level + 1, index, &root))
            return false;
    }
    frontier->roots[level] = root;
    frontier->size++;
    return true;
}

void merkle_root(const struct merkle_frontier *frontier, struct merkle_hash *root)
{
    bool any = false;
    for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
        if ((frontier->size >> level & 1) == 0)
            continue;
        if (any)
            merkle_node(&frontier->roots[level], root, root);
        else
            *root = frontier->roots[level];
        any = true;
    }
    if (!any)
        sha256("", 0, root->bytes);
}

bool merkle_frontier_at(merkle_source source, void *context, uint64_t size, struct merkle_frontier *frontier)
{
    frontier->size = size;
    if (size > MERKLE_SIZE_MAX)
        return false;
    for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
        /* The subtrees for a size's bits follow each other, the largest first. */
        if ((size >> level & 1) != 0 && !source(context, level, (size >> level) - 1, &frontier->roots[level]))
            return false;
    }
    return true;
}

/* ---- Proofs ---- */

/* Returns the largest power of two below `size`, which is at least 2; *level is its logarithm. */
static uint64_t merkle_split(uint64_t size, unsigned *level)
{
    *level = 0;
    while ((UINT64_C(2) << *level) < size)
        (*level)++;
    return UINT64_C(1) << *level;
}

/* MTH(D[begin:begin + size]). `begin` must be a multiple of the smallest power of two that is not below size. */
static bool merkle_subtree(merkle_source source, void *context, uint64_t begin, uint64_t size, struct merkle_hash *root)
{
    struct merkle_hash lefts[MERKLE_LEVELS];
    unsigned count = 0, level;
    while (size > 1 && (size & (size - 1)) != 0) {
        uint64_t left = merkle_split(size, &level);
        if (!source(context, level, begin >> level, &lefts[count++]))
            return false;
        begin += left;
        size -= left;
    }
    for (level = 0; UINT64_C(1) << level < size; level++) {
    }
    if (!source(context, level, begin >> level, root))
        return false;
    while (count > 0)
        merkle_node(&lefts[--count], root, root);
    return true;
}

/* A proof is made from the root down, but listed from the bottom up. */
static void merkle_proof_turn(struct merkle_proof *proof)
{
    for (size_t i = 0; i < proof->count / 2; i++) {
        struct merkle_hash other = proof->hashes[i];
        proof->hashes[i] = proof->hashes[proof->count - 1 - i];
        proof->hashes[proof->count - 1 - i] = other;
    }
}

bool merkle_inclusion(merkle_source source, void *context, uint64_t index, uint64_t size, struct merkle_proof *proof)
{
    uint64_t begin = 0;
    proof->count = 0;
    if (index >= size || size > MERKLE_SIZE_MAX)
        return false;
    while (size > 1) {
        unsigned level;
        uint64_t left = merkle_split(size, &level);
        struct merkle_hash *sibling = &proof->hashes[proof->count++];
        bool in_left = index - begin < left;
        if (!(in_left ? merkle_subtree(source, context, begin + left, size - left, sibling)
                      : merkle_subtree(source, context, begin, left, sibling)))
            return false;
        begin += in_left ? 0 : left;
        size = in_left ? left : size - left;
    }
    merkle_proof_turn(proof);
    return true;
}

bool merkle_is_included(const struct merkle_proof *proof, const struct merkle_hash *leaf, uint64_t index, uint64_t size,
                        const struct merkle_hash *root)
{
    struct merkle_hash hash = *leaf;
    uint64_t last = size - 1; /* both are positions on the present level */
    if (index >= size)
        return false;
    for (size_t i = 0; i < proof->count; i++) {
        if (last == 0)
            return false;
        if ((index & 1) != 0 || index == last) {
            merkle_node(&proof->hashes[i], &hash, &hash);
            while ((index & 1) == 0 && index != 0) { /* it was the last one, without a sibling on these levels */
                index >>= 1;
                last >>= 1;
            }
        } else {
            merkle_node(&hash, &proof->hashes[i], &hash);
        }
        index >>= 1;
        last >>= 1;
    }
    return last == 0 && merkle_equal(&hash, root);
}
