/* SPDX-License-Identifier: Apache-2.0 */
/* audit/merkle: Certificate Transparency's reference tree, and every tree up to 64 leaves against RFC 6962's own recursion. */
#include <stdio.h>
#include <string.h>

#include "audit/inclusion.h"
#include "lib/runner.h"

#define LEAVES 65

/* The reference tree of google/certificate-transparency (cpp/merkletree/merkle_tree_test.cc), as transparency-dev/merkle has it
 * today (proof/verify_test.go, testonly/constants.go): its eight leaves, the roots of its beginnings, its proofs. */
static const struct {
    const char *bytes;
    size_t length;
} reference[8] = {
    {"", 0},         {"\x00", 1},
    {"\x10", 1},     {"\x20\x21", 2},
    {"\x30\x31", 2}, {"\x40\x41\x42\x43", 4},
    {"PQRSTUVW", 8}, {"`abcdefghijklmno", 16},
};
static const char *const reference_roots[8] = {
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};
struct reference_proof {
    uint64_t one, size; /* leaf from 0 */
    const char *hashes[4];
};
static const struct reference_proof reference_inclusions[] = {
    {0,
     8,
     {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
    {5,
     8,
     {"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
    {2, 3, {"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}},
    {1,
     5,
     {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}},
};
static struct merkle_hash leaves[LEAVES];

static void fill(void)
{
    for (unsigned i = 0; i < LEAVES; i++) {
        uint8_t entry[2] = {(uint8_t)i, 0x5a};
        inclusion_leaf(entry, sizeof entry, &leaves[i]);
    }
}

static void fill_reference(void)
{
    for (unsigned i = 0; i < 8; i++)
        inclusion_leaf(reference[i].bytes, reference[i].length, &leaves[i]);
}

/* MTH, word for word (RFC 6962, section 2.1). */
static void naive_root(uint64_t begin, uint64_t end, struct merkle_hash *root)
{
    struct merkle_hash left, right;
    if (end == begin) {
        sha256("", 0, root->bytes);
    } else if (end - begin == 1) {
        *root = leaves[begin];
    } else {
        uint64_t split = 1;
        while (split * 2 < end - begin)
            split *= 2;
        naive_root(begin, begin + split, &left);
        naive_root(begin + split, end, &right);
        uint8_t both[65] = {1};
        memcpy(both + 1, left.bytes, 32);
        memcpy(both + 33, right.bytes, 32);
        sha256(both, sizeof both, root->bytes);
    }
}

static void naive_add(struct merkle_proof *proof, uint64_t begin, uint64_t end)
{
    naive_root(begin, end, &proof->hashes[proof->count++]);
}

/* PATH (section 2.1.1). */
static void naive_path(uint64_t index, uint64_t begin, uint64_t end, struct merkle_proof *proof)
{
    uint64_t split = 1;
    if (end - begin <= 1)
        return;
    while (split * 2 < end - begin)
        split *= 2;
    if (index < split) {
        naive_path(index, begin, begin + split, proof);
        naive_add(proof, begin + split, end);
    } else {
        naive_path(index - split, begin + split, end, proof);
        naive_add(proof, begin, begin + split);
    }
}

static bool source(void *context, unsigned level, uint64_t index, struct merkle_hash *root)
{
    unsigned *asked = context;
    (*asked)++;
    uint64_t begin = index << level, end = (index + 1) << level;
    ck_assert_uint_le(end, LEAVES);
    naive_root(begin, end, root);
    return true;
}

static void hex_hash(const char *text, struct merkle_hash *hash)
{
    for (unsigned i = 0; i < 32; i++) {
        unsigned value = 0;
        ck_assert_int_eq(sscanf(text + 2 * i, "%2x", &value), 1);
        hash->bytes[i] = (uint8_t)value;
    }
}

static void assert_hash(const struct merkle_hash *hash, const char *text)
{
    struct merkle_hash expected;
    hex_hash(text, &expected);
    ck_assert_mem_eq(hash->bytes, expected.bytes, 32);
}

static void assert_proof(const struct merkle_proof *proof, const char *const hashes[4])
{
    size_t count = 0;
    for (; count < 4 && hashes[count] != NULL; count++) {
        ck_assert_uint_lt(count, proof->count);
        assert_hash(&proof->hashes[count], hashes[count]);
    }
    ck_assert_uint_eq(proof->count, count);
}

START_TEST(reference_tree_has_its_roots)
{
    struct merkle_frontier frontier = {0};
    struct merkle_hash root;
    fill_reference();
    merkle_root(&frontier, &root);
    assert_hash(&root, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (unsigned i = 0; i < 8; i++) {
        ck_assert(merkle_append(&frontier, &leaves[i], NULL, NULL));
        merkle_root(&frontier, &root);
        assert_hash(&root, reference_roots[i]);
    }
}
END_TEST

START_TEST(reference_tree_has_its_proofs)
{
    struct merkle_proof proof;
    struct merkle_hash root;
    unsigned asked = 0;
    fill_reference();
    for (size_t i = 0; i < sizeof reference_inclusions / sizeof *reference_inclusions; i++) {
        const struct reference_proof *one = &reference_inclusions[i];
        ck_assert(merkle_inclusion(source, &asked, one->one, one->size, &proof));
        assert_proof(&proof, one->hashes);
        hex_hash(reference_roots[one->size - 1], &root);
        ck_assert(inclusion_good(&leaves[one->one], one->one, one->size, &proof, &root));
    }
}
END_TEST

struct completed {
    unsigned count, last_level;
    uint64_t size; /* after the append */
};

static bool completed(void *context, unsigned level, uint64_t index, const struct merkle_hash *root)
{
    struct completed *seen = context;
    struct merkle_hash expected;
    naive_root(index << level, (index + 1) << level, &expected);
    ck_assert(merkle_equal(root, &expected));
    ck_assert_uint_eq((index + 1) << level, seen->size);
    ck_assert_uint_gt(level, seen->last_level);
    seen->last_level = level;
    seen->count++;
    return true;
}

START_TEST(every_tree_grows_as_the_recursion_says)
{
    struct merkle_frontier frontier = {0}, again;
    struct merkle_hash root, expected;
    unsigned asked = 0;
    fill();
    for (uint64_t size = 0; size <= 64; size++) {
        merkle_root(&frontier, &root);
        naive_root(0, size, &expected);
        ck_assert(merkle_equal(&root, &expected));
        memset(&again, 0xa5, sizeof again);
        asked = 0;
        ck_assert(merkle_frontier_at(source, &asked, size, &again));
        ck_assert_uint_eq(asked, (unsigned)__builtin_popcountll(size));
        merkle_root(&again, &root);
        ck_assert(merkle_equal(&root, &expected));
        struct completed seen = {.size = size + 1};
        ck_assert(merkle_append(&frontier, &leaves[size], completed, &seen));
        ck_assert_uint_eq(seen.count, (unsigned)__builtin_ctzll(size + 1));
    }
}
END_TEST

START_TEST(every_inclusion_proof_is_the_recursions_and_verifies)
{
    struct merkle_proof proof, expected;
    struct merkle_hash root;
    unsigned asked;
    fill();
    for (uint64_t size = 1; size <= 64; size++) {
        naive_root(0, size, &root);
        ck_assert(!merkle_inclusion(source, &asked, size, size, &proof));
        for (uint64_t index = 0; index < size; index++) {
            asked = 0;
            expected.count = 0;
            ck_assert(merkle_inclusion(source, &asked, index, size, &proof));
            naive_path(index, 0, size, &expected);
            ck_assert_uint_eq(proof.count, expected.count);
            ck_assert_mem_eq(proof.hashes, expected.hashes, proof.count * sizeof *proof.hashes);
            ck_assert_uint_le(asked, 14); /* 2 log2 size, and some */
            unsigned wrong = 0;           /* counted: an assertion costs more than a proof */
            for (uint64_t other = 0; other < size; other++) {
                wrong += inclusion_good(&leaves[other], index, size, &proof, &root) != (other == index);
                wrong += inclusion_good(&leaves[index], other, size, &proof, &root) != (other == index);
            }
            ck_assert_uint_eq(wrong, 0);
        }
    }
}
END_TEST

static bool included(const struct merkle_proof *proof, uint64_t index, uint64_t size)
{
    struct merkle_hash root;
    naive_root(0, size, &root);
    return inclusion_good(&leaves[index], index, size, proof, &root);
}

/* One bit, one hash too few, one too many, two exchanged. */
static void assert_damaged(const struct merkle_proof *proof, uint64_t index, uint64_t size)
{
    struct merkle_proof bad;
    for (size_t i = 0; i < proof->count; i++) {
        bad = *proof;
        bad.hashes[i].bytes[i % 32] ^= (uint8_t)(1 << (i % 8));
        ck_assert(!included(&bad, index, size));
        if (i > 0) {
            bad = *proof;
            bad.hashes[i] = proof->hashes[i - 1];
            bad.hashes[i - 1] = proof->hashes[i];
            ck_assert(!included(&bad, index, size));
        }
    }
    if (proof->count > 0) {
        bad = *proof;
        bad.count--;
        ck_assert(!included(&bad, index, size));
        memmove(bad.hashes, bad.hashes + 1, bad.count * sizeof *bad.hashes);
        ck_assert(!included(&bad, index, size));
    }
    bad = *proof;
    naive_root(0, size, &bad.hashes[bad.count++]);
    ck_assert(!included(&bad, index, size));
    bad.count = MERKLE_PROOF_MAX + 1;
    ck_assert(!included(&bad, index, size));
}

START_TEST(no_damaged_proof_verifies)
{
    struct merkle_proof proof;
    unsigned asked;
    fill();
    for (uint64_t size = 1; size <= 40; size++) {
        for (uint64_t index = 0; index < size; index++) {
            ck_assert(merkle_inclusion(source, &asked, index, size, &proof));
            assert_damaged(&proof, index, size);
        }
    }
}
END_TEST

static bool nothing(void *context, unsigned level, uint64_t index, struct merkle_hash *root)
{
    (void)context;
    (void)level;
    (void)index;
    (void)root;
    return false;
}

static bool refuse(void *context, unsigned level, uint64_t index, const struct merkle_hash *root)
{
    (void)context;
    (void)level;
    (void)index;
    (void)root;
    return false;
}

START_TEST(failures_and_bounds_are_told)
{
    struct merkle_frontier frontier = {.size = MERKLE_SIZE_MAX};
    struct merkle_proof proof;
    unsigned asked = 0;
    fill();
    ck_assert(!merkle_append(&frontier, &leaves[0], NULL, NULL));
    frontier.size = 1;
    frontier.roots[0] = leaves[0];
    ck_assert(!merkle_append(&frontier, &leaves[1], refuse, NULL));
    ck_assert(!merkle_frontier_at(nothing, NULL, 3, &frontier));
    ck_assert(!merkle_inclusion(nothing, NULL, 1, 3, &proof));
    ck_assert(!merkle_inclusion(source, &asked, 0, MERKLE_SIZE_MAX + 1, &proof));
    ck_assert(!merkle_frontier_at(source, &asked, MERKLE_SIZE_MAX + 1, &frontier));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("merkle");
    TCase *tests = tcase_create("merkle");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, reference_tree_has_its_roots);
    tcase_add_test(tests, reference_tree_has_its_proofs);
    tcase_add_test(tests, every_tree_grows_as_the_recursion_says);
    tcase_add_test(tests, every_inclusion_proof_is_the_recursions_and_verifies);
    tcase_add_test(tests, no_damaged_proof_verifies);
    tcase_add_test(tests, failures_and_bounds_are_told);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
