/* SPDX-License-Identifier: Apache-2.0 */
/* One poll's reading of the registry: facts, and the rings and versions that they are about. For poll.c. */
#ifndef VERIFIER_FRESH_LOAD_CHANGES_H
#define VERIFIER_FRESH_LOAD_CHANGES_H

#include "verifier/state/verifier_state.h"

/* One poll. */
struct look {
    struct verifier *verifier;
    struct snapshot *snapshot; /* being filled */
    struct registry_vault vault;
    bool has_imports;
    bool read;      /* the vault's row was read from a connection that was just opened */
    bool unchanged; /* nothing was committed since the last poll that was completed */
    bool altered;   /* a field that never changes differs */
    bool crowded;   /* no memory for a version */
};

/* Reads and applies the facts that are new, and the rows of the rings and versions that they are about, in one transaction. all: the rows of all
 * rings and versions. */
sealring_status look_load_changes(struct look *look, bool all, sealring_error *error);

#endif
