/* SPDX-License-Identifier: Apache-2.0 */
/* One request from its target to its verdict. */
#ifndef GATEWAY_SEALRINGD_QUESTION_H
#define GATEWAY_SEALRINGD_QUESTION_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <sealring/verify.h>

#include "gateway/daemon/claim_body.h"
#include "gateway/sealringd/presented.h"
#include "gateway/sealringd/target.h"

struct outcome {
    sealring_verdict verdict;
    sealring_grant grant;
};

struct http_listener;
struct alert_request;
struct leak_report;

struct question {
    struct MHD_Connection *connection;
    const struct http_listener *listener;
    struct target target;
    struct presented_headers presented; /* the credential is the connection's, or credential_copy */
    struct alert_request *alert;        /* of alerts about leaks: alert_request.c */
    const struct leak_report *report;   /* what the broker is asked instead of a renewal; NULL: a renewal */
    struct claim_body *claim;           /* of a claim; then `presented` has its code */
    bool complete;                      /* its end was received */
    struct outcome outcome;
    /* Of a renewal, set by broker_link.c. */
    bool renewed;            /* the broker, or its absence, has answered */
    unsigned renewal_result; /* sealring_renewal_result, or RENEWAL_LIMITED; of a leak sealring_leak_result */
    uint32_t retry_after;    /* seconds, 0: none */
    int64_t expires;         /* of the presented credential, if none is due; 0: never */
    char *body;              /* with the successor: a secret */
    /* What broker_link.c uses, under its lock. */
    uint32_t id;
    /* What waiters.c uses, under its lock. */
    bool asked;            /* it was given to the threads that may wait */
    bool taken;            /* one of them works on it */
    bool answered;         /* the connection has its outcome */
    bool released;         /* the connection has ended */
    char *credential_copy; /* for the thread, as the connection may end before it does */
    int64_t deadline;      /* milliseconds of CLOCK_MONOTONIC; this and the next in one of the two at a time */
    TAILQ_ENTRY(question) entry;
};
TAILQ_HEAD(questions, question);

/* Wipes what is secret in it. */
void question_free(struct question *question);

/* Asks the vault; with SEALRING_NONBLOCK in flags from memory only. */
void question_ask(const struct question *question, uint32_t flags, struct outcome *outcome);

#endif
