/* SPDX-License-Identifier: Apache-2.0 */
/* What a holder of an entry computes: its leaf hash, and whether a proof of inclusion is valid. Written from the RFCs alone. */
#ifndef TESTS_INCLUSION_H
#define TESTS_INCLUSION_H

#include <string.h>

#include "base/sha256.h"
#include "log/merkle.h"

/* RFC 6962, section 2.1: the hash of a leaf. */
static inline void inclusion_leaf(const void *entry, size_t length, struct merkle_hash *hash)
{
    struct sha256 state;
    sha256_start(&state);
    sha256_add(&state, "\x00", 1);
    sha256_add(&state, entry, length);
    sha256_finish(&state, hash->bytes);
}

static inline struct merkle_hash inclusion_node(const struct merkle_hash *left, const struct merkle_hash *right)
{
    uint8_t both[65] = {0x01};
    struct merkle_hash node;
    memcpy(both + 1, left->bytes, 32);
    memcpy(both + 33, right->bytes, 32);
    sha256(both, sizeof both, node.bytes);
    return node;
}

/* RFC 9162, section 2.1.3.2, whose trees are those of RFC 6962. */
static inline bool inclusion_good(const struct merkle_hash *leaf, uint64_t index, uint64_t size,
                                  const struct merkle_proof *proof, const struct merkle_hash *root)
{
    if (index >= size || size > MERKLE_SIZE_MAX || proof->count > MERKLE_PROOF_MAX)
        return false;
    struct merkle_hash result = *leaf;
    uint64_t at = index, last = size - 1;
    for (size_t i = 0; i < proof->count; i++) {
        if (last == 0)
            return false;
        if ((at & 1) != 0 || at == last) {
            result = inclusion_node(&proof->hashes[i], &result);
            while ((at & 1) == 0 && at != 0) {
                at >>= 1;
                last >>= 1;
            }
        } else {
            result = inclusion_node(&result, &proof->hashes[i]);
        }
        at >>= 1;
        last >>= 1;
    }
    return last == 0 && memcmp(result.bytes, root->bytes, 32) == 0;
}

#endif
