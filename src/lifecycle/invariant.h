/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants: what must always be true of a ring, and of any change of it. Pure. */
#ifndef LIFECYCLE_INVARIANT_H
#define LIFECYCLE_INVARIANT_H

#include "lifecycle/guard.h"

/* NULL if the invariants hold (at most one active version; times agree with states; numbers ascending), else the one that does not. The
 * tests use it, and the vault after each change. */
const char *lifecycle_broken_invariant(const struct lifecycle_ring *ring);

/* NULL if the change from `before` to `after` by one event (or by a new ring's making and first activation) broke nothing, else what it
 * broke: a compromised version may only become destroyed; a destroyed one nothing; a version whose credentials clients may hold is
 * still accepted unless its event retired or compromised it; no active version was dropped, no promised window shortened, no number
 * assigned twice. */
const char *lifecycle_broken_transition(const struct lifecycle_ring *before, const struct lifecycle_ring *after);

#endif
