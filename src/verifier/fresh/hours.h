/* SPDX-License-Identifier: Apache-2.0 */
/* Hours of usage: which of them a verifier counts in, which it has closed for good, and whose cells it takes again.
 *
 * Whoever counts does it inside a lane, for the hour that verifier_hour gives there: never one before first_hour. So when the look has
 * raised first_hour and every lane that was taken before has been left, nobody counts in an earlier hour any more, however long a thread
 * or the process was stopped, and wherever the wall clock is set. Then the hours before are closed, and the report says so: the
 * operator's side may harvest them for good.
 *
 * What a clock that was set back shows is counted for first_hour. If that lies more than an hour ahead, the verifier leaves its file, all
 * of whose hours are over then, and takes another one. */
#ifndef VERIFIER_FRESH_HOURS_H
#define VERIFIER_FRESH_HOURS_H

#include "verifier/state/verifier_state.h"

/* At joining, while nobody counts in this report yet: closes what was harvested for good from the file, also of former verifiers'. Not
 * before the file is locked: the operator's side settles hours of a file that nobody sits at with its lock held. */
sealring_status hours_begin(struct registry *registry, struct report *report, sealring_error *error);

/* Around a change of the report: before it, first_hour is not below what either may count in; after it, when nobody can find the
 * former one any more, it is what the fresh one begins with. */
void hours_raise(struct verifier *verifier, const struct report *fresh);
void hours_settle(struct verifier *verifier, const struct report *fresh);

/* Whether first_hour is more than an hour ahead of this wall time. */
bool hours_are_ahead(const struct verifier *verifier, int64_t wall_ms);

/* The look's part, after its report: closes the hours that are over; once an hour asks the registry which are harvested and has their
 * cells taken again. Nothing here can fail in a way that matters: it comes up again at the next look, or an hour later. */
void hours_turn(struct verifier *verifier);

#endif
