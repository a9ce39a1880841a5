/* SPDX-License-Identifier: Apache-2.0 */
/* Two operators at the same time: one who does everything that can be done, and a scheduler that rotates and retires. */
#ifndef SOAK_OPERATORS_H
#define SOAK_OPERATORS_H

#include "soak/history.h"

/* In a child each: act until the soak is over, then end the process. */
_Noreturn void operator_run(struct history *history, uint64_t seed);
_Noreturn void scheduler_run(struct history *history, uint64_t seed);

#endif
