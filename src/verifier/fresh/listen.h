/* SPDX-License-Identifier: Apache-2.0 */
/* Between two polls: the polling thread waits for the operator's bell, so that it polls at once after a commit and seldom without one. */
#ifndef VERIFIER_FRESH_LISTEN_H
#define VERIFIER_FRESH_LISTEN_H

#include "verifier/state/verifier_state.h"

#define LISTEN_MAX_MS 1000 /* the longest wait for a bell; a third of the lease if that is less */

/* Only the polling thread calls these two: the first before each poll, the second after it. */
void listen_begin(struct verifier *verifier);

/* Waits for the bell. Returns the milliseconds to pass until the next poll is due: 0 after a wait; the refresh interval if there is no bell,
 * if the poll failed (`polled` is false), or after listen_stop. */
int64_t listen_wait(struct verifier *verifier, bool polled);

/* Ends the present wait and all later ones. Any thread. */
void listen_stop(struct verifier *verifier);

#endif
