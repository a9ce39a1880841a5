/* SPDX-License-Identifier: Apache-2.0 */
/* Examines the whole audit log: every entry, the tree, every checkpoint, the closed facts and the rows that they are about. */
#ifndef LOG_LOG_EXAMINE_H
#define LOG_LOG_EXAMINE_H

#include "log/checkpoint.h"
#include "log/signed_note.h"
#include "registry/log/log_rows.h"
#include "registry/rows/current_rows.h"

/* Entries that the registry has no more, in order. */
struct examine_archives {
    struct merkle_frontier start; /* of the tree before the first of them */
    /* Passes each entry up to number `last` to `take`, with `of`. */
    sealring_status (*each)(uint64_t last, sealring_status (*take)(const struct registry_audit *entry, void *of),
                            void *of, void *context, sealring_error *error);
    void *context;
};

struct examine {
    const struct examine_archives *archives; /* NULL: none, the examination begins with the registry's first entry */
    const struct audit_keys *keys;           /* whose signatures count; NULL: none, checkpoints are not examined */
    const struct checkpoint *elsewhere;      /* kept elsewhere, its signature already verified; NULL: none */
    /* Receives each problem as one line, with the number of its entry (0: no particular one). NULL: no callback. */
    void (*problem)(uint64_t entry, const char *text, void *context);
    /* Receives each row that is not what the facts contain, with its line, instead of `problem`. NULL: they are problems. */
    void (*altered)(const struct registry_contradiction *found, const char *text, void *context);
    /* Receives each entry, in order, whatever is wrong with it. NULL: no callback. A status other than OK ends the examination. */
    sealring_status (*entry)(const struct registry_audit *entry, void *context, sealring_error *error);
    void *context;
};

struct examine_result {
    uint64_t entries;     /* the number of the last one */
    uint64_t archived;    /* the first ones, which were not examined, because signed archives have them */
    bool unseen;          /* the checkpoint that was kept elsewhere is among these */
    uint64_t checkpoints; /* that are valid */
    uint64_t vouched;     /* the number of the last entry that the latest valid one covers */
    uint64_t closed;      /* facts */
    uint64_t problems;
    char first[200];         /* of the problems: its line, truncated to fit; "" for none */
    struct merkle_hash root; /* of all entries */
};

/* Call it in a reading transaction. SEALRING_OK whatever it found; any other status: it could not finish. */
sealring_status examine_log(struct registry *registry, const struct examine *examine, struct examine_result *result,
                            sealring_error *error);

#endif
