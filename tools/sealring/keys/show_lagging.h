/* SPDX-License-Identifier: Apache-2.0 */
/* sealring usage --lagging. */
#ifndef TOOL_SHOW_LAGGING_H
#define TOOL_SHOW_LAGGING_H

#include "tools/sealring/session.h"

/* Shows the API keys that the options select and that lag. Returns the exit status. */
int lagging_show(struct session *session);

#endif
