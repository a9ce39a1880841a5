/* SPDX-License-Identifier: Apache-2.0 */
/* What facts restrict API keys to: suspensions and narrowings, by key ID. No clock, no I/O. */
#include "verifier/state/key_facts.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "credential/scope.h"

struct key_fact {
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    sealring_key_state state;
    bool narrowed;
    char scopes[]; /* that it is narrowed to */
};

static int compare_ids(const void *one, const void *other)
{
    return strcmp(((const struct key_fact *)one)->key_id, ((const struct key_fact *)other)->key_id);
}

static struct key_fact **find(const struct key_facts *facts, const char *key_id)
{
    struct key_fact wanted;
    memcpy(wanted.key_id, key_id, sizeof wanted.key_id);
    return (struct key_fact **)tfind(&wanted, &facts->root, compare_ids);
}

bool key_restrict(struct registry_key *key, sealring_key_state state, const char *scopes)
{
    bool suspends = state == SEALRING_KEY_SUSPENDED && key->state == SEALRING_KEY_ACTIVE;
    bool narrows = scopes != NULL && (!key->narrowed || !scope_includes(scopes, key->narrowed_scopes, NULL, NULL));
    if (suspends)
        key->state = SEALRING_KEY_SUSPENDED;
    if (narrows && key->narrowed)
        scope_intersect(key->narrowed_scopes, scopes, key->narrowed_scopes);
    else if (narrows)
        memcpy(key->narrowed_scopes, scopes, strlen(scopes) + 1);
    key->narrowed = key->narrowed || narrows;
    return suspends || narrows;
}

static bool restrict_to(const struct key_fact *fact, struct registry_key *key)
{
    return key_restrict(key, fact->state, fact->narrowed ? fact->scopes : NULL);
}

bool key_facts_restrict(struct key_facts *facts, struct registry_key *key)
{
    pthread_mutex_lock(&facts->mutex);
    struct key_fact *const *fact = find(facts, key->key_id);
    bool restricted = fact != NULL && restrict_to(*fact, key);
    pthread_mutex_unlock(&facts->mutex);
    return restricted;
}

static struct key_fact *key_fact_new(const struct registry_key *key)
{
    size_t size = strlen(key->narrowed_scopes) + 1;
    struct key_fact *fact = malloc(sizeof *fact + size);
    if (fact == NULL)
        return NULL;
    memcpy(fact->key_id, key->key_id, sizeof fact->key_id);
    fact->state = key->state;
    fact->narrowed = key->narrowed;
    memcpy(fact->scopes, key->narrowed_scopes, size);
    return fact;
}

/* permits: NULL: the new values count as they are. */
static bool put_locked(struct key_facts *facts, const struct registry_key *key, bool *permits)
{
    struct registry_key put = *key;
    struct key_fact **place = find(facts, key->key_id), *former = place != NULL ? *place : NULL, *fact = NULL;
    if (permits != NULL)
        *permits = former != NULL && restrict_to(former, &put);
    if ((put.state != SEALRING_KEY_ACTIVE || put.narrowed) && (fact = key_fact_new(&put)) == NULL)
        return false;
    if (former != NULL && fact != NULL)
        *place = fact;
    else if (former != NULL)
        tdelete(former, &facts->root, compare_ids);
    else if (fact != NULL && tsearch(fact, &facts->root, compare_ids) == NULL)
        former = fact;
    free(former);
    return fact == NULL || former != fact;
}

bool key_facts_put(struct key_facts *facts, const struct registry_key *key)
{
    pthread_mutex_lock(&facts->mutex);
    bool good = put_locked(facts, key, NULL);
    pthread_mutex_unlock(&facts->mutex);
    return good;
}

bool key_facts_add(struct key_facts *facts, const struct registry_key *key, bool *permits)
{
    pthread_mutex_lock(&facts->mutex);
    bool good = put_locked(facts, key, permits);
    pthread_mutex_unlock(&facts->mutex);
    return good;
}

bool key_facts_merge(struct key_facts *facts, struct key_facts *others)
{
    bool good = true, permits;
    while (others->root != NULL) {
        struct key_fact *fact = *(struct key_fact **)others->root;
        struct registry_key key = {.state = fact->state, .narrowed = fact->narrowed};
        memcpy(key.key_id, fact->key_id, sizeof key.key_id);
        memcpy(key.narrowed_scopes, fact->scopes, strlen(fact->scopes) + 1);
        good = key_facts_add(facts, &key, &permits) && good;
        tdelete(fact, &others->root, compare_ids);
        free(fact);
    }
    return good;
}

void key_facts_clear(struct key_facts *facts)
{
    pthread_mutex_lock(&facts->mutex);
    tdestroy(facts->root, free);
    facts->root = NULL;
    pthread_mutex_unlock(&facts->mutex);
}
