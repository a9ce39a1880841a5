/* SPDX-License-Identifier: Apache-2.0 */
/* What was probably meant by an unknown word. */
#ifndef TOOL_SUGGEST_H
#define TOOL_SUGGEST_H

#include <stddef.h>

#include "tools/sealring/command.h"

/* The nearest command or option, NULL if none is near. command may be NULL. */
const char *suggest_command(const char *word);
const char *suggest_option(const struct command *command, const char *name, size_t length);

/* "create, list, show, set" for "ring". */
void suggest_verbs(const char *noun, char *list, size_t size);

#endif
