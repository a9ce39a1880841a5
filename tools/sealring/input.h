/* SPDX-License-Identifier: Apache-2.0 */
/* A credential from standard input, kept in memory that is wiped. */
#ifndef TOOL_INPUT_H
#define TOOL_INPUT_H

#include <stddef.h>

#include "tools/sealring/session.h"

#define INPUT_MAX ((size_t)1 << 20)

struct input {
    char *text; /* not ended by NUL; at most INPUT_MAX + 1 bytes: more is malformed whatever follows */
    size_t length;
};

/* Reads to the end of standard input and drops one trailing newline; asks with the echo off if it is a terminal.
 * Returns an exit status; on STATUS_DONE the input must be wiped. */
int input_read(struct session *session, struct input *input);
void input_wipe(struct input *input);

#endif
