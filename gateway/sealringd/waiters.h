/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that may wait for the token, so that those which serve connections never do. */
#ifndef GATEWAY_SEALRINGD_WAITERS_H
#define GATEWAY_SEALRINGD_WAITERS_H

#include <stdbool.h>

#include "gateway/sealringd/question.h"

/* Starts up to `count` threads, and one that watches the time. False if there is not even one. */
bool waiters_start(unsigned count);

/* Suspends the question's connection, and resumes it when a thread has the outcome, or after 5 s with SEALRING_UNAVAILABLE. False if too many wait
 * already, or there is no memory: then nothing has happened. */
bool waiters_add(struct question *question);

/* After an outcome: the question can be given to the threads again, with another credential. */
void waiters_forget(struct question *question);

/* Frees the question, now or when the thread that works on it returns. Its connection has ended, or was never suspended. */
void waiters_release(struct question *question);

/* Answers what waits with SEALRING_UNAVAILABLE, and waits for the threads. False if one of them hangs in the token: it goes on until the process
 * ends. */
bool waiters_stop(void);

#endif
