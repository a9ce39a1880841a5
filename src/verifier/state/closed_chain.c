/* SPDX-License-Identifier: Apache-2.0 */
/* The facts as a verifier follows them: it extends the hash chain itself, and remembers what was closed or restricted. No clock, no I/O. */
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
    closed_versions_clear(&chain->versions);
    tail_clear(&chain->tail);
    chain->sound = chain->seen = (struct closed_point){.count = 0};
    chain->broken = chain->begun = chain->followed = chain->imports = false;
    closed_chain_applied(chain);
}

void closed_chain_applied(struct closed_chain *chain)
{
    free(chain->changed);
    chain->changed = NULL;
    chain->changed_count = 0;
    chain->unapplied = false;
}

bool closed_chain_differs(const struct closed_chain *chain, uint64_t count, const uint8_t head[REGISTRY_DIGEST_SIZE])
{
    return count != chain->seen.count || memcmp(head, chain->seen.head, sizeof chain->seen.head) != 0;
}

size_t closed_chain_waiting(const struct closed_chain *chain)
{
    return tail_permits(&chain->tail);
}

int closed_chain_version(const struct closed_chain *chain, const uint8_t ring_id[REGISTRY_ID_SIZE], uint32_t number)
{
    return closed_versions_state(&chain->versions, ring_id, number);
}

/* ---- Reading: only restricts ---- */

