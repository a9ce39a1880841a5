/* SPDX-License-Identifier: Apache-2.0 */
/* Follows the chain of facts, and examines those that no signed checkpoint covers. */
#include "log/tail/fact_tail.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A note counts while the registry has the facts that it is about, and not others under their numbers. */
static sealring_status has_head(struct registry *registry, const struct own_note *note, bool *has,
                                sealring_error *error)
{
    uint8_t hash[REGISTRY_DIGEST_SIZE];
    sealring_status status = registry_closed_find(registry, note->facts, hash, has, error);
    *has = *has && memcmp(hash, note->head, sizeof hash) == 0;
    return status;
}

static bool is_about(const struct own_note *note, uint64_t fact)
{
    return note->kind != OWN_NOTE_EXAMINED && fact > note->facts_before && fact <= note->facts;
}

static sealring_status is_own(struct registry *registry, const struct own_notes *own,
                              const struct registry_closed *fact, bool *is, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    *is = false;
    for (size_t i = 0; status == SEALRING_OK && !*is && i < own->kept_count; i++)
        if (is_about(&own->kept[i], fact->sequence))
            status = has_head(registry, &own->kept[i], is, error);
    for (size_t i = 0; status == SEALRING_OK && !*is && i < own->count; i++)
        if (is_about(&own->list[i], fact->sequence))
            status = has_head(registry, &own->list[i], is, error);
    return status;
}

/* What an act is known to have added or found may not be removed before it is signed, either. */
static sealring_status find_missing(struct registry *registry, struct fact_tail *tail, uint64_t signed_count,
                                    const struct own_notes *own, sealring_error *error)
{
    sealring_status status = SEALRING_OK;
    for (size_t i = 0; status == SEALRING_OK && tail->missing == 0 && i < own->count; i++) {
        const struct own_note *note = &own->list[i];
        bool has;
        if (note->kind != OWN_NOTE_COMMITTED || note->facts <= signed_count)
            continue;
        status = has_head(registry, note, &has, error);
        if (status == SEALRING_OK && !has)
            tail->missing = note->facts;
    }
    return status;
}

static sealring_status read_effect(struct registry *registry, const struct registry_closed *fact,
                                   enum fact_effect *effect, sealring_error *error)
{
    struct registry_closed before;
    bool found;
    sealring_status status = registry_closed_before(registry, fact, &before, &found, error);
    if (status == SEALRING_OK)
        *effect = fact_effect(found ? &before : NULL, fact);
    return status;
}

static void name_fact(const struct registry_closed *fact, char name[FACT_NAME_SIZE])
{
    const char *state = sealring_version_state_name((sealring_version_state)fact->state);
    if (!fact->is_version)
        snprintf(name, FACT_NAME_SIZE, "fact %" PRIu64 ", which sets API key %s to %s", fact->sequence, fact->key_id,
                 sealring_key_state_name((sealring_key_state)fact->state));
    else if (fact->version == 0)
        snprintf(name, FACT_NAME_SIZE, "fact %" PRIu64 ", which sets a ring's policy or a client's contact",
                 fact->sequence);
    else
        snprintf(name, FACT_NAME_SIZE, "fact %" PRIu64 ", which sets version %" PRIu32 " of a ring to %s",
                 fact->sequence, fact->version, state);
}

static sealring_status examine(struct registry *registry, struct fact_tail *tail, const struct registry_closed *fact,
                               const struct own_notes *own, sealring_error *error)
{
    enum fact_effect effect;
    bool own_fact;
    sealring_status status = is_own(registry, own, fact, &own_fact, error);
    if (status != SEALRING_OK || own_fact)
        return status;
    status = read_effect(registry, fact, &effect, error);
    if (status != SEALRING_OK)
        return status;
    if (effect == FACT_RESTRICTS_KEY)
        tail->restrictions++;
    else if (tail->others++ == 0)
        name_fact(fact, tail->other);
    return SEALRING_OK;
}

static bool continues(const struct fact_tail *tail, const struct registry_closed *fact)
{
    uint8_t hash[REGISTRY_DIGEST_SIZE];
    registry_closed_hash(tail->head, fact, hash);
    return fact->sequence == tail->count + 1 && memcmp(hash, fact->hash, sizeof hash) == 0;
}

/* The facts that were read before may have been changed or removed meanwhile. */
static sealring_status check_point(struct registry *registry, struct fact_tail *tail, sealring_error *error)
{
    uint8_t hash[REGISTRY_DIGEST_SIZE];
    bool found;
    sealring_status status = registry_closed_find(registry, tail->count, hash, &found, error);
    if (status == SEALRING_OK && (!found || memcmp(hash, tail->head, sizeof hash) != 0))
        tail->broken = tail->count;
    return status;
}

static sealring_status follow(struct registry *registry, struct fact_tail *tail, bool signs, uint64_t signed_count,
                              const uint8_t signed_hash[REGISTRY_DIGEST_SIZE], const struct own_notes *own,
                              sealring_error *error)
{
    struct registry_closed fact;
    sealring_status status = check_point(registry, tail, error);
    if (status != SEALRING_OK || tail->broken != 0)
        return status;
    struct registry_cursor facts = registry_closed_facts(registry, tail->count, error);
    while (status == SEALRING_OK && tail->broken == 0 && registry_closed_next(&facts, &fact)) {
        if (!continues(tail, &fact)) {
            tail->broken = fact.sequence;
            break;
        }
        tail->count = fact.sequence;
        memcpy(tail->head, fact.hash, sizeof tail->head);
        if (fact.sequence == signed_count && memcmp(fact.hash, signed_hash, sizeof fact.hash) != 0)
            tail->lacks_signed = true;
        if (signs && fact.sequence > signed_count)
            status = examine(registry, tail, &fact, own, error);
    }
    status = registry_close_cursor(&facts, status);
    tail->lacks_signed = tail->lacks_signed || (tail->broken == 0 && tail->count < signed_count);
    return status == SEALRING_OK && signs ? find_missing(registry, tail, signed_count, own, error) : status;
}

sealring_status fact_tail_follow(struct registry *registry, struct fact_tail *tail, bool signs, uint64_t signed_count,
                                 const uint8_t signed_hash[REGISTRY_DIGEST_SIZE], const struct own_notes *own,
                                 sealring_error *error)
{
    struct fact_tail followed = *tail; /* after a failure, such as a conflict, all of it is read again */
    sealring_status status = follow(registry, &followed, signs, signed_count, signed_hash, own, error);
    if (status == SEALRING_OK)
        *tail = followed;
    return status;
}

sealring_status fact_tail_permits(struct registry *registry, uint64_t count, bool *permits, sealring_error *error)
{
    struct registry_closed fact;
    enum fact_effect effect;
    sealring_status status = SEALRING_OK;
    *permits = false;
    struct registry_cursor facts = registry_closed_facts(registry, count, error);
    while (status == SEALRING_OK && !*permits && registry_closed_next(&facts, &fact)) {
        status = read_effect(registry, &fact, &effect, error);
        *permits = status == SEALRING_OK && effect == FACT_PERMITS;
    }
    return registry_close_cursor(&facts, status);
}
