/* SPDX-License-Identifier: Apache-2.0 */
/* Which system calls change files, for the kernel's filter, and what one of them changes. */
#ifndef TESTS_CRASH_CALLS_H
#define TESTS_CRASH_CALLS_H

#include "crash/tracer.h"

/* From now on the calling process and its children stop for their tracer before each such call. False: the kernel has no such filter.
 * prctl(PR_SET_DUMPABLE) does nothing from now on, as the tracer could not read the memory of a process without it. */
bool calls_filter(void);

/* What the call changes at which the thread stops. False: nothing below root. */
bool calls_read(pid_t thread, const char *root, struct call *call);

#endif
