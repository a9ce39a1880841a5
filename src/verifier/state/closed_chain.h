/* SPDX-License-Identifier: Apache-2.0 */
/* The closed facts as a verifier follows them: it extends the hash chain itself, and remembers what was closed. No clock, no I/O.
 *
 * A restriction is applied as soon as its fact is read, and is never taken back because a row or a fact has disappeared. While the
 * registry's chain does not continue from what was read before, further restrictions are still taken from it, and the count and head
 * that the verifier reports stay where the chain was sound. */
#ifndef VERIFIER_STATE_CLOSED_CHAIN_H
#define VERIFIER_STATE_CLOSED_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/rows/closed_facts.h"
#include "verifier/state/closed_keys.h"
#include "verifier/state/key_facts.h"

struct closed_version {
    uint8_t ring_id[REGISTRY_ID_SIZE];
    uint32_t number;
    int state;
};

/* A place in a chain: the number of facts up to it, and the hash over them. */
struct closed_point {
    uint64_t count;
    uint8_t head[REGISTRY_DIGEST_SIZE];
};

/* Zero at first. Only the polling thread uses it, except for `keys` and `restricted`. */
struct closed_chain {
    struct closed_keys keys;
    struct key_facts restricted;
    struct closed_version *versions; /* closed, and not reinstated since */
    size_t version_count;
    struct closed_point sound; /* up to which the chain is sound */
    struct closed_point seen;  /* in the registry, when it was last read */
    bool broken;               /* the registry's chain does not continue from `sound` */
};

void closed_chain_open(struct closed_chain *chain);
/* Forgets everything, and frees its memory. */
void closed_chain_forget(struct closed_chain *chain);

/* Whether the registry has facts that were not read yet, or others than when it was last read. */
bool closed_chain_differs(const struct closed_chain *chain, uint64_t count, const uint8_t head[REGISTRY_DIGEST_SIZE]);

/* One reading of the registry's facts, which may be repeated from the start before it is ended. */
struct closed_reading {
    struct closed_chain *chain;
    bool broken;
    bool crowded; /* no memory */
    struct closed_point at;
    struct closed_version *changes; /* of versions, in order */
    size_t change_count;
    struct key_facts doubtful; /* from a chain that does not continue: restrictions only */
};

/* at_count: the hash of the registry's fact number chain->sound.count, all zero if that is 0; NULL if the registry has no such fact. Returns
 * the number after which facts are to be read. */
uint64_t closed_reading_begin(struct closed_reading *reading, struct closed_chain *chain,
                              const uint8_t at_count[REGISTRY_DIGEST_SIZE]);
void closed_reading_take(struct closed_reading *reading, const struct registry_closed *fact);
/* Applies what was read. *broke: the chain was sound before, and is not any more. False: no memory; what was taken stays closed. */
bool closed_reading_end(struct closed_reading *reading, bool *broke);
/* In place of the end, if the transaction failed. */
void closed_reading_drop(struct closed_reading *reading);

/* The state in which the version was closed; 0: it was not. */
int closed_chain_version(const struct closed_chain *chain, const uint8_t ring_id[REGISTRY_ID_SIZE], uint32_t number);

#endif
