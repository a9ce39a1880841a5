/* SPDX-License-Identifier: Apache-2.0 */
/* A compact filter of key IDs: those that were added are always found, others almost never. */
#include "verifier/state/key_filter.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BLOCK_SIZE (KEY_FILTER_WORDS * sizeof(uint32_t))

_Static_assert(KEY_FILTER_WORDS * 32 == 16 * KEY_FILTER_KEYS, "16 bits for each key");
_Static_assert(SEALRING_KEY_ID_LENGTH == 2 * sizeof(uint64_t), "a key ID is two words of the hash");

/* ---- the hash ---- */

static uint64_t rotate(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

/* The words are read in the machine's order: the hash is used in this process only. */
uint64_t key_filter_hash(const uint64_t secret[2], const char *key_id)
{
    uint64_t words[3] = {0, 0, (uint64_t)SEALRING_KEY_ID_LENGTH << 56};
    uint64_t v[4] = {secret[0] ^ UINT64_C(0x736f6d6570736575), secret[1] ^ UINT64_C(0x646f72616e646f6d),
                     secret[0] ^ UINT64_C(0x6c7967656e657261), secret[1] ^ UINT64_C(0x7465646279746573)};
    memcpy(words, key_id, SEALRING_KEY_ID_LENGTH);
    for (unsigned i = 0; i < 3; i++) {
        v[3] ^= words[i];
        sip_round(v);
        sip_round(v);
        v[0] ^= words[i];
    }
    v[2] ^= 0xff;
    for (unsigned i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* ---- one layer ---- */

static _Atomic(uint32_t) *block_of(const struct key_filter_layer *layer, uint64_t hash)
{
    uint64_t block = (hash >> 32) * layer->blocks >> 32;
    return layer->words + block * KEY_FILTER_WORDS;
}

/* Parquet's eight odd multipliers. */
static uint32_t bit_of(uint64_t hash, unsigned word)
{
    static const uint32_t salts[KEY_FILTER_WORDS] = {0x47b6137bU, 0x44974d91U, 0x8824ad5bU, 0xa2b7289dU,
                                                     0x705495c7U, 0x2df1424bU, 0x9efc4947U, 0x5c6bfb31U};
    return UINT32_C(1) << ((uint32_t)hash * salts[word] >> 27);
}

static bool layer_has(const struct key_filter_layer *layer, uint64_t hash)
{
    _Atomic(uint32_t) *words = block_of(layer, hash);
    uint32_t missing = 0;
    for (unsigned i = 0; i < KEY_FILTER_WORDS; i++)
        missing |= bit_of(hash, i) & ~atomic_load_explicit(&words[i], memory_order_acquire);
    return missing == 0;
}

static void layer_put(struct key_filter_layer *layer, uint64_t hash)
{
    _Atomic(uint32_t) *words = block_of(layer, hash);
    for (unsigned i = 0; i < KEY_FILTER_WORDS; i++)
        atomic_fetch_or_explicit(&words[i], bit_of(hash, i), memory_order_release);
    layer->left--;
}

/* ---- all layers ---- */

static bool has(const struct key_filter *filter, uint64_t hash)
{
    unsigned layers = atomic_load_explicit(&filter->layers, memory_order_acquire);
    while (layers > 0)
        if (layer_has(&filter->layer[--layers], hash))
            return true;
    return false;
}

bool key_filter_may_have(const struct key_filter *filter, const char *key_id)
{
    return has(filter, key_filter_hash(filter->secret, key_id));
}

void key_filter_fetch(const struct key_filter *filter, const char *key_id)
{
    unsigned layers = atomic_load_explicit(&filter->layers, memory_order_acquire);
    if (layers > 0)
        __builtin_prefetch(block_of(&filter->layer[layers - 1], key_filter_hash(filter->secret, key_id)));
}

/* With `adding` held. A block is within one cache line. */
static bool add_layer(struct key_filter *filter, uint64_t room)
{
    unsigned layers = atomic_load(&filter->layers);
    uint64_t blocks = room / KEY_FILTER_KEYS + 1;
    if (layers == KEY_FILTER_LAYERS || blocks > UINT32_MAX / KEY_FILTER_KEYS)
        return false;
    void *words = aligned_alloc(BLOCK_SIZE, blocks * BLOCK_SIZE);
    if (words == NULL)
        return false;
    memset(words, 0, blocks * BLOCK_SIZE);
    filter->layer[layers] = (struct key_filter_layer){
        .words = words, .blocks = (uint32_t)blocks, .left = (uint32_t)blocks * KEY_FILTER_KEYS};
    atomic_store_explicit(&filter->layers, layers + 1, memory_order_release);
    return true;
}

static uint64_t room_of(const struct key_filter *filter)
{
    uint64_t blocks = 0;
    for (unsigned i = 0; i < atomic_load(&filter->layers); i++)
        blocks += filter->layer[i].blocks;
    return blocks * KEY_FILTER_KEYS;
}

/* With `adding` held: the layer that has room; NULL: no memory. */
static struct key_filter_layer *layer_with_room(struct key_filter *filter)
{
    unsigned layers = atomic_load(&filter->layers);
    uint64_t room = room_of(filter);
    if ((layers == 0 || filter->layer[layers - 1].left == 0) &&
        !add_layer(filter, room < KEY_FILTER_ROOM_MIN ? KEY_FILTER_ROOM_MIN : room))
        return NULL;
    return &filter->layer[atomic_load(&filter->layers) - 1];
}

bool key_filter_add(struct key_filter *filter, const char *key_id)
{
    uint64_t hash = key_filter_hash(filter->secret, key_id);
    pthread_mutex_lock(&filter->adding);
    bool added = has(filter, hash);
    struct key_filter_layer *layer = added ? NULL : layer_with_room(filter);
    if (layer != NULL) {
        layer_put(layer, hash);
        added = true;
    }
    pthread_mutex_unlock(&filter->adding);
    return added;
}

void key_filter_expect(struct key_filter *filter, uint64_t keys)
{
    uint64_t believed = keys < KEY_FILTER_EXPECTED_MAX ? keys : KEY_FILTER_EXPECTED_MAX;
    pthread_mutex_lock(&filter->adding);
    if (atomic_load(&filter->layers) == 0 && believed > KEY_FILTER_ROOM_MIN)
        (void)add_layer(filter, believed + believed / 4);
    pthread_mutex_unlock(&filter->adding);
}

bool key_filter_open(struct key_filter *filter)
{
    memset(filter, 0, sizeof *filter);
    pthread_mutex_init(&filter->adding, NULL);
    return getrandom(filter->secret, sizeof filter->secret, 0) == (ssize_t)sizeof filter->secret;
}

void key_filter_close(struct key_filter *filter)
{
    for (unsigned i = 0; i < atomic_load(&filter->layers); i++)
        free(filter->layer[i].words);
    pthread_mutex_destroy(&filter->adding);
}

uint64_t key_filter_bytes(const struct key_filter *filter)
{
    return room_of(filter) / KEY_FILTER_KEYS * BLOCK_SIZE;
}
