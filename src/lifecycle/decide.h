/* SPDX-License-Identifier: Apache-2.0 */
/* Decides an event: from a ring's state to the resulting changes, or the reason against it. Pure. */
#ifndef LIFECYCLE_DECIDE_H
#define LIFECYCLE_DECIDE_H

#include "lifecycle/guard.h"
#include "lifecycle/invariant.h"
#include "lifecycle/transition_table.h"

struct lifecycle_step {
    uint32_t number;
    sealring_version_state from; /* NONE: to be made */
    sealring_version_state to;
    int64_t activated; /* this and the following: the row's values afterwards, including 0, so copy all of them */
    int64_t retire_at; /* retiring: its end; active: one that was promised before, 0 for none; else 0 */
    int64_t closed;    /* `to` compromised also sets was_compromised, permanently */
    int64_t purge_at;
    int64_t destroyed;
};

struct lifecycle_decision {
    enum lifecycle_answer answer;
    unsigned waiting; /* if the answer is WAITING, the guards that wait: bits of enum lifecycle_guard */
    bool overruled;   /* a guard waits, and the operator overruled it */
    char reason[LIFECYCLE_REASON_SIZE];
    struct lifecycle_step steps[SEALRING_EFFECTS_MAX];
    size_t count;
    bool set_hold; /* rotation_held changes to hold */
    bool hold;
    /* Must pass a derivation in the token before anything is carried out; 0: none, because nothing may delay a compromise. */
    uint32_t test_version;
    bool unknown_version; /* there is no version of that number */
};

/* Decides `event` (not ROTATE) on version `number`. With 0 the event chooses: prepare the next number, activate the only next version
 * (lifecycle_is_next), rollback the newest retiring one; for the other events 0 is forbidden. A version that does not exist is
 * LIFECYCLE_FORBIDDEN with count 0 and unknown_version set.
 * - activate/rollback: the active version becomes retiring with retire_at = now + overlap (a later end that was promised before is
 *   kept). The chosen one becomes active, and keeps the end that was promised while it was retiring, so that its next window is no
 *   shorter. An operator's activate releases the hold, rollback sets it.
 * - compromise of the active version: the newest next one whose barrier is open becomes active in the same decision; steps[0] is the
 *   compromised one. Without such a version the ring has no active version, and the reason states it.
 * - steps are filled (count > 0) only for LIFECYCLE_ALLOWED, in an order in which no two versions are ever active. The reason is always
 *   one line for people.
 * - overrule: bits of enum lifecycle_guard. It turns WAITING into ALLOWED for GUARD_GATE, GUARD_PURGE, GUARD_KEEP (LIFECYCLE_OVERRULE)
 *   and GUARD_SUCCESSION, never for GUARD_BARRIER, GUARD_ERA and GUARD_UNHELD; and only if it covers every guard that waits. */
void lifecycle_decide(const struct lifecycle_ring *ring, const struct lifecycle_evidence *evidence,
                      sealring_event event, uint32_t number, unsigned overrule, struct lifecycle_decision *decision);

/* Returns whether it is pending and has never been active: the next version for rotation, prepare and standby. A reinstated version is
 * pending, too, but becomes active only if it is named. */
bool lifecycle_is_next(const struct lifecycle_version *version);

/* The version with that number, NULL if there is none. */
const struct lifecycle_version *lifecycle_find(const struct lifecycle_ring *ring, uint32_t number);

/* The active one, NULL if there is none. */
const struct lifecycle_version *lifecycle_find_active(const struct lifecycle_ring *ring);

/* The newest of those that were never active, and their number; NULL if there is none. */
const struct lifecycle_version *lifecycle_find_next(const struct lifecycle_ring *ring, size_t *count);

#endif
