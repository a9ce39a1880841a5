/* SPDX-License-Identifier: Apache-2.0 */
/* What facts restrict API keys to: suspensions, narrowings and ends of credentials, by key ID. No clock, no I/O. */
#ifndef VERIFIER_STATE_KEY_FACTS_H
#define VERIFIER_STATE_KEY_FACTS_H

#include <pthread.h>
#include <stdbool.h>

#include "registry/rows/closed_facts.h"

/* A tree of tsearch(3), NULL at first: the keys that are suspended or narrowed, or whose credentials end. Any thread may call the functions. */
struct key_facts {
    pthread_mutex_t mutex;
    void *root;
};

/* A copy that has room for its bounds only, as there may be many of them: to be read through the functions of key_ends.h, and freed. *copy is NULL
 * if there are no bounds. False: no memory. */
bool key_ends_copy(const struct key_ends *ends, struct key_ends **copy);
/* The same; networks NULL: *copy is NULL. */
bool key_networks_copy(const struct networks *networks, struct networks **copy);

/* What restricts an API key. */
struct key_limits {
    sealring_key_state state;        /* active or suspended */
    const char *scopes;              /* that it is narrowed to; NULL: it is not */
    const struct key_ends *ends;     /* NULL: none */
    const struct networks *networks; /* that it is bound to; NULL: it is not */
};

/* The limits that the key has, pointing into it. */
struct key_limits key_limits_of(const struct registry_key *key);

/* Adds these to the key's: of scopes and networks that it had, those stay that are in these. Whether that changed it. */
bool key_restrict(struct registry_key *key, const struct key_limits *limits);

/* Sets what the key is restricted to, which may be nothing. key: key_id, state, narrowed, narrowed_scopes, ends, networks. False: no memory, and nothing was
 * changed. */
bool key_facts_put(struct key_facts *facts, const struct registry_key *key);
/* Adds to what it is restricted to. *permits: it was, and is, more restricted than that. */
bool key_facts_add(struct key_facts *facts, const struct registry_key *key, bool *permits);

/* Restricts the key, as its row was read, and one of its credentials (NULL: none) to what the facts say. A row may be more restricted: it may be
 * newer. Whether that changed them, apart from key->ends, which no row contains. */
bool key_facts_restrict(struct key_facts *facts, struct registry_key *key, struct registry_credential *credential);

/* Adds every restriction of `others`, which no other thread uses, to these, and empties it. False: no memory. */
bool key_facts_merge(struct key_facts *facts, struct key_facts *others);

void key_facts_clear(struct key_facts *facts);

#endif
