/* SPDX-License-Identifier: Apache-2.0 */
/* All that people read goes through here: what comes from outside cannot steer the terminal or make a line that never was. */
#ifndef TOOL_TERMINAL_H
#define TOOL_TERMINAL_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "tools/sealring/terminal/style.h"

/* As printf, but each text of a %s is escaped (sealring_text_escape); the format is the command's and is not, and may contain tones
 * (style.h). Knows the conversions s d i u x with a width, l and z, and c for a tone. */
void terminal_print(const struct style *style, const char *format, ...) __attribute__((format(printf, 2, 3)));
void terminal_vprint(const struct style *style, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* Writes the sequence from which on text has this tone; nothing without colour. */
void terminal_tone(const struct style *style, enum tone tone);

/* The text, escaped for this terminal: owned by the caller. */
char *terminal_text(const struct style *style, const char *text);

/* How many columns of a terminal a text takes. */
size_t terminal_width(const char *text, size_t length);

/* The length of the text's first character, and the columns that it takes. */
size_t terminal_character(const char *text, size_t length, size_t *columns);

#endif
