/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts of GitHub's secret scanning (partner program): the body of a request, and of its response. Pure. */
#ifndef GATEWAY_DAEMON_ALERTS_H
#define GATEWAY_DAEMON_ALERTS_H

#include <stdbool.h>
#include <stddef.h>

enum alert_bounds { ALERTS_BODY_MAX = 256 * 1024, ALERTS_MAX = 500 };

enum alert_label { ALERT_FALSE_POSITIVE = 0, ALERT_TRUE_POSITIVE };

/* The texts belong to the alerts; none has a NUL in it. */
struct alert {
    const char *token, *type, *url, *source; /* "" for what is not there, except the token, which is */
    enum alert_label label;
};

struct alerts {
    struct json_t *body; /* owned */
    struct alert *each;  /* owned */
    size_t count;
};

/* Reads a JSON array of 1 to ALERTS_MAX objects with `token`, and perhaps `type`, `url` and `source`. NULL, or what is wrong (static): then there is
 * nothing to free. */
const char *alerts_read(const char *body, size_t length, struct alerts *alerts);
void alerts_free(struct alerts *alerts);

/* The labels, as GitHub's documentation has them: `token_raw`, `token_type`, `label`. To be wiped and freed by the caller. NULL: no memory. */
char *alerts_respond(const struct alerts *alerts);

#endif
