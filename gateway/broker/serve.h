/* SPDX-License-Identifier: Apache-2.0 */
/* The broker's loop: it reads requests, bounds them, collects them into batches, and sends the answers. It never waits for a token. */
#ifndef GATEWAY_BROKER_SERVE_H
#define GATEWAY_BROKER_SERVE_H

#include <stdbool.h>

#include "gateway/broker/broker_options.h"
#include "gateway/daemon/listener.h"

/* Memory that the loop needs. */
bool serve_prepare(void);

/* Serves until SIGTERM or SIGINT arrives at `signals`, a signalfd; SIGHUP has the vault opened again. Answers what was received, for 10 s at
 * most. */
void serve(const struct listeners *listeners, const struct broker_options *options, int signals);

void serve_end(void);

#endif
