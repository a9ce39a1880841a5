/* SPDX-License-Identifier: Apache-2.0 */
/* The one way from a text to a terminal: escaped, whoever wrote it. */
#include "tools/sealring/terminal/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <sealring/outside.h>

#include "tools/sealring/terminal/memory.h"

#define SPECIFICATION_SIZE 16

size_t terminal_character(const char *text, size_t length, size_t *columns)
{
    wchar_t character = 0;
    mbstate_t state = {0};
    size_t taken = mbrtowc(&character, text, length, &state);
    *columns = 1;
    if (taken == 0 || taken > length)
        return 1; /* not the locale's text: one column for each byte */
    int width = wcwidth(character);
    *columns = width > 0 ? (size_t)width : 0;
    return taken;
}

size_t terminal_width(const char *text, size_t length)
{
    size_t width = 0;
    for (const char *end = text + length; text < end;) {
        size_t columns = 0;
        text += terminal_character(text, (size_t)(end - text), &columns);
        width += columns;
    }
    return width;
}

char *terminal_text(const struct style *style, const char *text)
{
    /* a file or a pipe is UTF-8, whatever the locale */
    return memory_escaped(text, strlen(text),
                          style->terminal && !style->utf8 ? SEALRING_ESCAPE_ASCII : SEALRING_ESCAPE_TERMINAL);
}

void terminal_tone(const struct style *style, enum tone tone)
{
    static const char *const sequences[] = {
        [TONE_PLAIN] = "\033[0m",  [TONE_GOOD] = "\033[32m", [TONE_INFO] = "\033[36m", [TONE_WARN] = "\033[33m",
        [TONE_BAD] = "\033[1;31m", [TONE_DIM] = "\033[2m",   [TONE_BOLD] = "\033[1m",
    };
    if (style->colour)
        fputs(sequences[tone], style->stream);
}

_Static_assert(sizeof(long) == sizeof(size_t), "z is read as l");

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* taken from a format that the compiler has checked */
/* Prints the value of one conversion, which is `specification`. */
static void print_value(const struct style *style, const char *specification, va_list *arguments)
{
    size_t last = strlen(specification) - 1;
    if (specification[last] == 's') {
        char *escaped = terminal_text(style, va_arg(*arguments, const char *));
        fprintf(style->stream, specification, escaped);
        free(escaped);
    } else if (specification[last] == 'c') {
        terminal_tone(style, (enum tone)va_arg(*arguments, int));
    } else if (strchr("diux", specification[last]) == NULL) {
        abort(); /* a conversion that this does not know: the first test that gets here finds it */
    } else if (strchr("lz", specification[last - 1]) != NULL) {
        fprintf(style->stream, specification, va_arg(*arguments, long));
    } else {
        fprintf(style->stream, specification, va_arg(*arguments, int));
    }
}
#pragma GCC diagnostic pop

void terminal_vprint(const struct style *style, const char *format, va_list arguments)
{
    va_list rest;
    va_copy(rest, arguments);
    for (size_t length = 0; *format != '\0'; format += length) {
        char specification[SPECIFICATION_SIZE];
        length = 1;
        if (*format == '%') {
            length = strspn(format + 1, "-0123456789lz") + 2;
            snprintf(specification, sizeof specification, "%.*s", (int)length, format);
            print_value(style, specification, &rest);
        } else if (*format < TONE_PLAIN || *format > TONE_BOLD) {
            fputc(*format, style->stream);
        } else {
            terminal_tone(style, (enum tone) * format);
        }
    }
    va_end(rest);
}

void terminal_print(const struct style *style, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    terminal_vprint(style, format, arguments);
    va_end(arguments);
}
