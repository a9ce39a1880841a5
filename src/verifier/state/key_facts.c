/* SPDX-License-Identifier: Apache-2.0 */
/* What facts restrict API keys to: suspensions, narrowings, networks and ends of credentials, by key ID. No clock, no I/O. */
#include "verifier/state/key_facts.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "credential/scope.h"

struct key_fact {
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    sealring_key_state state;
    bool narrowed;
    struct key_ends *ends;     /* NULL: none */
    struct networks *networks; /* NULL: it is bound to none */
    char scopes[];             /* that it is narrowed to */
};

static void key_fact_free(void *fact)
{
    struct key_fact *freed = fact;
    if (freed != NULL) {
        free(freed->ends);
        free(freed->networks);
    }
    free(freed);
}

bool key_ends_copy(const struct key_ends *ends, struct key_ends **copy)
{
    size_t size = offsetof(struct key_ends, items) + ends->count * sizeof ends->items[0];
    *copy = ends->count > 0 ? malloc(size) : NULL;
    if (*copy != NULL)
        memcpy(*copy, ends, size);
    return *copy != NULL || ends->count == 0;
}

bool key_networks_copy(const struct networks *networks, struct networks **copy)
{
    *copy = NULL;
    if (networks == NULL)
        return true;
    size_t size = offsetof(struct networks, items) + networks->count * sizeof networks->items[0];
    *copy = malloc(size);
    if (*copy != NULL)
        memcpy(*copy, networks, size);
    return *copy != NULL;
}

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

struct key_limits key_limits_of(const struct registry_key *key)
{
    return (struct key_limits){.state = key->state,
                               .scopes = key->narrowed ? key->narrowed_scopes : NULL,
                               .ends = &key->ends,
                               .networks = key->bound ? &key->networks : NULL};
}

static bool bind(struct registry_key *key, const struct networks *networks)
{
    if (networks == NULL || (key->bound && networks_within(&key->networks, networks)))
        return false;
    if (key->bound)
        networks_intersect(&key->networks, networks);
    else
        memcpy(&key->networks, networks, offsetof(struct networks, items) + networks->count * sizeof(struct network));
    key->bound = true;
    return true;
}

bool key_restrict(struct registry_key *key, const struct key_limits *limits)
{
    const char *scopes = limits->scopes;
    bool suspends = limits->state == SEALRING_KEY_SUSPENDED && key->state == SEALRING_KEY_ACTIVE;
    bool narrows = scopes != NULL && (!key->narrowed || !scope_includes(scopes, key->narrowed_scopes, NULL, NULL));
    if (suspends)
        key->state = SEALRING_KEY_SUSPENDED;
    if (narrows && key->narrowed)
        scope_intersect(key->narrowed_scopes, scopes, key->narrowed_scopes);
    else if (narrows)
        memcpy(key->narrowed_scopes, scopes, strlen(scopes) + 1);
    key->narrowed = key->narrowed || narrows;
    bool ended = limits->ends != NULL && ends_restrict(&key->ends, limits->ends);
    return bind(key, limits->networks) || suspends || narrows || ended;
}

static struct key_limits limits_of_fact(const struct key_fact *fact)
{
    return (struct key_limits){.state = fact->state,
                               .scopes = fact->narrowed ? fact->scopes : NULL,
                               .ends = fact->ends,
                               .networks = fact->networks};
}

static bool restrict_to(const struct key_fact *fact, struct registry_key *key)
{
    const struct key_limits limits = limits_of_fact(fact);
    return key_restrict(key, &limits);
}

bool key_facts_restrict(struct key_facts *facts, struct registry_key *key, struct registry_credential *credential)
{
    pthread_mutex_lock(&facts->mutex);
    struct key_fact *const *place = find(facts, key->key_id);
    const struct key_fact *fact = place != NULL ? *place : NULL;
    struct key_limits limits = {.state = SEALRING_KEY_ACTIVE};
    if (fact != NULL)
        limits = limits_of_fact(fact);
    limits.ends = NULL;
    bool restricted = key_restrict(key, &limits);
    bool ended =
        fact != NULL && fact->ends != NULL && credential != NULL && registry_credential_end(credential, fact->ends);
    if (fact != NULL && fact->ends != NULL)
        (void)ends_restrict(&key->ends, fact->ends);
    pthread_mutex_unlock(&facts->mutex);
    return restricted || ended;
}

static struct key_fact *key_fact_new(const struct registry_key *key)
{
    size_t size = strlen(key->narrowed_scopes) + 1;
    struct key_fact *fact = calloc(1, sizeof *fact + size);
    if (fact == NULL || !key_ends_copy(&key->ends, &fact->ends) ||
        !key_networks_copy(key->bound ? &key->networks : NULL, &fact->networks)) {
        key_fact_free(fact);
        return NULL;
    }
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
    bool restricts = put.state != SEALRING_KEY_ACTIVE || put.narrowed || put.ends.count > 0 || put.bound;
    if (restricts && (fact = key_fact_new(&put)) == NULL)
        return false;
    if (former != NULL && fact != NULL)
        *place = fact;
    else if (former != NULL)
        tdelete(former, &facts->root, compare_ids);
    else if (fact != NULL && tsearch(fact, &facts->root, compare_ids) == NULL)
        former = fact;
    bool put_in = fact == NULL || former != fact;
    key_fact_free(former);
    return put_in;
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
        struct registry_key key = {.state = SEALRING_KEY_ACTIVE};
        memcpy(key.key_id, fact->key_id, sizeof key.key_id);
        (void)restrict_to(fact, &key);
        good = key_facts_add(facts, &key, &permits) && good;
        tdelete(fact, &others->root, compare_ids);
        key_fact_free(fact);
    }
    return good;
}

void key_facts_clear(struct key_facts *facts)
{
    pthread_mutex_lock(&facts->mutex);
    tdestroy(facts->root, key_fact_free);
    facts->root = NULL;
    pthread_mutex_unlock(&facts->mutex);
}
