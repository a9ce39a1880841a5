/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that may wait for the token, so that those which serve connections never do. */
#ifndef GATEWAY_SEALRINGD_WAITERS_H
#define GATEWAY_SEALRINGD_WAITERS_H

#include <stdbool.h>

#include "gateway/sealringd/question.h"

/* Starts up to `count` threads. False if there is not even one. */
bool waiters_start(unsigned count);

/* Suspends the question's connection, and resumes it when a thread has the verdict. One that no thread has taken within 5 s is
 * SEALRING_UNAVAILABLE. False if too many wait already: then nothing has happened. */
bool waiters_add(struct question *question);

/* Answers what waits with SEALRING_UNAVAILABLE, and waits for what is with the token. */
void waiters_stop(void);

#endif
