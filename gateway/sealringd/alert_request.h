/* SPDX-License-Identifier: Apache-2.0 */
/* A request with alerts about leaked credentials: its body, its signature, one credential after the other, the response. */
#ifndef GATEWAY_SEALRINGD_ALERT_REQUEST_H
#define GATEWAY_SEALRINGD_ALERT_REQUEST_H

#include <microhttpd.h>
#include <stdbool.h>

#include "gateway/sealringd/question.h"

/* The file of --leaks-keys, which is read for each request, so that a new one counts at once. Before the first request. */
void alert_requests_start(const char *keys);

/* Takes part of the request, as libmicrohttpd passes it. */
enum MHD_Result alert_handle(struct question *question, const char *method, const char *data, size_t *size, bool close);

/* Goes on when the connection was resumed with an outcome or with the broker's answer. */
enum MHD_Result alert_continue(struct question *question, bool close);

void alert_free(struct alert_request *request);

#endif
