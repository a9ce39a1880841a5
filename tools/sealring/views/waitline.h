/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for verifiers on the command line: how long, a line that names who is missing, and Ctrl-C at any moment. */
#ifndef TOOL_WAITLINE_H
#define TOOL_WAITLINE_H

#include "tools/sealring/session.h"

/* Waits until the version may be activated. */
sealring_status waitline_barrier(struct session *session, const char *ring, uint32_t version);

/* Waits until the session's last change is effective, and reports it. STATUS_DONE or, having named who is missing,
 * STATUS_NOT_EFFECTIVE. Not for a dry run. */
int waitline_effective(struct session *session);

/* The same for a restored registry: until no verifier uses the former one. */
int waitline_era(struct session *session);

#endif
