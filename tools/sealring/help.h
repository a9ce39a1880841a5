/* SPDX-License-Identifier: Apache-2.0 */
/* Help texts, made from the tables. */
#ifndef TOOL_HELP_H
#define TOOL_HELP_H

#include <stdbool.h>

#include "tools/sealring/command.h"
#include "tools/sealring/terminal/style.h"

void help_overview(const struct style *style);
void help_noun(const char *noun, const struct style *style);
void help_command(const struct command *command, const struct style *style);

/* The tables as JSON: those of one command, or with first NULL all. False if there is no such command. */
bool help_json(const char *first, const char *second);

#endif
