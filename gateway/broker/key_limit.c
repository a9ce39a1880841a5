/* SPDX-License-Identifier: Apache-2.0 */
/* How often one API key may be renewed: a token bucket for each key, in a table of fixed size. Pure. */
#include "gateway/broker/key_limit.h"

/* FNV-1a, from a secret beginning. */
static uint64_t hash(uint64_t seed, const char *text)
{
    uint64_t value = UINT64_C(14695981039346656037) ^ seed;
    for (; *text != '\0'; text++)
        value = (value ^ (uint8_t)*text) * UINT64_C(1099511628211);
    return value ^ value >> 32;
}

static struct key_limit_place *find(struct key_limit *limit, const char *key_id)
{
    return &limit->places[hash(limit->seed, key_id) % KEY_LIMIT_PLACES];
}

/* A bucket is the time at which it would be full: each renewal moves that by the interval, at most by the burst into the future. */
uint32_t key_limit_take(struct key_limit *limit, const char *key_id, int64_t now)
{
    int64_t *full_at = &find(limit, key_id)->full_at;
    int64_t begin = *full_at > now ? *full_at : now;
    int64_t wait = begin - now - (int64_t)(KEY_LIMIT_BURST - 1) * KEY_LIMIT_INTERVAL_MS;
    if (wait > 0)
        return (uint32_t)((wait + 999) / 1000);
    *full_at = begin + KEY_LIMIT_INTERVAL_MS;
    return 0;
}

void key_limit_count(struct key_limit *limit, const char *key_id)
{
    struct key_limit_place *place = find(limit, key_id);
    uint32_t tag = (uint32_t)(hash(limit->seed, key_id) >> 32);
    if (place->tag != tag)
        place->limited = 0;
    place->tag = tag;
    if (place->limited < UINT32_MAX)
        place->limited++;
}

uint32_t key_limit_counted(struct key_limit *limit, const char *key_id)
{
    struct key_limit_place *place = find(limit, key_id);
    if (place->tag != (uint32_t)(hash(limit->seed, key_id) >> 32))
        return 0;
    uint32_t counted = place->limited;
    place->limited = 0;
    return counted;
}
