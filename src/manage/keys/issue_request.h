/* SPDX-License-Identifier: Apache-2.0 */
/* Checks what is to be issued: each request by itself, and all of them together. */
#ifndef MANAGE_KEYS_ISSUE_REQUEST_H
#define MANAGE_KEYS_ISSUE_REQUEST_H

#include <sealring/manage.h>

#define REQUEST_DEFAULT_LABEL "default"

/* The label that a request means. */
const char *request_label(const sealring_issue_request *request);

/* SEALRING_INVALID, which names the request by its number from 1 (and *bad by its index) unless count is 1: a name, a set of scopes or a time is
 * wrong, or two requests mean the same client and label; with `imports`, a digest or an expiry is missing, or two digests are the same. now:
 * milliseconds since 1970 UTC. */
sealring_status request_check_all(const sealring_issue_request *requests, size_t count, bool imports, int64_t now,
                                  size_t *bad, sealring_error *error);

#endif
