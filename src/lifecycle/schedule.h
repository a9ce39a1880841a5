/* SPDX-License-Identifier: Apache-2.0 */
/* What a ring's policy wants done: which event is due on which version, when, and what stands in its way. Pure. */
#ifndef LIFECYCLE_SCHEDULE_H
#define LIFECYCLE_SCHEDULE_H

#include "lifecycle/decide.h"

/* One of each version, and the making and activation of one more. */
#define LIFECYCLE_ACTIONS_MAX(versions) ((versions) + 2)

enum lifecycle_hold {
    LIFECYCLE_FREE = 0,
    LIFECYCLE_HELD_ROLLBACK, /* an operator rolled back: until they go forward again nothing is activated by itself */
    LIFECYCLE_HELD_CLOCKS    /* the two clocks disagree: nothing irreversible happens by itself */
};

struct lifecycle_action {
    sealring_event event; /* PREPARE, ACTIVATE, RETIRE, DESTROY */
    uint32_t version; /* that it would be about; one that is still to be made has the next number (0: none is left) */
    int64_t due;      /* wall time from which on the policy wants it; never 0 */
    enum lifecycle_hold hold;
    enum lifecycle_answer answer; /* what lifecycle_decide says of it as of now, whether it is due and free or not */
    char reason[LIFECYCLE_REASON_SIZE]; /* one line: what holds it, else its guards */
    /* One line: what will be in its way when it is due, unless somebody acts; "" for nothing that is known now. A retirement that succession
     * will hold up, and a rotation that keep will. */
    char foreseen[LIFECYCLE_REASON_SIZE];
};

struct lifecycle_times {
    int64_t now;        /* wall time, as in the evidence */
    int64_t publishing; /* how long a version may take to become known everywhere: watch_silence of the vault's lease */
    bool clocks_disagree;
};

/* Everything that lies ahead by the ring's policy as it stands, due or not, by `due`; the caller carries out those that
 * lifecycle_may_happen, through lifecycle_decide like anybody else, and asks again after each. evidence[i] belongs to
 * ring->versions[i].
 *
 * - PREPARE: no version is pending by prepare, and one will be wanted: at once with `standby`, or if no version is active (as after a
 *   compromise without one); else `publishing` before the rotation is due.
 * - ACTIVATE of the next version: rotate_every after the active one was activated; at once if none is active. One rotation at most is
 *   due, however long nobody asked. While its version is still to be made, it waits for that.
 * - RETIRE of each retiring version: at retire_at; its gate may say WAITING longer.
 * - DESTROY of each retired or compromised version: at purge_at.
 *
 * A rollback holds ACTIVATE, and a PREPARE that nothing but the rotation wants. While the clocks disagree RETIRE and DESTROY are held, and
 * an ACTIVATE that would promise its predecessor a window, for that would be reckoned from a time that is in doubt. A reinstated version
 * is never activated: it was given up before.
 *
 * actions: room for LIFECYCLE_ACTIONS_MAX(ring->count). Returns how many. */
size_t lifecycle_schedule(const struct lifecycle_ring *ring, const struct lifecycle_evidence *const *evidence,
                          const struct lifecycle_times *times, struct lifecycle_action *actions);

/* Whether it is due, free, and allowed. */
bool lifecycle_may_happen(const struct lifecycle_action *action, int64_t now);

#endif
