/* SPDX-License-Identifier: Apache-2.0 */
/* The events that a ring's policy requires: which event is due on which version, when, and what blocks it. Pure. */
#ifndef LIFECYCLE_SCHEDULE_H
#define LIFECYCLE_SCHEDULE_H

#include "lifecycle/decide.h"

/* One for each version, and the making and activation of one more. */
#define LIFECYCLE_ACTIONS_MAX(versions) ((versions) + 2)

enum lifecycle_hold {
    LIFECYCLE_FREE = 0,
    LIFECYCLE_HELD_ROLLBACK, /* an operator rolled back: until they rotate or activate, nothing is activated by itself */
    LIFECYCLE_HELD_CLOCKS    /* the two clocks disagree: nothing irreversible happens by itself */
};

struct lifecycle_action {
    sealring_event event; /* PREPARE, ACTIVATE, RETIRE, DESTROY */
    uint32_t version; /* the version it concerns; one that is still to be made has the next number (0: none is left) */
    int64_t due;      /* wall time from which on the policy requires it; never 0 */
    enum lifecycle_hold hold;
    enum lifecycle_answer answer; /* the answer of lifecycle_decide as of now, whether it is due and free or not */
    char reason[LIFECYCLE_REASON_SIZE]; /* one line: what holds it, or else its guards */
    /* One line: what will block it when it is due, unless somebody acts; "" if nothing is known now. A retirement that succession will
     * block, and a rotation that keep will block. */
    char foreseen[LIFECYCLE_REASON_SIZE];
    bool behind; /* `foreseen` names API keys without a successor, and the command that issues them */
};

struct lifecycle_times {
    int64_t now;        /* wall time, as in the evidence */
    int64_t publishing; /* how long a version may take to become known everywhere: watch_silence of the vault's lease */
    bool clocks_disagree;
};

/* Lists everything that the ring's present policy requires in the future, due or not, ordered by `due`. The caller carries out those
 * for which lifecycle_may_happen is true, through lifecycle_decide like an operator, and calls it again after each. evidence[i] belongs
 * to ring->versions[i].
 *
 * - PREPARE: if no version is pending by prepare, and one will be needed: at once with `standby`, or if no version is active (as after
 *   a compromise without one); otherwise `publishing` before the rotation is due.
 * - ACTIVATE of the next version: rotate_every after the active one was activated; at once if none is active. At most one rotation is
 *   due, however long nobody called this. It waits for its version if that is still to be made.
 * - RETIRE of each retiring version: at retire_at; its gate may answer WAITING for longer.
 * - DESTROY of each retired or compromised version: at purge_at.
 *
 * A rollback holds ACTIVATE, and a PREPARE that is required only for the rotation. While the clocks disagree, RETIRE and DESTROY are
 * held, and an ACTIVATE that would promise its predecessor a window, because that would be computed from a doubtful time. A reinstated
 * version is never activated, because it was given up before.
 *
 * actions: room for LIFECYCLE_ACTIONS_MAX(ring->count). Returns their number. */
size_t lifecycle_schedule(const struct lifecycle_ring *ring, const struct lifecycle_evidence *const *evidence,
                          const struct lifecycle_times *times, struct lifecycle_action *actions);

/* Returns whether it is due, free, and allowed. */
bool lifecycle_may_happen(const struct lifecycle_action *action, int64_t now);

#endif
