/* SPDX-License-Identifier: Apache-2.0 */
/* The closed facts as a verifier follows them: it extends the hash chain itself, and remembers what was closed. No clock, no I/O. */
#include "verifier/state/closed_chain.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void closed_chain_open(struct closed_chain *chain)
{
    pthread_mutex_init(&chain->keys.mutex, NULL);
    pthread_mutex_init(&chain->restricted.mutex, NULL);
}

void closed_chain_forget(struct closed_chain *chain)
{
    closed_keys_clear(&chain->keys);
    key_facts_clear(&chain->restricted);
    free(chain->versions);
    chain->versions = NULL;
    chain->version_count = 0;
    chain->sound = chain->seen = (struct closed_point){.count = 0};
    chain->broken = false;
}

bool closed_chain_differs(const struct closed_chain *chain, uint64_t count, const uint8_t head[REGISTRY_DIGEST_SIZE])
{
    return count != chain->seen.count || memcmp(head, chain->seen.head, sizeof chain->seen.head) != 0;
}

uint64_t closed_reading_begin(struct closed_reading *reading, struct closed_chain *chain,
                              const uint8_t at_count[REGISTRY_DIGEST_SIZE])
{
    closed_reading_drop(reading);
    *reading = (struct closed_reading){.chain = chain};
    reading->broken =
        chain->broken || at_count == NULL || memcmp(at_count, chain->sound.head, sizeof chain->sound.head) != 0;
    if (reading->broken)
        return 0; /* from the first one on: each may be a restriction that was not known */
    reading->at = chain->sound;
    return chain->sound.count;
}

/* The registry's rows and facts may have any content: a fact counts for the chain only if it is the next one. */
static bool is_next(const struct closed_reading *reading, const struct registry_closed *fact)
{
    uint8_t hash[REGISTRY_DIGEST_SIZE];
    registry_closed_hash(reading->at.head, fact, hash);
    return fact->sequence == reading->at.count + 1 && memcmp(hash, fact->hash, sizeof hash) == 0;
}

static void take_version(struct closed_reading *reading, const struct registry_closed *fact)
{
    if (!array_grow(&reading->changes, reading->change_count)) {
        reading->crowded = true;
        return;
    }
    struct closed_version *change = &reading->changes[reading->change_count++];
    memcpy(change->ring_id, fact->ring_id, sizeof change->ring_id);
    change->number = fact->version;
    change->state = fact->state;
}

static void take_values(struct closed_reading *reading, const struct registry_closed *fact)
{
    struct closed_chain *chain = reading->chain;
    struct registry_key key = {.state = SEALRING_KEY_ACTIVE};
    memcpy(key.key_id, fact->key_id, sizeof key.key_id);
    if (!registry_fact_apply(fact, &key)) {
        reading->broken = true;
        return;
    }
    struct key_facts *facts = reading->broken ? &reading->doubtful : &chain->restricted;
    if (!key_facts_put(facts, &key, true))
        reading->crowded = true;
}

void closed_reading_take(struct closed_reading *reading, const struct registry_closed *fact)
{
    if (!is_next(reading, fact))
        reading->broken = true;
    reading->at.count = fact->sequence;
    memcpy(reading->at.head, fact->hash, sizeof reading->at.head);
    if (fact->is_version && fact->version == 0)
        return; /* about a ring, or that facts with values begin */
    if (fact->is_version)
        take_version(reading, fact);
    else if (strlen(fact->key_id) == SEALRING_KEY_ID_LENGTH && fact->state != SEALRING_KEY_REVOKED)
        take_values(reading, fact);
    else if (strlen(fact->key_id) == SEALRING_KEY_ID_LENGTH && !closed_keys_add(&reading->chain->keys, fact->key_id))
        reading->crowded = true;
}

static struct closed_version *find_version(const struct closed_chain *chain, const uint8_t *ring_id, uint32_t number)
{
    for (size_t i = 0; i < chain->version_count; i++)
        if (chain->versions[i].number == number && memcmp(chain->versions[i].ring_id, ring_id, REGISTRY_ID_SIZE) == 0)
            return &chain->versions[i];
    return NULL;
}

/* A reinstatement counts only on a sound chain. */
static bool apply_version(struct closed_chain *chain, const struct closed_version *change)
{
    struct closed_version *known = find_version(chain, change->ring_id, change->number);
    bool closes = change->state >= SEALRING_VERSION_RETIRED;
    if (known != NULL && closes) {
        *known = *change;
    } else if (known != NULL && !chain->broken) {
        *known = chain->versions[--chain->version_count];
    } else if (known == NULL && closes) {
        if (!array_grow(&chain->versions, chain->version_count))
            return false;
        chain->versions[chain->version_count++] = *change;
    }
    return true;
}

bool closed_reading_end(struct closed_reading *reading, bool *broke)
{
    struct closed_chain *chain = reading->chain;
    bool good = !reading->crowded;
    *broke = reading->broken && !chain->broken;
    chain->broken = reading->broken;
    for (size_t i = 0; i < reading->change_count; i++)
        good = apply_version(chain, &reading->changes[i]) && good;
    good = key_facts_merge(&chain->restricted, &reading->doubtful) && good;
    if (good)
        chain->seen = reading->at;
    if (good && !reading->broken)
        chain->sound = reading->at;
    closed_reading_drop(reading);
    return good;
}

void closed_reading_drop(struct closed_reading *reading)
{
    free(reading->changes);
    key_facts_clear(&reading->doubtful);
    memset(reading, 0, sizeof *reading);
}

int closed_chain_version(const struct closed_chain *chain, const uint8_t ring_id[REGISTRY_ID_SIZE], uint32_t number)
{
    const struct closed_version *known = find_version(chain, ring_id, number);
    return known != NULL ? known->state : 0;
}
