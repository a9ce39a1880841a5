/* SPDX-License-Identifier: Apache-2.0 */
/* The Merkle tree over the registry's audit entries: leaf hashes are stored with the entries, larger subtrees in their own table. */
#include "log/log_tree.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"

#define TREE_BLOCK (1U << REGISTRY_NODE_LEVEL)

_Static_assert(MERKLE_HASH_SIZE == REGISTRY_DIGEST_SIZE, "one kind of hash");

struct tree {
    struct registry *registry;
    sealring_status status;
    sealring_error *error;
    bool lacks; /* a row that belongs to it */
};

/* Computes a subtree below the smallest stored one. */
static sealring_status tree_small(struct registry *registry, unsigned level, uint64_t position,
                                  struct merkle_hash *root, bool *found, sealring_error *error)
{
    uint8_t leaves[TREE_BLOCK][REGISTRY_DIGEST_SIZE];
    struct merkle_frontier frontier = {.size = 0};
    size_t count = (size_t)1 << level;
    sealring_status status = registry_leaf_hashes_find(registry, (position << level) + 1, count, leaves, found, error);
    if (status != SEALRING_OK || !*found)
        return status;
    for (size_t i = 0; i < count; i++) {
        struct merkle_hash leaf;
        memcpy(leaf.bytes, leaves[i], sizeof leaf.bytes);
        (void)merkle_append(&frontier, &leaf, NULL, NULL);
    }
    merkle_root(&frontier, root);
    return SEALRING_OK;
}

static sealring_status tree_lacks(unsigned level, uint64_t position, sealring_error *error)
{
    return error_set_registry(error, 0,
                              "the audit log is damaged: its tree lacks what belongs to the entries %" PRIu64
                              " to %" PRIu64 "; see `sealring audit verify`",
                              (position << level) + 1, (position + 1) << level);
}

static sealring_status tree_subtree(struct registry *registry, unsigned level, uint64_t position,
                                    struct merkle_hash *root, bool *lacks, sealring_error *error)
{
    bool found;
    sealring_status status = level < REGISTRY_NODE_LEVEL
                                 ? tree_small(registry, level, position, root, &found, error)
                                 : registry_node_find(registry, level, position, root->bytes, &found, error);
    *lacks = status == SEALRING_OK && !found;
    return *lacks ? tree_lacks(level, position, error) : status;
}

static bool tree_source(void *context, unsigned level, uint64_t index, struct merkle_hash *root)
{
    struct tree *tree = context;
    tree->status = tree_subtree(tree->registry, level, index, root, &tree->lacks, tree->error);
    return tree->status == SEALRING_OK;
}

static sealring_status tree_end(const struct tree *tree, bool done)
{
    if (done || tree->status != SEALRING_OK)
        return tree->status;
    return error_set(tree->error, SEALRING_INVALID, "the audit log has no such entry");
}

sealring_status tree_grow(struct registry *registry, uint64_t sequence, sealring_error *error)
{
    struct merkle_hash root, left;
    unsigned level = REGISTRY_NODE_LEVEL;
    if (sequence % TREE_BLOCK != 0)
        return SEALRING_OK;
    uint64_t position = sequence / TREE_BLOCK - 1;
    bool found, lacks;
    sealring_status status = tree_small(registry, level, position, &root, &found, error);
    if (status == SEALRING_OK && !found)
        status = tree_lacks(level, position, error);
    if (status == SEALRING_OK)
        status = registry_node_insert(registry, level, position, root.bytes, error);
    for (; status == SEALRING_OK && (position & 1) != 0; level++, position >>= 1) {
        status = tree_subtree(registry, level, position - 1, &left, &lacks, error);
        if (status == SEALRING_OK) {
            merkle_node(&left, &root, &root);
            status = registry_node_insert(registry, level + 1, position >> 1, root.bytes, error);
        }
    }
    return status;
}

static sealring_status find_frontier(struct registry *registry, uint64_t size, struct merkle_frontier *frontier,
                                     bool *lacks, sealring_error *error)
{
    struct tree tree = {.registry = registry, .error = error};
    bool done = merkle_frontier_at(tree_source, &tree, size, frontier);
    *lacks = tree.lacks;
    return tree_end(&tree, done);
}

sealring_status tree_root(struct registry *registry, uint64_t size, struct merkle_hash *root, sealring_error *error)
{
    bool lacks;
    struct merkle_frontier frontier;
    sealring_status status = find_frontier(registry, size, &frontier, &lacks, error);
    if (status == SEALRING_OK)
        merkle_root(&frontier, root);
    return status;
}

sealring_status tree_frontier_if_whole(struct registry *registry, uint64_t size, struct merkle_frontier *frontier,
                                       bool *whole, sealring_error *error)
{
    bool lacks;
    sealring_status status = find_frontier(registry, size, frontier, &lacks, error);
    *whole = status == SEALRING_OK;
    return lacks ? SEALRING_OK : status;
}

sealring_status tree_root_if_whole(struct registry *registry, uint64_t size, struct merkle_hash *root, bool *whole,
                                   sealring_error *error)
{
    struct merkle_frontier frontier;
    sealring_status status = tree_frontier_if_whole(registry, size, &frontier, whole, error);
    if (*whole)
        merkle_root(&frontier, root);
    return status;
}

sealring_status tree_inclusion(struct registry *registry, uint64_t sequence, uint64_t size, struct merkle_proof *proof,
                               sealring_error *error)
{
    struct tree tree = {.registry = registry, .error = error};
    return tree_end(&tree, sequence > 0 && merkle_inclusion(tree_source, &tree, sequence - 1, size, proof));
}
