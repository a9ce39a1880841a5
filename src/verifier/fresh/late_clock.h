/* SPDX-License-Identifier: Apache-2.0 */
/* Detects a wall clock that is certainly late: credentials that can expire are unavailable until it is right. */
#ifndef VERIFIER_FRESH_LATE_CLOCK_H
#define VERIFIER_FRESH_LATE_CLOCK_H

#include "verifier/state/verifier_state.h"

/* In a poll, with `looking` held and the registry open: decides whether the clock that the poll read is trusted
 * (lifecycle/clockwatch.h). Raises the alarm when that changes. */
sealring_status late_clock_judge(struct verifier *verifier, sealring_error *error);

/* From now on requests are judged by the result of late_clock_judge. */
void late_clock_publish(struct verifier *verifier);

/* Sets back last uses in the report that are in the future: the clock was ahead when this or a former verifier counted them. */
void late_clock_limit_uses(struct verifier *verifier);

#endif
