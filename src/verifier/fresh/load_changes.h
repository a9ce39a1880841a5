/* SPDX-License-Identifier: Apache-2.0 */
/* One poll's reading of the registry: rings, versions, API keys and closed facts, and what they change in the cache. For poll.c. */
#ifndef VERIFIER_FRESH_LOAD_CHANGES_H
#define VERIFIER_FRESH_LOAD_CHANGES_H

#include "verifier/state/verifier_state.h"

/* One poll. */
struct look {
    struct verifier *verifier;
    struct snapshot *snapshot; /* being filled */
    struct registry_vault vault;
    bool has_imports;
    bool read;    /* the vault's row was read from a connection that was just opened */
    bool altered; /* a field that never changes differs */
    bool crowded; /* no memory for a version */
};

/* Reads and applies what changed after epoch `since`, in one transaction. REGISTRY_SINCE_EVER: all rings and versions, and no API keys. */
sealring_status look_load_changes(struct look *look, uint64_t since, sealring_error *error);

#endif
