/* SPDX-License-Identifier: Apache-2.0 */
/* Answers as HTTP responses: RFC 9457 for errors, RFC 6750 for challenges, X-Sealring-… for what is known about the client. */
#ifndef GATEWAY_SEALRINGD_RESPOND_H
#define GATEWAY_SEALRINGD_RESPOND_H

#include <microhttpd.h>
#include <stdbool.h>

#include "gateway/sealringd/answer.h"
#include "gateway/sealringd/question.h"

/* Makes the responses that are the same for every request. False: no memory. */
bool respond_prepare(void);
void respond_end(void);

/* Queues it; with close the connection ends after it. */
enum MHD_Result respond(struct MHD_Connection *connection, enum answer_kind kind, bool close);

/* The answer to the question's verdict. */
enum MHD_Result respond_verdict(const struct question *question, bool close);

/* The broker's answer to the question, whose body becomes the response's. */
enum MHD_Result respond_renewal(struct question *question, bool close);

/* An error that has no kind of its own, of static texts; and a JSON text of malloc, which it takes over. */
enum MHD_Result respond_problem(struct MHD_Connection *connection, unsigned status, const char *title,
                                const char *detail, bool close);
enum MHD_Result respond_json(struct MHD_Connection *connection, char *body, bool close);

/* The state of the verifier, and, if `renewing` is not NULL, whether the broker answers. */
enum MHD_Result respond_ready(struct MHD_Connection *connection, bool ready, const bool *renewing, bool close);

#endif
