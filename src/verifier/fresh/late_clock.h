/* SPDX-License-Identifier: Apache-2.0 */
/* A wall clock that is certainly late: what has an end is unavailable until it is right. */
#ifndef VERIFIER_FRESH_LATE_CLOCK_H
#define VERIFIER_FRESH_LATE_CLOCK_H

#include "verifier/state/verifier_state.h"

/* Within a look, with `looking` held and the registry open: whether the clocks that the look read are believed (lifecycle/clockwatch.h). Raises
 * the alarm when that changes. */
sealring_status late_clock_judge(struct verifier *verifier, sealring_error *error);

/* From now on requests are judged by what was found. */
void late_clock_publish(struct verifier *verifier);

/* Sets back what the report tells of uses that have not been yet: the clock was ahead when they were counted, or a former verifier's. */
void late_clock_limit_uses(struct verifier *verifier);

#endif
