/* SPDX-License-Identifier: Apache-2.0 */
/* The connection to sealring-broker: one thread passes renewals on and takes the answers, so that no other thread waits for it. */
#ifndef GATEWAY_SEALRINGD_BROKER_LINK_H
#define GATEWAY_SEALRINGD_BROKER_LINK_H

#include <stdbool.h>

#include "gateway/sealringd/question.h"

/* Starts the thread, which connects to the Unix socket at `path`, and again whenever that connection ends. */
bool broker_link_start(const char *path);

/* Suspends the question's connection, and resumes it with `renewed` and what belongs to it: when the broker has answered, when it is away, or after
 * 10 s. False if too many wait already: then nothing has happened. */
bool broker_link_ask(struct question *question);

/* Returns whether the broker has answered lately. */
bool broker_link_answers(void);

/* Answers what waits as unavailable, and ends the thread. */
void broker_link_stop(void);

#endif
