/* SPDX-License-Identifier: Apache-2.0 */
/* Facts about rings: prefix, policy, the hold of rotations and the last version, as acts read them. */
#ifndef REGISTRY_ROWS_RING_FACTS_H
#define REGISTRY_ROWS_RING_FACTS_H

#include "registry/rows/closed_facts.h"

/* Sets what facts contain of a ring to the ring's last fact; *differs: the ring was not as that contains it. A ring without a fact stays as it is: before facts
 * have begun; afterwards it is unfounded. registry_ring_find and registry_rings do the same. */
sealring_status registry_ring_follow(struct registry *registry, struct registry_ring *ring, bool *differs,
                                     sealring_error *error);

/* For ring_rows.c. The same with the value of a fact, or LACKING; sets ring->edited and ring->unfounded. False: that is no value of a ring. */
bool ring_fact_apply(const char *value, struct registry_ring *ring);
/* Adds a fact, unless the last one contains the same, or facts have not begun. */
sealring_status ring_fact_note(struct registry *registry, const struct registry_ring *ring, sealring_error *error);

#endif
