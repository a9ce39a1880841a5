/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about versions: the state, the object, and the times and flags that acts read. */
#ifndef REGISTRY_ROWS_VERSION_FACTS_H
#define REGISTRY_ROWS_VERSION_FACTS_H

#include "registry/rows/closed_facts.h"

/* The last fact as one text: the state's digit, a line feed, the value; the longest, with its NUL. */
#define VERSION_FACT_SIZE (2 + REGISTRY_FACT_VALUE_SIZE)

/* Sets what facts contain of a version to that, and unconfirmed and edited. row_state: of the row itself. An object that is owed its closing
 * is one of a closed version. "" and a fact without a value (from before schema 3) leave the rest as it is, as LACKING does, which sets unfounded. False: that is no fact of a version. */
bool version_fact_apply(const char *fact, int row_state, struct registry_version *version);

/* For version_rows.c, after an insertion and before an update. version: its ring, number, object and check value are those of the row. Adds a
 * fact, unless the last one contains the same; before facts with values have begun, only if the version enters or leaves a closed state. */
sealring_status version_fact_note(struct registry *registry, const struct registry_version *version,
                                  sealring_error *error);

/* A version that a fact is about, and that has no row in its ring; 0: there is none. */
sealring_status registry_version_missing(struct registry *registry, const struct registry_ring *ring, uint64_t *number,
                                         sealring_error *error);

#endif
