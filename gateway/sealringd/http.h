/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: each listener's, with the bounds that they all share. */
#ifndef GATEWAY_SEALRINGD_HTTP_H
#define GATEWAY_SEALRINGD_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/daemon/tls_files.h"

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
    bool alerts;    /* likewise alerts about leaks */
    bool tls;       /* so clients connect directly; otherwise a gateway does */
};

/* Serves it. Settings stay where they are until http_stop; files, for a listener with TLS, may be freed. */
bool http_start(const struct http_settings *settings, const struct http_listener *listener,
                const struct tls_files *files);

/* Has listeners with TLS use these files for connections that begin from now on. False: that is not possible, and those in use go on. */
bool http_exchange_tls(const struct tls_files *files);

/* Accepts nothing more, and closes connections after their answers. */
void http_drain(void);

/* Requests that are not answered. */
unsigned http_active(void);

/* After waiters_stop. */
void http_stop(void);

#endif
