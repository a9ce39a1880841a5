/* SPDX-License-Identifier: Apache-2.0 */
/* Modules that crash: tried in a separate process before a vault is created on one, and reported in one line later. */
#ifndef TOOL_CRASH_H
#define TOOL_CRASH_H

#include "tools/sealring/session.h"

/* From here on a crash of this process is reported in one line that names the vault; it still ends by its signal. */
void crash_watch(const char *vault);

/* Loads the module at `path` in a child process. STATUS_DONE if the child lives on, also if the module cannot be loaded (whoever
 * loads it then reports why); otherwise reports how it died and returns another exit status. */
int crash_try_module(struct session *session, const char *path);

#endif
