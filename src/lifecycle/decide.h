/* SPDX-License-Identifier: Apache-2.0 */
/* Deciding an event: from a ring's state to the changes that it means, or why not. Pure. */
#ifndef LIFECYCLE_DECIDE_H
#define LIFECYCLE_DECIDE_H

#include "lifecycle/guard.h"
#include "lifecycle/invariant.h"
#include "lifecycle/transition_table.h"

struct lifecycle_step {
    uint32_t number;
    sealring_version_state from; /* NONE: to be made */
    sealring_version_state to;
    int64_t activated; /* this and the following: what the row has to hold afterwards, 0 included, so copy them all */
    int64_t retire_at; /* retiring: its end; active: one that was promised before, 0 for none; else 0 */
    int64_t closed;    /* `to` compromised also means was_compromised, for good */
    int64_t purge_at;
    int64_t destroyed;
};

struct lifecycle_decision {
    enum lifecycle_answer answer;
    unsigned waiting; /* guards that say wait, if that is the answer: bits of enum lifecycle_guard */
    bool overruled;   /* a guard said wait, and the operator overruled it */
    char reason[LIFECYCLE_REASON_SIZE];
    struct lifecycle_step steps[SEALRING_EFFECTS_MAX];
    size_t count;
    bool set_hold; /* rotation_held changes to hold */
    bool hold;
    /* Must pass a derivation in the token before anything is carried out; 0: none, as nothing holds up a compromise. */
    uint32_t test_version;
    bool unknown_version; /* there is no version of that number */
};

/* Decides `event` (not ROTATE) on version `number`. 0 lets the event choose: prepare the next number, activate the only
 * next one (lifecycle_is_next), rollback the newest retiring one; for the others 0 is forbidden. A version that does not exist is
 * LIFECYCLE_FORBIDDEN with count 0 and unknown_version set.
 * - activate/rollback: the active one becomes retiring with retire_at = now + overlap (an end that was promised before and
 *   lies later stays); the chosen one active, with the end that was promised of it while it was retiring, so that its next
 *   window is no shorter. An operator's activate releases the hold, rollback sets it.
 * - compromise of the active one: the newest next one whose barrier is open becomes active in the same decision; steps[0]
 *   is the compromised one. Without such a one the ring has no active version, and the reason says so.
 * - steps are filled (count > 0) for LIFECYCLE_ALLOWED only, in an order in which no two versions are ever active; the reason
 *   is one line for people, always.
 * - overrule: bits of enum lifecycle_guard. It turns WAITING into ALLOWED for GUARD_GATE, GUARD_PURGE, GUARD_KEEP (LIFECYCLE_OVERRULE) and
 *   GUARD_SUCCESSION, never for GUARD_BARRIER, GUARD_ERA and GUARD_UNHELD; and only if it covers every guard that has to wait. */
void lifecycle_decide(const struct lifecycle_ring *ring, const struct lifecycle_evidence *evidence,
                      sealring_event event, uint32_t number, unsigned overrule, struct lifecycle_decision *decision);

/* Whether it is pending and has never been active: what a rotation, a prepare and a standby mean by the next version. One that was
 * reinstated is pending too, but only its own name makes it active. */
bool lifecycle_is_next(const struct lifecycle_version *version);

/* The version with that number, NULL if there is none. */
const struct lifecycle_version *lifecycle_find(const struct lifecycle_ring *ring, uint32_t number);

/* The active one, NULL if there is none. */
const struct lifecycle_version *lifecycle_find_active(const struct lifecycle_ring *ring);

/* The newest of those that were never active, and how many there are; NULL if there is none. */
const struct lifecycle_version *lifecycle_find_next(const struct lifecycle_ring *ring, size_t *count);

#endif
