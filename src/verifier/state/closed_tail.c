/* SPDX-License-Identifier: Apache-2.0 */
/* The facts that no signed checkpoint covers yet, as a verifier keeps them. No clock, no I/O. */
#include "verifier/state/closed_tail.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "verifier/state/key_facts.h"

bool tail_add_head(struct closed_tail *tail, const uint8_t head[REGISTRY_DIGEST_SIZE])
{
    if (!array_grow(&tail->heads, tail->length))
        return false;
    memcpy(tail->heads[tail->length++], head, REGISTRY_DIGEST_SIZE);
    return true;
}

bool tail_add_fact(struct closed_tail *tail, const struct tail_fact *fact)
{
    bool has_scopes = fact->scopes != NULL && fact->scopes[0] != '\0';
    char *scopes = has_scopes ? strdup(fact->scopes) : NULL;
    struct key_ends *ends = NULL;
    struct networks *networks = NULL;
    if ((has_scopes && scopes == NULL) || (fact->ends != NULL && !key_ends_copy(fact->ends, &ends)) ||
        !key_networks_copy(fact->networks, &networks) || !array_grow(&tail->facts, tail->count)) {
        free(scopes);
        free(ends);
        free(networks);
        return false;
    }
    tail->facts[tail->count] = *fact;
    tail->facts[tail->count].scopes = scopes;
    tail->facts[tail->count].networks = networks;
    tail->facts[tail->count++].ends = ends;
    return true;
}

const uint8_t *tail_head(const struct closed_tail *tail, uint64_t count)
{
    if (count < tail->start.count || count - tail->start.count > tail->length)
        return NULL;
    return count == tail->start.count ? tail->start.head : tail->heads[count - tail->start.count - 1];
}

static int compare_subjects(const struct tail_fact *one, const struct tail_fact *other)
{
    if (one->is_version != other->is_version)
        return one->is_version ? 1 : -1;
    if (!one->is_version)
        return memcmp(one->key_id, other->key_id, sizeof one->key_id);
    int order = memcmp(one->ring_id, other->ring_id, sizeof one->ring_id);
    return order != 0 ? order : (one->version > other->version) - (one->version < other->version);
}

static int compare_facts(const void *one, const void *other)
{
    const struct tail_fact *const *a = one, *const *b = other;
    int order = compare_subjects(*a, *b);
    return order != 0 ? order : ((*a)->sequence > (*b)->sequence) - ((*a)->sequence < (*b)->sequence);
}

struct tail_fact **tail_by_subject(const struct closed_tail *tail)
{
    struct tail_fact **facts = calloc(tail->count + 1, sizeof(struct tail_fact *));
    if (facts == NULL)
        return NULL;
    for (size_t i = 0; i < tail->count; i++)
        facts[i] = &tail->facts[i];
    qsort(facts, tail->count, sizeof *facts, compare_facts);
    return facts;
}

size_t tail_run(struct tail_fact *const *facts, size_t count)
{
    size_t length = 1;
    while (length < count && compare_subjects(facts[0], facts[length]) == 0)
        length++;
    return length;
}

size_t tail_permits(const struct closed_tail *tail)
{
    size_t permits = 0;
    for (size_t i = 0; i < tail->count; i++)
        permits += tail->facts[i].permits;
    return permits;
}

bool tail_permits_before(const struct closed_tail *tail, uint64_t count)
{
    for (size_t i = 0; i < tail->count && tail->facts[i].sequence <= count; i++)
        if (tail->facts[i].permits)
            return true;
    return false;
}

static void free_facts(struct closed_tail *tail, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        free(tail->facts[i].scopes);
        free(tail->facts[i].ends);
        free(tail->facts[i].networks);
    }
}

void tail_cut(struct closed_tail *tail, uint64_t count)
{
    size_t keep = 0;
    if (count <= tail->start.count)
        tail->length = 0;
    else if (count - tail->start.count < tail->length)
        tail->length = (size_t)(count - tail->start.count);
    while (keep < tail->count && tail->facts[keep].sequence <= count)
        keep++;
    free_facts(tail, keep, tail->count);
    tail->count = keep;
}

void tail_cover(struct closed_tail *tail, uint64_t count)
{
    const uint8_t *head = tail_head(tail, count);
    size_t covered = 0;
    if (head == NULL || count == tail->start.count)
        return;
    while (covered < tail->count && tail->facts[covered].sequence <= count)
        covered++;
    free_facts(tail, 0, covered);
    size_t passed = (size_t)(count - tail->start.count);
    memcpy(tail->start.head, head, sizeof tail->start.head);
    tail->start.count = count;
    tail->length -= passed;
    tail->count -= covered;
    if (tail->length == 0) { /* mostly; after the start it was the whole chain */
        free(tail->heads);
        free(tail->facts);
        tail->heads = NULL;
        tail->facts = NULL;
        return;
    }
    memmove(tail->heads, tail->heads + passed, tail->length * sizeof *tail->heads);
    if (tail->count > 0)
        memmove(tail->facts, tail->facts + covered, tail->count * sizeof *tail->facts);
}

void tail_clear(struct closed_tail *tail)
{
    free_facts(tail, 0, tail->count);
    free(tail->facts);
    free(tail->heads);
    memset(tail, 0, sizeof *tail);
}
