/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for verifiers on the command line: how long, a line that names who is missing, and Ctrl-C at any moment. */
#ifndef TOOL_WAITLINE_H
#define TOOL_WAITLINE_H

#include "tools/sealring/session.h"

struct waitline {
    struct session *session;
    const char *what; /* "waiting until they can verify version 2" */
    sealring_wait wait;
    int64_t began;
    bool drawn;       /* there is a line on the terminal to be cleared */
    bool interrupted; /* by a signal */
    char text[400];   /* printed last */
};

/* False, having said why: --wait and --no-wait contradict each other. */
bool waitline_check(struct session *session);

/* From here on signals are noted only. `what` stays the caller's. */
void waitline_start(struct waitline *waitline, struct session *session, const char *what);

/* Clears the line; signals end the process again. */
void waitline_finish(struct waitline *waitline);

/* Ends the process by the signal that was caught, as its parent expects, after saying `message`. */
void waitline_leave(const struct waitline *waitline, const char *message);

/* Waits until the session's last change is effective, and reports it. STATUS_DONE or, having named who is missing,
 * STATUS_NOT_EFFECTIVE. Not for a dry run. */
int waitline_effective(struct session *session);

/* The same for a restored registry: until no verifier uses the former one. */
int waitline_era(struct session *session);

#endif
