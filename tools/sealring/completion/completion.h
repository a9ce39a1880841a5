/* SPDX-License-Identifier: Apache-2.0 */
/* Completion for shells: their scripts, and the candidates that the scripts ask for. */
#ifndef TOOL_COMPLETION_H
#define TOOL_COMPLETION_H

#include <stdbool.h>

#include "tools/sealring/session.h"

/* Prints the script for "bash", "fish" or "zsh" on standard output; false for any other. */
bool completion_print(const char *shell);

/* Reads the words of a command line behind `sealring` from standard input, one a line, and prints what the last one, which may be empty, can
 * become: a candidate in each line, with a tab and its description behind it. Or one line with a colon in front: :file, :directory, or
 * the name of a value that nothing is known about. The words are not arguments, as those of a process are visible to other users. */
void completion_candidates(struct session *session);

#endif
