/* SPDX-License-Identifier: Apache-2.0 */
/* When a client asks the server: delays with jitter, so that many clients do not ask at once. Pure. */
#ifndef CLIENT_SCHEDULE_H
#define CLIENT_SCHEDULE_H

#include <stdint.h>

/* All in milliseconds; `random` is any number. Only differences of times are used, so a wrong wall clock changes a delay, and nothing else.
 *
 * A successor is due: at most `spread`, and at most a quarter of `left`, the time for which the present credential is promised. */
int64_t client_delay_due(int64_t left, int64_t spread, uint64_t random);

/* The service refused the present credential. */
int64_t client_delay_refused(uint64_t random);

/* After `failures` failures in sequence, 1 or more: from 2 s, doubled each time, to an hour; never less than `retry_after`. */
int64_t client_delay_failed(uint32_t failures, int64_t retry_after, uint64_t random);

/* Nothing is due. */
int64_t client_delay_idle(int64_t interval, uint64_t random);

/* For `random`. */
uint64_t client_random(void);

#endif
