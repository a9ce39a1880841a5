/* SPDX-License-Identifier: Apache-2.0 */
/* Files that hold credentials: readable by their owner only, complete or not there at all. */
#ifndef TOOL_HANDOVER_H
#define TOOL_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define HANDOVER_PROBLEM_SIZE 400

enum {
    HANDOVER_REPLACE = 1, /* a complete file may take the place of an older one */
    HANDOVER_QUICK = 2    /* the caller makes many files durable at once: see handover_settle */
};

struct handover {
    FILE *stream; /* NULL when closed */
    int directory;
    unsigned flags;
    char *path;      /* as given, for messages */
    char *name;      /* within the directory */
    char *temporary; /* name of the temporary file; NULL while it has none (O_TMPFILE) */
    char *buffer;    /* the stream's, wiped at the end */
};

/* False if `path` exists and may not be replaced, or is no regular file, or its directory is missing. */
bool handover_check(const char *path, unsigned flags, char problem[HANDOVER_PROBLEM_SIZE]);

/* Opens a file that becomes `path` when it is committed. It must be committed or abandoned. */
bool handover_open(struct handover *handover, const char *path, unsigned flags, char problem[HANDOVER_PROBLEM_SIZE]);
bool handover_commit(struct handover *handover, char problem[HANDOVER_PROBLEM_SIZE]);
void handover_abandon(struct handover *handover);

/* Makes everything in the directory's file system durable. */
bool handover_settle(const char *directory, char problem[HANDOVER_PROBLEM_SIZE]);

#endif
