/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a vault at one time: its rings' versions, traffic and plans, and its verifiers. */
#ifndef TOOL_OVERVIEW_H
#define TOOL_OVERVIEW_H

#include <jansson.h>

#include "tools/sealring/session.h"
#include "tools/sealring/terminal/page.h"

/* Reads everything, or one ring (NULL: all), and writes it on the page, too. The session's time is that of this poll. NULL on failure. */
json_t *overview_read(struct session *session, const char *ring, const struct page *page, sealring_status *status);

/* What of it changes otherwise than by time alone going on; to be freed. */
char *overview_substance(const json_t *overview);

#endif
