/* SPDX-License-Identifier: Apache-2.0 */
/* Checks what is to be issued: each request by itself, and all of them together. */
#ifndef MANAGE_KEYS_ISSUE_REQUEST_H
#define MANAGE_KEYS_ISSUE_REQUEST_H

#include <sealring/manage.h>

#define REQUEST_DEFAULT_LABEL "default"

/* The label that a request means. */
const char *request_label(const sealring_issue_request *request);

/* What a message calls the request with this index: "line 7", or, if it has no line, "request 3". */
#define REQUEST_NAME_SIZE 32
const char *request_name(const sealring_issue_request *requests, size_t index, char name[REQUEST_NAME_SIZE]);

/* Sets `error` to `inner`, behind the request's name unless it is the only one and has no line. Returns status. */
sealring_status request_refuse(const sealring_issue_request *requests, size_t count, size_t index,
                               sealring_status status, const sealring_error *inner, sealring_error *error);

/* SEALRING_INVALID, which names the request as above (and *bad by its index): a name, a set of scopes or a time is
 * wrong, or two requests mean the same client and label; with `imports`, a digest or an expiry is missing, or two digests are the same. now:
 * milliseconds since 1970 UTC. */
sealring_status request_check_all(const sealring_issue_request *requests, size_t count, bool imports, int64_t now,
                                  size_t *bad, sealring_error *error);

#endif
