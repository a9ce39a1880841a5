/* SPDX-License-Identifier: Apache-2.0 */
/* One request from its target to its verdict. */
#ifndef GATEWAY_SEALRINGD_QUESTION_H
#define GATEWAY_SEALRINGD_QUESTION_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include <sealring/verify.h>

#include "gateway/sealringd/presented.h"
#include "gateway/sealringd/target.h"

struct question {
    struct MHD_Connection *connection;
    struct target target;
    struct presented_headers presented; /* its texts are the connection's until the answer is queued */
    bool complete;                      /* its end was received */
    bool asked;                         /* a thread that may wait has the verdict, or will have it */
    sealring_verdict verdict;
    sealring_grant grant;
    int64_t deadline; /* while it waits for a thread; milliseconds of CLOCK_MONOTONIC */
    struct question *next;
};

/* Asks the vault; with SEALRING_NONBLOCK in flags from memory only. */
void question_ask(struct question *question, uint32_t flags);

#endif
