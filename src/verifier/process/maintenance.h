/* SPDX-License-Identifier: Apache-2.0 */
/* The threads that keep a verifier fresh: one polls, the other asks the token, so that a token that hangs delays no poll. */
#ifndef VERIFIER_PROCESS_MAINTENANCE_H
#define VERIFIER_PROCESS_MAINTENANCE_H

#include <stdint.h>

#include <sealring/verify.h>

struct maintenance;

/* One turn of a thread's work, with no lock held. Returns the milliseconds until the next one is due. Negative: the process is a child
 * that was forked inside the turn; the thread ends at once, without touching anything more. */
typedef int64_t (*maintenance_turn)(struct maintenance *maintenance, void *context);

/* All signals are blocked in both threads. */
sealring_status maintenance_start(maintenance_turn look, maintenance_turn prove, void *context,
                                  struct maintenance **started, sealring_error *error);

/* Makes the next turn of the second thread due now. Inside a turn of the first. */
void maintenance_prove(struct maintenance *maintenance);

/* Ends both threads and waits for them. A call into the token may delay that. */
void maintenance_stop(struct maintenance *maintenance);

#endif
