/* SPDX-License-Identifier: Apache-2.0 */
/* Completion scripts for shells, made from the tables. */
#ifndef TOOL_COMPLETION_H
#define TOOL_COMPLETION_H

#include <stdbool.h>

#include "tools/sealring/command.h"

/* What a value or an argument is completed to. */
enum completion_kind {
    COMPLETION_NOTHING,
    COMPLETION_DIRECTORY,
    COMPLETION_FILE,
    COMPLETION_SHELL,   /* the shells that there is completion for */
    COMPLETION_RING,    /* rings of the vault */
    COMPLETION_CLIENT,  /* clients of the vault */
    COMPLETION_COMMAND, /* a command, or the first of its two words */
    COMPLETION_VERB     /* its second word */
};

/* `value` is the name that the help gives to an option's value or to an argument. */
enum completion_kind completion_kind(const struct command *command, const char *value);

typedef void (*completion_word)(const char *word, const struct command *command, void *context);

/* Calls `each` with each word that a command line may begin with, once; command is NULL for the first of two words. */
void completion_first_words(completion_word each, void *context);

/* The same with the second words of this first one. */
void completion_second_words(const char *first, completion_word each, void *context);

/* Prints the script for "bash", "fish" or "zsh" on standard output; false for any other. */
bool completion_print(const char *shell);

/* The scripts. */
void completion_bash(void);
void completion_fish(void);
void completion_zsh(void);

#endif
