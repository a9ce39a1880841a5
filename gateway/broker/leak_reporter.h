/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that reports leaked credentials to the vault, with a manager of its own, so that renewal does not wait for it. */
#ifndef GATEWAY_BROKER_LEAK_REPORTER_H
#define GATEWAY_BROKER_LEAK_REPORTER_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/daemon/leak_message.h"

enum leak_reporter_bounds { LEAKS_WAITING_MAX = 64 };

/* False: no memory, no descriptors, or no threads. */
bool leak_reporter_start(const char *vault);

/* A descriptor that is readable when there are results. */
int leak_reporter_descriptor(void);

/* Has it reported, for the peer of this number. False: too many wait. */
bool leak_reporter_add(uint64_t peer, uint32_t id, const struct leak_report *report);

/* The next result. False: there is none now. */
bool leak_reporter_next(uint64_t *peer, uint32_t *id, unsigned *result);

/* Whether something is not answered. */
bool leak_reporter_works(void);

/* Ends the thread when it has done what it is at. False: it hangs in a token or waits for a lock, and goes on until the process ends. */
bool leak_reporter_stop(void);

#endif
