/* SPDX-License-Identifier: Apache-2.0 */
/* Which entries of the audit log are in archives, for a command that reads only the log. */
#ifndef TOOL_ARCHIVES_H
#define TOOL_ARCHIVES_H

#include <stdint.h>

struct session;

/* The entries that a command wanted. */
struct archives_wanted {
    int64_t since; /* of this time or later; 0: all */
    uint64_t first;
    uint64_t last; /* 0: no limit */
};

/* Warns for each archive with such entries, with its name: they were not read. */
void archives_tell(struct session *session, const struct archives_wanted *wanted);

#endif
