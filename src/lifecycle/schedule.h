/* SPDX-License-Identifier: Apache-2.0 */
/* What a ring's policy wants done: which event is due on which version, when, and what stands in its way. Pure. */
#ifndef LIFECYCLE_SCHEDULE_H
#define LIFECYCLE_SCHEDULE_H

#include "lifecycle/decide.h"

#define LIFECYCLE_ACTIONS_MAX 16

enum lifecycle_hold {
    LIFECYCLE_FREE = 0,
    LIFECYCLE_HELD_ROLLBACK, /* an operator rolled back: until they go forward again nothing is activated by itself */
    LIFECYCLE_HELD_CLOCKS    /* the two clocks disagree: nothing irreversible happens by itself */
};

struct lifecycle_action {
    sealring_event event; /* PREPARE, ACTIVATE, RETIRE, DESTROY */
    uint32_t version;     /* that it would be about; of PREPARE the next number */
    int64_t due;          /* wall time from which on the policy wants it; never 0 */
    enum lifecycle_hold hold;
    enum lifecycle_answer answer;       /* what lifecycle_decide says of it as of now */
    char reason[LIFECYCLE_REASON_SIZE]; /* one line: its guards, or what holds it */
};

struct lifecycle_times {
    int64_t now;        /* wall time */
    int64_t publishing; /* how long a version may take to become known everywhere: watch_silence of the vault's lease */
    bool clocks_disagree;
};

/* Everything that lies ahead by the ring's policy as it stands, due or not, by `due`; the caller carries out those that are due,
 * ALLOWED and FREE, through lifecycle_decide like anybody else, and asks again after each. evidence[i] belongs to ring->versions[i].
 *
 * - PREPARE: no version is pending by prepare, and one will be wanted: at once with `standby`, or if no version is active (as after a
 *   compromise without one); else `publishing` before the rotation is due.
 * - ACTIVATE of the next version: rotate_every after the active one was activated; at once if none is active. Only one is due however
 *   long the scheduler was off. Not if a rollback holds it.
 * - RETIRE of each retiring version: at retire_at; its gate may say WAITING longer.
 * - DESTROY of each retired or compromised version: at purge_at.
 * RETIRE and DESTROY are held while the clocks disagree. Returns how many; those beyond LIFECYCLE_ACTIONS_MAX are left out, latest first. */
size_t lifecycle_schedule(const struct lifecycle_ring *ring, const struct lifecycle_evidence *const *evidence,
                          const struct lifecycle_times *times, struct lifecycle_action actions[LIFECYCLE_ACTIONS_MAX]);

#endif