uint64_t closed_reading_begin(struct closed_reading *reading, struct closed_chain *chain,
                              const uint8_t at_count[REGISTRY_DIGEST_SIZE])
{
    closed_reading_drop(reading);
    *reading = (struct closed_reading){.chain = chain};
    tail_cut(&chain->tail, chain->sound.count); /* a reading that failed may have added to it */
    reading->continues =
        !chain->broken && at_count != NULL && memcmp(at_count, chain->sound.head, sizeof chain->sound.head) == 0;
    reading->broken = !reading->continues;
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

static void add_key(struct closed_reading *reading, const char *key_id)
{
    if (!array_grow(&reading->keys, reading->key_count)) {
        reading->crowded = true;
        return;
    }
    memcpy(reading->keys[reading->key_count++], key_id, sizeof *reading->keys);
}

static bool add_subject(struct closed_chain *chain, const uint8_t ring_id[REGISTRY_ID_SIZE], uint32_t version)
{
    if (!array_grow(&chain->changed, chain->changed_count))
        return false;
    struct fact_subject *subject = &chain->changed[chain->changed_count++];
    memcpy(subject->ring_id, ring_id, sizeof subject->ring_id);
    subject->version = version;
    return true;
}

/* A fact about the vault, or about a ring (or a client, of which there is no ring's row). */
static bool take_ring(struct closed_reading *reading, const struct registry_closed *fact)
{
    struct closed_chain *chain = reading->chain;
    bool imports;
    if (!registry_fact_of_vault(fact, &imports))
        return add_subject(chain, fact->ring_id, 0);
    chain->begun = chain->begun || !reading->broken;
    chain->imports = chain->imports || (imports && !reading->broken);
    return true;
}

static bool take_version(struct closed_reading *reading, const struct registry_closed *fact)
{
    struct closed_chain *chain = reading->chain;
    struct closed_version entered = {.number = fact->version, .state = fact->state};
    struct tail_fact fact_of = {
        .sequence = fact->sequence, .is_version = true, .version = fact->version, .state = fact->state};
    memcpy(entered.ring_id, fact->ring_id, sizeof entered.ring_id);
    memcpy(fact_of.ring_id, fact->ring_id, sizeof fact_of.ring_id);
    if (reading->broken)
        return closed_versions_set(&reading->doubtful_versions, &entered);
    fact_of.permits = fact->state < closed_chain_version(chain, fact->ring_id, fact->version);
    return tail_add_fact(&chain->tail, &fact_of) && closed_versions_close(&chain->versions, &entered);
}

static bool take_values(struct closed_reading *reading, struct registry_key *key, uint64_t sequence)
{
    struct closed_chain *chain = reading->chain;
    struct tail_fact fact = {.sequence = sequence,
                             .state = (int)key->state,
                             .narrowed = key->narrowed,
                             .scopes = key->narrowed_scopes,
                             .ends = &key->ends,
                             .networks = key->bound ? &key->networks : NULL};
    memcpy(fact.key_id, key->key_id, sizeof fact.key_id);
    if (reading->broken)
        return key_facts_put(&reading->doubtful, key);
    return key_facts_add(&chain->restricted, key, &fact.permits) && tail_add_fact(&chain->tail, &fact);
}

void closed_reading_take(struct closed_reading *reading, const struct registry_closed *fact)
{
    struct closed_chain *chain = reading->chain;
    struct registry_key key = {.state = SEALRING_KEY_ACTIVE};
    bool good = true, of_key = !fact->is_version && strlen(fact->key_id) == SEALRING_KEY_ID_LENGTH;
    bool has_values = of_key && fact->state != SEALRING_KEY_REVOKED;
    bool valid = !has_values || registry_fact_apply(fact, &key);
    if (!is_next(reading, fact) || !valid)
        reading->broken = true;
    chain->unapplied = true;
    reading->at.count = fact->sequence;
    memcpy(reading->at.head, fact->hash, sizeof reading->at.head);
    memcpy(key.key_id, fact->key_id, sizeof key.key_id);
    if (!reading->broken)
        good = tail_add_head(&chain->tail, fact->hash);
    if (of_key)
        add_key(reading, fact->key_id);
    if (fact->is_version && fact->version > 0)
        good = take_version(reading, fact) && add_subject(chain, fact->ring_id, fact->version) && good;
    else if (fact->is_version)
        good = take_ring(reading, fact) && good;
    else if (has_values && valid)
        good = take_values(reading, &key, fact->sequence) && good;
    else if (of_key && !has_values)
        good = closed_keys_add(&chain->keys, fact->key_id) && good;
    reading->crowded = reading->crowded || !good;
}

/* ---- What is covered ---- */

uint64_t closed_reading_length(const struct closed_reading *reading)
{
    return reading->chain->tail.start.count + (reading->continues ? reading->chain->tail.length : 0);
}

uint64_t closed_reading_covered(const struct closed_reading *reading)
{
    return reading->chain->tail.start.count;
}

const uint8_t *closed_reading_head(const struct closed_reading *reading, uint64_t count)
{
    return reading->continues ? tail_head(&reading->chain->tail, count) : NULL;
}

/* One key's facts in order, of which at least the first is covered. The key's new values take effect at once, so no request sees anything
 * in between. */
static bool settle_key(struct closed_reading *reading, struct tail_fact *const *facts, size_t count, uint64_t covered)
{
    struct registry_key key = {.state = SEALRING_KEY_ACTIVE};
    memcpy(key.key_id, facts[0]->key_id, sizeof key.key_id);
    for (size_t i = 0; i < count; i++) {
        struct tail_fact *fact = facts[i];
        const char *scopes = fact->scopes != NULL ? fact->scopes : "";
        bool counts = fact->sequence <= covered;
        const struct key_limits limits = {.state = (sealring_key_state)fact->state,
                                          .scopes = fact->narrowed ? scopes : NULL,
                                          .ends = fact->ends,
                                          .networks = fact->networks};
        struct registry_key own = {.state = SEALRING_KEY_ACTIVE};
        memcpy(own.key_id, key.key_id, sizeof own.key_id);
        (void)key_restrict(&own, &limits);
        reading->widened = reading->widened || (counts && fact->permits);
        if (counts)
            key = own;
        else
            (void)key_restrict(&key, &limits);
        const struct key_limits total = key_limits_of(&key);
        fact->permits = key_restrict(&own, &total);
    }
    (void)key_facts_restrict(&reading->doubtful, &key, NULL);
    add_key(reading, key.key_id);
    return key_facts_put(&reading->chain->restricted, &key);
}

static bool settle_version(struct closed_reading *reading, struct tail_fact *const *facts, size_t count,
                           uint64_t covered)
{
    struct closed_chain *chain = reading->chain;
    struct closed_version version = {.number = facts[0]->version};
    bool good = true;
    memcpy(version.ring_id, facts[0]->ring_id, sizeof version.ring_id);
    for (size_t i = 0; i < count; i++) {
        struct tail_fact *fact = facts[i];
        bool closed = version.state >= SEALRING_VERSION_RETIRED;
        fact->permits = fact->sequence > covered && closed && fact->state < version.state;
        if (fact->sequence <= covered || fact->state > version.state)
            version.state = fact->state;
    }
    if (version.state < SEALRING_VERSION_RETIRED && closed_chain_version(chain, version.ring_id, version.number) != 0)
        good = add_subject(chain, version.ring_id, version.number);
    return closed_versions_set(&chain->versions, &version) && good;
}

/* If no fact among those that are covered permits anything, the restrictions that were applied while it was read are the whole of it. */
static bool settle_all(struct closed_reading *reading, uint64_t covered)
{
    struct closed_tail *tail = &reading->chain->tail;
    if (!tail_permits_before(tail, covered))
        return true;
    struct tail_fact **facts = tail_by_subject(tail);
    bool good = facts != NULL;
    for (size_t i = 0, run; good && i < tail->count; i += run) {
        run = tail_run(facts + i, tail->count - i);
        if (facts[i]->sequence > covered)
            continue;
        good = facts[i]->is_version ? settle_version(reading, facts + i, run, covered)
                                    : settle_key(reading, facts + i, run, covered);
    }
    free(facts);
    return good;
}

static bool cover(struct closed_reading *reading, uint64_t covered)
{
    struct closed_chain *chain = reading->chain;
    if (!settle_all(reading, covered))
        return false;
    tail_cover(&chain->tail, covered);
    if (chain->sound.count < covered)
        chain->sound = chain->tail.start;
    return true;
}

/* ---- The end ---- */

static bool apply_doubtful(struct closed_reading *reading)
{
    struct closed_chain *chain = reading->chain;
    bool good = key_facts_merge(&chain->restricted, &reading->doubtful);
    for (size_t i = 0; i < reading->doubtful_versions.count; i++)
        good = closed_versions_close(&chain->versions, &reading->doubtful_versions.items[i]) && good;
    return good;
}

bool closed_reading_end(struct closed_reading *reading, uint64_t covered, bool *broke)
{
    struct closed_chain *chain = reading->chain;
    bool good = !reading->crowded;
    *broke = reading->broken && !chain->broken;
    if (good && reading->continues && covered > closed_reading_covered(reading))
        good = cover(reading, covered);
    good = apply_doubtful(reading) && good && !reading->crowded;
    chain->broken = reading->broken;
    if (good)
        chain->seen = reading->at;
    if (good && !reading->broken)
        chain->sound = reading->at;
    if (reading->broken)
        tail_clear(&chain->tail); /* it may never be covered */
    return good;
}

void closed_reading_drop(struct closed_reading *reading)
{
    free(reading->keys);
    key_facts_clear(&reading->doubtful);
    closed_versions_clear(&reading->doubtful_versions);
    memset(reading, 0, sizeof *reading);
}
