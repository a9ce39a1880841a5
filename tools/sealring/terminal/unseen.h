/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody types and nobody may read: PINs and credentials. */
#ifndef TOOL_UNSEEN_H
#define TOOL_UNSEEN_H

#include <stddef.h>
#include <sys/types.h>

/* Reads up to `size` bytes: of a terminal one line, with the echo off and on again whatever happens; of anything else, to the end. The
 * newline that the terminal did not show goes to `to`. Returns the length, the line's own newline included; -1 and errno if reading fails or
 * a signal was caught (signals.h). */
ssize_t unseen_read(int from, int to, char *text, size_t size);

#endif
