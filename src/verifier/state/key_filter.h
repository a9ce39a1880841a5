/* SPDX-License-Identifier: Apache-2.0 */
/* A compact filter of key IDs: those that were added are always found, others almost never. It only grows. No clock, no I/O. */
#ifndef VERIFIER_STATE_KEY_FILTER_H
#define VERIFIER_STATE_KEY_FILTER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <sealring/verify.h>

/* A split block Bloom filter, as in Apache Parquet's specification ("Bloom Filter"): a key ID sets one bit in each of the eight words of one
 * block, so a search reads one cache line. Each key has 16 bits of memory, which are two bytes; then about one of 700 unknown key IDs (in each layer that is full) is
 * treated as a known one, and costs the question that it would cost without a filter.
 *
 * The hash is SipHash-2-4 (Aumasson and Bernstein, 2012) with a random key for each filter. A stranger who knew the hash could send only key
 * IDs that are treated as known ones.
 *
 * A full layer is followed by another one, as large as all before it. So nothing is computed again when the filter grows, and nothing that
 * was added is ever missing, not even for a moment: a reader needs no lock. After an addition has returned, every search that begins finds
 * the key ID (release and acquire on the words and on the number of layers). */
#define KEY_FILTER_LAYERS       24
#define KEY_FILTER_WORDS        8                   /* of a block */
#define KEY_FILTER_KEYS         16                  /* that a block has room for */
#define KEY_FILTER_ROOM_MIN     1024                /* keys, of the first layer */
#define KEY_FILTER_EXPECTED_MAX (UINT32_C(1) << 22) /* a larger number is not believed: the layers grow */

struct key_filter_layer {
    _Atomic(uint32_t) *words;
    uint32_t blocks;
    uint32_t left; /* keys that it has room for; the writers' */
};

struct key_filter {
    pthread_mutex_t adding; /* one writer at a time */
    uint64_t secret[2];
    _Atomic(unsigned) layers;
    struct key_filter_layer layer[KEY_FILTER_LAYERS];
};

/* False: the system gives no random numbers. key_filter_close is due in any case. */
bool key_filter_open(struct key_filter *filter);
void key_filter_close(struct key_filter *filter);

/* Before the first addition: about how many will follow. Without it, or with a small number, there are more layers. */
void key_filter_expect(struct key_filter *filter, uint64_t keys);

/* key_id: SEALRING_KEY_ID_LENGTH bytes. False: no memory, and it was not added. Any thread. */
bool key_filter_add(struct key_filter *filter, const char *key_id);

/* False: it was certainly not added. Any thread; takes no lock. */
bool key_filter_may_have(const struct key_filter *filter, const char *key_id);

/* Prefetches the memory that a search for the key ID reads first. */
void key_filter_fetch(const struct key_filter *filter, const char *key_id);

/* SipHash-2-4 of a key ID. */
uint64_t key_filter_hash(const uint64_t secret[2], const char *key_id);

/* Memory in use. */
uint64_t key_filter_bytes(const struct key_filter *filter);

#endif
