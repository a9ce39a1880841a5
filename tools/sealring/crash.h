/* SPDX-License-Identifier: Apache-2.0 */
/* Modules that crash: tried in a process of their own before a vault is made on one, and told in one line later. */
#ifndef TOOL_CRASH_H
#define TOOL_CRASH_H

#include "tools/sealring/session.h"

/* From here on a crash of this process is told in one line that names the vault; it ends by its signal all the same. */
void crash_watch(const char *vault);

/* Loads the module at `path` in a child process. STATUS_DONE if the child lives on, also if the module cannot be loaded (whoever
 * loads it then says why); otherwise tells how it died and returns another exit status. */
int crash_try_module(struct session *session, const char *path);

#endif
