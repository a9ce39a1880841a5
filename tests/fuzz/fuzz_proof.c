/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever proof somebody shows: only the one that the tree itself would give is taken; and checkpoints have one text. */
#include "fuzz/fuzzer.h"

#include "audit/inclusion.h"
#include "fuzz/property.h"
#include "log/checkpoint.h"

#define LEAVES 70

static struct merkle_hash leaves[LEAVES];

/* RFC 6962, section 2.1, as it stands there. */
static void root_of(const struct merkle_hash *from, uint64_t count, struct merkle_hash *root)
{
    struct merkle_hash left, right;
    if (count == 0) {
        sha256("", 0, root->bytes);
        return;
    }
    if (count == 1) {
        *root = *from;
        return;
    }
    uint64_t half = 1;
    while (half * 2 < count)
        half *= 2;
    root_of(from, half, &left);
    root_of(from + half, count - half, &right);
    merkle_node(&left, &right, root);
}

static bool source(void *context, unsigned level, uint64_t index, struct merkle_hash *root)
{
    (void)context;
    root_of(leaves + (index << level), UINT64_C(1) << level, root);
    return true;
}

static void prepare(void)
{
    for (unsigned i = 0; i < LEAVES; i++)
        inclusion_leaf(&i, sizeof i, &leaves[i]);
}

/* The honest proof, changed as the input says: in one hash, in its length, or not at all. */
static void change(struct supply *supply, struct merkle_proof *proof)
{
    uint8_t how = supply_byte(supply);
    uint8_t where = supply_byte(supply);
    if (how % 4 == 1)
        proof->count = where % (MERKLE_PROOF_MAX + 1);
    if (how % 4 == 2 && proof->count > 0)
        supply_bytes(supply, &proof->hashes[where % proof->count], sizeof proof->hashes[0]);
    if (how % 4 == 3) {
        proof->count = where % (MERKLE_PROOF_MAX + 1);
        supply_bytes(supply, proof->hashes, proof->count * sizeof proof->hashes[0]);
    }
}

static bool same(const struct merkle_proof *one, const struct merkle_proof *other)
{
    return one->count == other->count &&
           (one->count == 0 || memcmp(one->hashes, other->hashes, one->count * sizeof one->hashes[0]) == 0);
}

static void check_inclusion(struct supply *supply)
{
    struct merkle_proof honest = {0}, shown;
    struct merkle_hash root;
    uint64_t size = supply_byte(supply) % (LEAVES + 1);
    uint64_t index = supply_byte(supply) % LEAVES;
    uint64_t leaf = supply_byte(supply) % 4 == 0 ? supply_byte(supply) % LEAVES : index;
    bool is_there = merkle_inclusion(source, NULL, index, size, &honest);
    require(is_there == (index < size), "there is a proof for what is in the tree");
    root_of(leaves, size, &root);
    shown = honest;
    change(supply, &shown);
    bool taken = inclusion_good(&leaves[leaf], index, size, &shown, &root);
    require(taken == (is_there && leaf == index && same(&honest, &shown)), "the honest proof is taken, and no other");
}

/* Of sizes that no test builds: the answer does not matter, that there is one does. */
static void check_absurd(struct supply *supply)
{
    static struct merkle_proof proof;
    struct merkle_hash root, leaf;
    uint64_t index = supply_number(supply);
    uint64_t size = supply_number(supply);
    supply_bytes(supply, &leaf, sizeof leaf);
    supply_bytes(supply, &root, sizeof root);
    proof.count = supply_byte(supply);
    if (proof.count > MERKLE_PROOF_MAX)
        proof.count = MERKLE_PROOF_MAX;
    supply_bytes(supply, proof.hashes, proof.count * sizeof proof.hashes[0]);
    bool in = inclusion_good(&leaf, index, size, &proof, &root);
    require(!in || index < size, "what is past the tree's end is not in it");
}

static void check_checkpoint(const struct supply *supply)
{
    struct checkpoint checkpoint;
    char again[CHECKPOINT_TEXT_SIZE];
    char *text = malloc(supply->left + 1);
    require(text != NULL, "there is memory");
    if (supply->left > 0)
        memcpy(text, supply->data, supply->left);
    if (checkpoint_parse(text, supply->left, &checkpoint)) {
        checkpoint_format(&checkpoint, again);
        require(strlen(again) == supply->left && memcmp(again, text, supply->left) == 0,
                "a checkpoint is the only text of its values");
        require(checkpoint.time >= 0 && memchr(checkpoint.origin, '\0', sizeof checkpoint.origin) != NULL,
                "its values are some");
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct supply supply = {data, size};
    if (merkle_equal(&leaves[0], &leaves[1]))
        prepare();
    switch (supply_byte(&supply) % 4) {
    case 0:
    case 1:
        check_inclusion(&supply);
        break;
    case 2:
        check_absurd(&supply);
        break;
    default:
        check_checkpoint(&supply);
    }
    return 0;
}
