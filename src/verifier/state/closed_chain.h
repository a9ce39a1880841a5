/* SPDX-License-Identifier: Apache-2.0 */
/* The facts as a verifier follows them: it extends the hash chain itself, and remembers what was closed or restricted. No clock, no I/O.
 *
 * A restriction is applied as soon as its fact is read, and is never taken back because a row or a fact has disappeared. What permits
 * something is applied once a signed checkpoint covers it: a key has the values of its last fact that is covered, and is restricted by
 * each later one. While the registry's chain does not continue from what was read before, further restrictions are still taken from it,
 * and the count and head that the verifier reports stay where the chain was sound. */
#ifndef VERIFIER_STATE_CLOSED_CHAIN_H
#define VERIFIER_STATE_CLOSED_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "verifier/state/closed_keys.h"
#include "verifier/state/closed_tail.h"
#include "verifier/state/closed_versions.h"
#include "verifier/state/key_facts.h"

struct fact_subject {
    uint8_t ring_id[REGISTRY_ID_SIZE];
    uint32_t version; /* 0: the ring itself */
};

/* Zero at first. Only the polling thread uses it, except for `keys` and `restricted`. */
struct closed_chain {
    struct closed_keys keys;
    struct key_facts restricted;
    struct closed_versions versions; /* closed, and not reinstated since */
    struct closed_tail tail;         /* behind the facts that are covered; empty while the chain is broken */
    struct closed_point sound;       /* up to which the chain is sound */
    struct closed_point seen;        /* in the registry, when it was last read */
    bool broken;                     /* the registry's chain does not continue from `sound` */
    /* the caller calls closed_chain_applied when it has applied to the snapshot what was read */
    bool unapplied; /* facts were read */
    struct fact_subject *
        changed; /* rings and versions that facts are about which were read or are covered now, in any order, some more than once */
    size_t changed_count;
    bool begun;    /* facts contain values, and one follows each change: without that, all rows are read after each */
    bool followed; /* set by the caller: all rows were read since `begun` */
    bool imports;  /* the vault has imported API keys; never taken back */
};

void closed_chain_open(struct closed_chain *chain);
/* Forgets everything, and frees its memory. */
void closed_chain_forget(struct closed_chain *chain);

/* What was read is in the snapshot: it is not unapplied any more. */
void closed_chain_applied(struct closed_chain *chain);

/* Whether the registry has facts that were not read yet, or others than when it was last read. */
bool closed_chain_differs(const struct closed_chain *chain, uint64_t count, const uint8_t head[REGISTRY_DIGEST_SIZE]);

/* How many facts permit something once a checkpoint covers them. */
size_t closed_chain_waiting(const struct closed_chain *chain);

/* The state in which the version was closed; 0: it was not. */
int closed_chain_version(const struct closed_chain *chain, const uint8_t ring_id[REGISTRY_ID_SIZE], uint32_t number);

/* One reading of the registry's facts, which may be repeated from the start before it is ended. Zero at first. */
struct closed_reading {
    struct closed_chain *chain;
    bool continues; /* the registry has what was read before */
    bool broken;
    bool crowded; /* no memory */
    bool widened; /* a fact that permits something was applied */
    struct closed_point at;
    /* from a chain that does not continue: the last values count, and they only restrict */
    struct key_facts doubtful;
    struct closed_versions doubtful_versions;
    char (*keys)[SEALRING_KEY_ID_LENGTH +
                 1]; /* the keys that facts are about which were read, or are covered now; some more than once */
    size_t key_count;
};

/* at_count: the hash of the registry's fact number chain->sound.count, all zero if that is 0; NULL if the registry has no such fact. Returns
 * the number after which facts are to be read. */
uint64_t closed_reading_begin(struct closed_reading *reading, struct closed_chain *chain,
                              const uint8_t at_count[REGISTRY_DIGEST_SIZE]);
/* Applies what restricts something. */
void closed_reading_take(struct closed_reading *reading, const struct registry_closed *fact);

/* After the last fact. Up to which number the facts form a sound chain, and how many of these are covered already. */
uint64_t closed_reading_length(const struct closed_reading *reading);
uint64_t closed_reading_covered(const struct closed_reading *reading);
/* The hash over the first `count` of them, as the verifier has computed it; NULL: `count` is not between those two. */
const uint8_t *closed_reading_head(const struct closed_reading *reading, uint64_t count);

/* Applies what else was read. covered: the number of facts, not above closed_reading_length, that a signed checkpoint covers. *broke: the
 * chain was sound before, and is not any more. False: no memory; what was restricted stays so. Afterwards `keys` and `widened` are valid until
 * the reading is dropped. */
bool closed_reading_end(struct closed_reading *reading, uint64_t covered, bool *broke);
/* Frees its memory; without an end if the transaction failed. */
void closed_reading_drop(struct closed_reading *reading);

#endif
