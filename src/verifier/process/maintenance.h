/* SPDX-License-Identifier: Apache-2.0 */
/* The threads that keep a verifier fresh: one looks, one asks the token, so that a token that hangs delays no look. */
#ifndef VERIFIER_PROCESS_MAINTENANCE_H
#define VERIFIER_PROCESS_MAINTENANCE_H

#include <stdint.h>

#include <sealring/verify.h>

struct maintenance;

/* One turn of a thread's work, with no lock held. Returns in how many milliseconds the next one is due; negative ends the thread at once,
 * without touching anything more: this process is a child that was forked inside. */
typedef int64_t (*maintenance_turn)(void *context);

/* All signals are blocked in both threads. */
sealring_status maintenance_start(maintenance_turn look, maintenance_turn prove, void *context,
                                  struct maintenance **started, sealring_error *error);

/* Ends both and waits for them: as long as a call into the token lasts. */
void maintenance_stop(struct maintenance *maintenance);

#endif
