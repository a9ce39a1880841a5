/* SPDX-License-Identifier: Apache-2.0 */
/* All that people read goes through here: what comes from outside cannot steer the terminal or make a line that never was. */
#ifndef TOOL_TERMINAL_H
#define TOOL_TERMINAL_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "tools/sealring/terminal/style.h"

/* As printf, but each text of a %s is escaped (sealring_text_escape), except style.h's own sequences; the format is the command's and is
 * not. Knows the conversions s c d i u x with a width, l and z. style: of the stream that the text is for in the end. */
void terminal_print(FILE *stream, const struct style *style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void terminal_vprint(FILE *stream, const struct style *style, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/* The text, escaped for this terminal: owned by the caller. */
char *terminal_text(const struct style *style, const char *text);

/* How many columns of a terminal a text takes. */
size_t terminal_width(const char *text);

#endif
