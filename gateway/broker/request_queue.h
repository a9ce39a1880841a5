/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait for their batch: a bounded queue in locked memory. */
#ifndef GATEWAY_BROKER_REQUEST_QUEUE_H
#define GATEWAY_BROKER_REQUEST_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/daemon/renewal_message.h"

enum queue_bounds { QUEUE_MAX = 1024 };

struct queued_request {
    uint64_t peer; /* the connection's number */
    uint32_t id;
    int64_t since;    /* ms of CLOCK_MONOTONIC */
    uint32_t limited; /* of this key, since the one before */
    struct renewal_request request;
};

bool queue_make(void);
void queue_free(void);

/* False: it is full. */
bool queue_add(const struct queued_request *request);

size_t queue_length(void);
/* The oldest one, NULL: there is none; and its removal, which wipes it. */
const struct queued_request *queue_first(void);
void queue_remove_first(void);

#endif
