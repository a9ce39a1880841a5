/* SPDX-License-Identifier: Apache-2.0 */
/* Follows the chain of facts, and examines those that no signed checkpoint covers. */
#ifndef LOG_TAIL_FACT_TAIL_H
#define LOG_TAIL_FACT_TAIL_H

#include "log/tail/fact_effect.h"
#include "log/tail/own_note.h"

#define FACT_NAME_SIZE 160

/* The facts up to `count`, which were read and form a chain. Zero: none. */
struct fact_tail {
    uint64_t count;
    uint8_t head[REGISTRY_DIGEST_SIZE];
    uint64_t restrictions;      /* of keys, by another process, which no checkpoint covers */
    uint64_t others;            /* that need a signature, or their own process */
    char other[FACT_NAME_SIZE]; /* the first of these */
    uint64_t broken;            /* the first number at which the chain does not continue; 0: it does */
    uint64_t missing;           /* the first that a note shows to have been committed, and that is not there; 0: none */
    bool lacks_signed;          /* the registry has not the facts that a checkpoint covers */
};

/* In a transaction: reads the facts after tail->count, of which the first signed_count are those that a checkpoint with signed_hash covers (if
 * it is 0, and signs is false, nobody signs in this vault, and no fact is examined). Ends at the first that breaks the chain. */
sealring_status fact_tail_follow(struct registry *registry, struct fact_tail *tail, bool signs, uint64_t signed_count,
                                 const uint8_t signed_hash[REGISTRY_DIGEST_SIZE], const struct own_notes *own,
                                 sealring_error *error);

/* In a transaction: whether one of the facts after `count` permits something. */
sealring_status fact_tail_permits(struct registry *registry, uint64_t count, bool *permits, sealring_error *error);

#endif
