/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants: what must be true of a ring at any time, and of any change of it. Pure. */
#ifndef LIFECYCLE_INVARIANT_H
#define LIFECYCLE_INVARIANT_H

#include "lifecycle/guard.h"

/* NULL if the invariants hold (at most one active version; times agree with states; numbers ascending), else which does
 * not. Used by the tests and by the vault after each change. */
const char *lifecycle_broken_invariant(const struct lifecycle_ring *ring);

/* NULL if going from `before` to `after` by one event (or by a new ring's making and first activation) broke nothing, else
 * what did: compromised became only destroyed; destroyed nothing; a version whose credentials clients may hold is still
 * accepted unless it was retired or compromised by its event; no active version was dropped, no promised window shortened,
 * no number given twice. */
const char *lifecycle_broken_transition(const struct lifecycle_ring *before, const struct lifecycle_ring *after);

#endif
