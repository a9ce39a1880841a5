/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes as small numbers: a state contains the number, production code gets the 32 bytes. */
#include <stdlib.h>
#include <string.h>

#include "facts/facts.h"

#define HASHES_MAX (1U << 21)
#define PLACES     (1U << 23)

static uint8_t hashes[HASHES_MAX][REGISTRY_DIGEST_SIZE]; /* number 0: all zero, the beginning */
static struct {
    uint32_t before;
    struct fact last;
    uint8_t known;
} origins[HASHES_MAX];
static uint32_t places[PLACES];
static unsigned count = 1;

uint32_t hash_number(const uint8_t hash[REGISTRY_DIGEST_SIZE])
{
    uint32_t place;
    if (memcmp(hash, hashes[0], REGISTRY_DIGEST_SIZE) == 0)
        return 0;
    memcpy(&place, hash, sizeof place);
    for (place %= PLACES; places[place] != 0; place = (place + 1) % PLACES)
        if (memcmp(hashes[places[place]], hash, REGISTRY_DIGEST_SIZE) == 0)
            return places[place];
    if (count == HASHES_MAX)
        abort();
    places[place] = (uint32_t)count;
    memcpy(hashes[count], hash, REGISTRY_DIGEST_SIZE);
    return (uint32_t)count++;
}

const uint8_t *hash_bytes(uint32_t number)
{
    return hashes[number];
}

uint32_t hash_after(uint32_t before, const struct fact *fact)
{
    struct registry_closed filled;
    uint8_t hash[REGISTRY_DIGEST_SIZE];
    fact_fill(fact, 0, &filled);
    registry_closed_hash(hashes[before], &filled, hash);
    uint32_t number = hash_number(hash);
    origins[number].before = before;
    origins[number].last = *fact;
    origins[number].known = 1;
    return number;
}

bool hash_origin(uint32_t head, uint32_t *before, struct fact *last)
{
    *before = origins[head].before;
    *last = origins[head].last;
    return origins[head].known != 0;
}

unsigned hash_length(uint32_t head)
{
    unsigned length = 0;
    for (; origins[head].known; head = origins[head].before)
        length++;
    return length;
}

bool hash_extends(uint32_t head, uint32_t former)
{
    while (head != former && origins[head].known)
        head = origins[head].before;
    return head == former;
}
