/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/claim: the body is read, the code is searched for in the registry, and the broker asked. */
#ifndef GATEWAY_SEALRINGD_CLAIM_REQUEST_H
#define GATEWAY_SEALRINGD_CLAIM_REQUEST_H

#include <microhttpd.h>
#include <stdbool.h>

#include "gateway/sealringd/question.h"

/* For each call of libmicrohttpd's handler: for the headers, for parts of the body, for its end. take_address: sets the client's address in the
 * question. */
enum MHD_Result claim_handle(struct question *question, const char *method, const char *data, size_t *size, bool close,
                             void (*take_address)(struct question *));

/* After the search in the registry, whose verdict the question has. */
enum MHD_Result claim_continue(struct question *question, bool close);

#endif
