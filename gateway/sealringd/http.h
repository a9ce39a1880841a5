/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: each listener's, with the bounds that they all share. */
#ifndef GATEWAY_SEALRINGD_HTTP_H
#define GATEWAY_SEALRINGD_HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct http_settings {
    bool any_allowed;           /* the target may require no scope */
    const char *address_header; /* has the client's address; NULL: none has */
    unsigned threads;           /* for each listener */
    unsigned connections;       /* for each listener, at most */
    bool renewing;              /* there are listeners for renewal, so that the state of the broker matters */
};

struct http_listener {
    int descriptor; /* the caller's */
    bool renews;    /* it serves renewal, and nothing else */
    const char
        *certificate; /* PEM, with its key: TLS, so that clients connect directly. NULL: plain text, from a gateway */
    const char *key;
};

/* Serves it. Settings and texts stay where they are until http_stop. */
bool http_start(const struct http_settings *settings, const struct http_listener *listener);

/* Accepts nothing more, and closes connections after their answers. */
void http_drain(void);

/* Requests that are not answered. */
unsigned http_active(void);

/* After waiters_stop. */
void http_stop(void);

#endif
