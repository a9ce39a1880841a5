/* SPDX-License-Identifier: Apache-2.0 */
/* How often one API key may be renewed: a token bucket for each key, in a table of fixed size. Pure. */
#ifndef GATEWAY_BROKER_KEY_LIMIT_H
#define GATEWAY_BROKER_KEY_LIMIT_H

#include <stdint.h>

enum key_limit_numbers { KEY_LIMIT_BURST = 20, KEY_LIMIT_INTERVAL_MS = 10000, KEY_LIMIT_PLACES = 65536 };

/* A key has the place that a hash with a secret seed gives it. So a full table forgets nobody: two keys in one place share a bucket, which limits
 * them more, never less. */
struct key_limit {
    uint64_t seed;
    struct key_limit_place {
        int64_t full_at; /* when the bucket is full again, ms; zero: it is full */
        uint32_t tag;    /* of the key that `limited` is about */
        uint32_t limited;
    } places[KEY_LIMIT_PLACES];
};

/* Takes one renewal of this key out of its bucket. Returns 0, or the seconds after which there is one. now: ms of a clock that is never set. */
uint32_t key_limit_take(struct key_limit *limit, const char *key_id, int64_t now);

/* Counts a renewal of this key that was not taken; of two keys in one place only for the latter. */
void key_limit_count(struct key_limit *limit, const char *key_id);

/* How many were counted since the last call. */
uint32_t key_limit_counted(struct key_limit *limit, const char *key_id);

#endif
