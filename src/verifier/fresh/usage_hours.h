/* SPDX-License-Identifier: Apache-2.0 */
/* Hours of usage: those that a verifier counts in, those that it has closed permanently, and those whose cells it reuses. A thread
 * counts inside a lane, for the hour that verifier_hour returns there, which is never before first_hour. So when a poll has raised
 * first_hour, and every lane taken before has been left, no thread counts in an earlier hour any more, however long a thread or the
 * process was stopped, and whatever the wall clock shows. Then the poll closes the earlier hours, and the report states it: the
 * operator's side may harvest them, which is final. If the clock was set back, uses are counted for first_hour. If that is more than an
 * hour ahead, the verifier leaves its file, all of whose hours have ended then, and takes another one. */
#ifndef VERIFIER_FRESH_USAGE_HOURS_H
#define VERIFIER_FRESH_USAGE_HOURS_H

#include "verifier/state/verifier_state.h"

/* On joining, before anything is counted in this report: closes the hours that were harvested from the file, also of former verifiers.
 * Call it after the file is locked: the operator's side settles the hours of a file without a verifier with its lock held. */
sealring_status hours_begin(struct registry *registry, struct report *report, sealring_error *error);

/* Called around a change of the report. hours_raise, before it, raises first_hour above all closed hours of the new report.
 * hours_settle, when no thread can find the former report any more, sets first_hour for the new one. */
void hours_raise(struct verifier *verifier, const struct report *fresh);
void hours_settle(struct verifier *verifier, const struct report *fresh);

/* Returns whether first_hour is more than an hour ahead of this wall time. */
bool hours_are_ahead(const struct verifier *verifier, int64_t wall_ms);

/* For polls, after the report: closes the hours that have ended. Once an hour it asks the registry which hours are harvested, and
 * reuses their cells. Errors do no harm: the next poll, or the next hour, tries again. */
void hours_turn(struct verifier *verifier);

#endif
