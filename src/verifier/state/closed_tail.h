/* SPDX-License-Identifier: Apache-2.0 */
/* The facts that no signed checkpoint covers yet, as a verifier keeps them. No clock, no I/O. */
#ifndef VERIFIER_STATE_CLOSED_TAIL_H
#define VERIFIER_STATE_CLOSED_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry/rows/closed_facts.h"

/* A place in a chain: the number of facts up to it, and the hash over them. */
struct closed_point {
    uint64_t count;
    uint8_t head[REGISTRY_DIGEST_SIZE];
};

/* New values of an API key, or the state that a version entered. */
struct tail_fact {
    uint64_t sequence;
    bool is_version;
    bool narrowed;
    bool permits; /* the key, or the version, is more restricted than this */
    int state;
    char key_id[SEALRING_KEY_ID_LENGTH + 1];
    uint8_t ring_id[REGISTRY_ID_SIZE];
    uint32_t version;
    char *scopes;              /* NULL: "" */
    struct key_ends *ends;     /* NULL: none */
    struct networks *networks; /* NULL: it is bound to none */
};

/* Zero at first. */
struct closed_tail {
    struct closed_point start;              /* the facts up to here are covered */
    uint8_t (*heads)[REGISTRY_DIGEST_SIZE]; /* the hash over all facts up to each one that follows */
    size_t length;
    struct tail_fact *facts; /* those among them that may permit something, and what such a one may be restricted by */
    size_t count;
};

/* Each adds at the end; the fact is copied, with scopes, ends and networks. False: no memory, and the tail is unchanged. */
bool tail_add_head(struct closed_tail *tail, const uint8_t head[REGISTRY_DIGEST_SIZE]);
bool tail_add_fact(struct closed_tail *tail, const struct tail_fact *fact);

/* The hash over the first `count` facts; NULL: they end before or after the tail. */
const uint8_t *tail_head(const struct closed_tail *tail, uint64_t count);

/* The facts in order of their subjects, and those about one in their own order, as an array that the caller frees. NULL: no memory. */
struct tail_fact **tail_by_subject(const struct closed_tail *tail);
/* The number of facts about the same subject at the beginning of that order's rest. */
size_t tail_run(struct tail_fact *const *facts, size_t count);

/* How many of the facts permit something; and whether one up to number `count` does. */
size_t tail_permits(const struct closed_tail *tail);
bool tail_permits_before(const struct closed_tail *tail, uint64_t count);

/* Removes the facts after number `count`; and those up to it, which are covered now. */
void tail_cut(struct closed_tail *tail, uint64_t count);
void tail_cover(struct closed_tail *tail, uint64_t count);
void tail_clear(struct closed_tail *tail);

#endif
