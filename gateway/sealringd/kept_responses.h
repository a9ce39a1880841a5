/* SPDX-License-Identifier: Apache-2.0 */
/* Responses to accepted credentials, kept for the next equal one: to make one takes longer than the verdict. From any thread. */
#ifndef GATEWAY_SEALRINGD_KEPT_RESPONSES_H
#define GATEWAY_SEALRINGD_KEPT_RESPONSES_H

#include <microhttpd.h>
#include <stdbool.h>

#include <sealring/verify.h>

/* Queues the one that was made for an equal grant; false: there is none. Every field that a response shows is compared. */
bool kept_responses_queue(struct MHD_Connection *connection, unsigned status, const sealring_grant *grant,
                          enum MHD_Result *queued);

/* Takes the response over. It may replace that of another credential. */
void kept_responses_add(const sealring_grant *grant, struct MHD_Response *response);

void kept_responses_end(void);

#endif
