/* SPDX-License-Identifier: Apache-2.0 */
/* Examining the whole audit log: every entry, the tree, every checkpoint, the closed facts and the rows that they are about. */
#ifndef LOG_LOG_EXAMINE_H
#define LOG_LOG_EXAMINE_H

#include "log/checkpoint.h"
#include "log/signed_note.h"
#include "registry/log/log_rows.h"

struct examine {
    const struct note_key *key;         /* whose signatures count; NULL: nobody's, checkpoints are not looked at */
    const struct checkpoint *elsewhere; /* kept outside, its signature checked already; NULL: none */
    /* Hears of each problem: one line, and the entry that it is about (0: none in particular); NULL: nobody does. */
    void (*problem)(uint64_t entry, const char *text, void *context);
    /* Hears of each entry, in order, whatever is wrong with it; NULL: nobody does. A status other than OK ends the examination. */
    registry_audit_callback entry;
    void *context;
};

struct examine_result {
    uint64_t entries;
    uint64_t checkpoints; /* that were good */
    uint64_t vouched;     /* up to which entry the latest good one vouches */
    uint64_t closed;      /* facts */
    uint64_t problems;
    char first[200];         /* of the problems: its line, cut to fit; "" for none */
    struct merkle_hash root; /* of what is there */
};

/* In a reading transaction. SEALRING_OK whatever it found; anything else: it could not finish. */
sealring_status examine_log(struct registry *registry, const struct examine *examine, struct examine_result *result,
                            sealring_error *error);

#endif
