/* SPDX-License-Identifier: Apache-2.0 */
/* The command line, read against a command's tables. */
#ifndef TOOL_OPTIONS_H
#define TOOL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/sealring/command.h"

#define OPTIONS_ARGUMENTS_MAX 4

struct option_given {
    const struct option *option;
    const char *text; /* NULL for a flag */
    int64_t number;   /* of numbers, durations and moments */
};

struct options {
    const struct command *command;
    struct option_given *given; /* owned, in the order of the command line */
    size_t count;
    const char *arguments[OPTIONS_ARGUMENTS_MAX]; /* NULL behind the last */
    uint32_t version;                             /* of an argument of kind ARGUMENT_VERSION, 0 if it was not given */
    size_t argument_count;
    char problem[400];
};

/* Finds the command and reads the rest of argv against its tables. False after writing one line into options->problem, which never
 * repeats what could be a secret. options->command is NULL when only common options were given. */
bool options_read(struct options *options, int argc, char **argv);
void options_free(struct options *options);

/* Whether the text has the form of a key ID. */
#define OPTIONS_KEY_ID_FORM "16 letters and digits, as `sealring key list` shows them"
bool options_is_key_id(const char *text);

/* The name must be in the command's or the common table. */
bool option_given(const struct options *options, const char *name);
const char *option_text(const struct options *options, const char *name); /* NULL if it was not given */
int64_t option_number(const struct options *options, const char *name);   /* 0 if it was not given */

/* The values of an option that may be repeated, NULL behind the last; the array is the caller's. */
const char **option_list(const struct options *options, const char *name);

/* The values of an option that may be repeated with one space between, owned by the caller; NULL if it was not given. */
char *option_joined(const struct options *options, const char *name);

#endif
