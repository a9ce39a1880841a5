/* SPDX-License-Identifier: Apache-2.0 */
/* What a fact does compared with the one before it about the same subject: whether it restricts or permits. Pure. */
#include "log/tail/fact_effect.h"

#include <string.h>

#include "credential/scope.h"

static bool is_no_ring(const uint8_t ring_id[REGISTRY_ID_SIZE])
{
    static const uint8_t none[REGISTRY_ID_SIZE];
    return memcmp(ring_id, none, sizeof none) == 0;
}

/* The lines of a version's value that contain its object's ID and its check value; 0 if the fact has no value. */
static size_t object_lines(const struct registry_closed *fact)
{
    const char *first = strchr(fact->value, '\n'), *second = first == NULL ? NULL : strchr(first + 1, '\n');
    return second == NULL ? 0 : (size_t)(second - fact->value);
}

/* Facts without a value are from before schema 3, and have no object that could differ. */
static bool has_same_object(const struct registry_closed *before, const struct registry_closed *fact)
{
    size_t one = object_lines(before), other = object_lines(fact);
    return one == 0 || (one == other && memcmp(before->value, fact->value, one) == 0);
}

static enum fact_effect effect_on_version(const struct registry_closed *before, const struct registry_closed *fact)
{
    /* before schema 3 an open version had no fact */
    bool was_usable = before == NULL || (before->state < SEALRING_VERSION_COMPROMISED && has_same_object(before, fact));
    bool closes = fact->version > 0 && fact->state == SEALRING_VERSION_COMPROMISED && was_usable;
    if (before == NULL && fact->version == 0 && is_no_ring(fact->ring_id))
        return FACT_BEGINS;
    return closes ? FACT_CLOSES_VERSION : FACT_PERMITS;
}

/* A key without a fact is active and not narrowed, and has the label that it was issued with. */
static bool read_key(const struct registry_closed *fact, struct registry_key *key)
{
    *key = (struct registry_key){.state = SEALRING_KEY_ACTIVE};
    return fact == NULL || registry_fact_apply(fact, key);
}

static enum fact_effect effect_on_key(const struct registry_closed *before, const struct registry_closed *fact)
{
    struct registry_key was, now;
    if (fact->state == SEALRING_KEY_REVOKED)
        return FACT_RESTRICTS_KEY;
    if (!read_key(before, &was) || !read_key(fact, &now))
        return FACT_PERMITS;
    bool suspended = was.state == SEALRING_KEY_ACTIVE || now.state == SEALRING_KEY_SUSPENDED;
    bool narrowed =
        !was.narrowed || (now.narrowed && scope_includes(was.narrowed_scopes, now.narrowed_scopes, NULL, NULL));
    bool labelled = was.relabelled == now.relabelled && strcmp(was.label, now.label) == 0;
    bool ended = ends_include(&now.ends, &was.ends);
    bool bound = !was.bound || (now.bound && networks_within(&now.networks, &was.networks));
    bool held = holders_within(&now.holders, &was.holders);
    bool claimed = key_claim_within(&now.claim, &was.claim);
    return suspended && narrowed && labelled && ended && bound && held && claimed ? FACT_RESTRICTS_KEY : FACT_PERMITS;
}

enum fact_effect fact_effect(const struct registry_closed *before, const struct registry_closed *fact)
{
    return fact->is_version ? effect_on_version(before, fact) : effect_on_key(before, fact);
}
