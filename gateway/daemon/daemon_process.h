/* SPDX-License-Identifier: Apache-2.0 */
/* What every daemon does for its process: environment, memory that nobody reads, time. */
#ifndef GATEWAY_DAEMON_DAEMON_PROCESS_H
#define GATEWAY_DAEMON_DAEMON_PROCESS_H

#include <stdint.h>

#include <sealring/verify.h>

/* Nobody but root reads this process's memory, and it leaves no core. */
void process_protect(void);

/* Sets the variables that the token's module of the vault requires. While there is one thread. */
sealring_status process_set_environment(const char *vault, sealring_error *error);

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t process_clock_ms(void);

#endif
