/* SPDX-License-Identifier: Apache-2.0 */
/* Follows the entries of the audit log that no signed checkpoint covers, and examines those that the operator's side did not note. */
#ifndef LOG_TAIL_ENTRY_TAIL_H
#define LOG_TAIL_ENTRY_TAIL_H

#include "log/checkpoint.h"
#include "log/tail/own_note.h"
#include "registry/log/log_rows.h"

#define ENTRY_NAMES_SIZE 240

/* The entries up to `size`, which were followed. All zero: none. */
struct entry_tail {
    bool begun;
    uint64_t size;
    struct merkle_hash root;           /* of the tree over them */
    uint64_t restrictions;             /* of API keys, by somebody else */
    char restricted[ENTRY_NAMES_SIZE]; /* the first of these */
    uint64_t others;                   /* entries of somebody else that do anything else */
    char other[ENTRY_NAMES_SIZE];      /* the first of these */
    uint64_t missing;                  /* the first entry that was noted as committed, and is not there; 0: none */
    uint64_t broken;                   /* the first at which entries and tree do not continue; 0: they do */
    bool lacks_signed;                 /* the log does not begin with what `covered` covers */
};

/* In a transaction: reads the entries after those that were followed, at least from covered->size on, which are signed or were examined. */
sealring_status entry_tail_follow(struct registry *registry, struct entry_tail *tail, const struct checkpoint *covered,
                                  const struct own_notes *own, sealring_error *error);

/* Whether the entry only revokes, suspends or narrows the API key that it names, as that one's row is: *restricts. */
sealring_status entry_restricts(struct registry *registry, const struct registry_audit *entry, bool *restricts,
                                sealring_error *error);

#endif
