/* SPDX-License-Identifier: Apache-2.0 */
/* The one way from a text to a terminal: escaped, whoever wrote it. */
#include "tools/sealring/terminal/terminal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <sealring/outside.h>

#include "tools/sealring/terminal/memory.h"

#define SPECIFICATION_SIZE 32

size_t terminal_width(const char *text)
{
    size_t width = 0;
    mbstate_t state = {0};
    for (size_t length = strlen(text); length > 0;) {
        wchar_t character = 0;
        size_t taken = mbrtowc(&character, text, length, &state);
        if (taken == 0 || taken > length)
            return width + length; /* not the locale's text: one column for each byte */
        int columns = wcwidth(character);
        width += columns > 0 ? (size_t)columns : 0;
        text += taken;
        length -= taken;
    }
    return width;
}

static char *escape(const struct style *style, const char *text, size_t length)
{
    /* a file or a pipe is UTF-8, whatever the locale */
    sealring_escape form = style->terminal && !style->utf8 ? SEALRING_ESCAPE_ASCII : SEALRING_ESCAPE_TERMINAL;
    size_t size = sealring_text_escape(text, length, form, NULL, 0) + 1;
    char *escaped = memory_grow(NULL, size, 1);
    sealring_text_escape(text, length, form, escaped, size);
    return escaped;
}

char *terminal_text(const struct style *style, const char *text)
{
    return escape(style, text, strlen(text));
}

/* One conversion of a format, taken apart. */
struct conversion {
    char text[SPECIFICATION_SIZE]; /* as printf wants it, with figures in place of * */
    size_t length;                 /* of it in the format, % included */
    bool left;
    int width;
    int precision; /* -1: none */
    int longs;     /* 1: l, 2: ll, 3: z */
    char letter;
};

static int number(const char **at, va_list *arguments)
{
    if (**at == '*') {
        ++*at;
        return va_arg(*arguments, int);
    }
    return (int)strtol(*at, (char **)(uintptr_t)at, 10);
}

static struct conversion read_conversion(const char *format, va_list *arguments)
{
    struct conversion conversion = {.precision = -1};
    const char *at = format + 1;
    size_t flags = strspn(at, "-+ #0");
    conversion.left = memchr(at, '-', flags) != NULL;
    int used = snprintf(conversion.text, sizeof conversion.text, "%%%.*s", (int)(flags < 5 ? flags : 5), at);
    at += flags;
    if (*at == '*' || isdigit((unsigned char)*at)) {
        conversion.width = number(&at, arguments);
        conversion.left = conversion.left || conversion.width < 0;
        used += snprintf(conversion.text + used, sizeof conversion.text - (size_t)used, "%d", conversion.width);
        conversion.width = abs(conversion.width);
    }
    if (*at == '.') {
        at++;
        conversion.precision = *at == '*' || isdigit((unsigned char)*at) ? number(&at, arguments) : 0;
        if (conversion.precision >= 0)
            used +=
                snprintf(conversion.text + used, sizeof conversion.text - (size_t)used, ".%d", conversion.precision);
    }
    size_t lengths = strspn(at, "hlz");
    conversion.longs = *at == 'z' ? 3 : *at == 'l' ? (int)lengths : 0;
    at += lengths;
    conversion.letter = *at;
    conversion.length = (size_t)(at - format) + 1;
    snprintf(conversion.text + used, sizeof conversion.text - (size_t)used, "%s%c",
             conversion.longs == 3   ? "z"
             : conversion.longs == 2 ? "ll"
             : conversion.longs == 1 ? "l"
                                     : "",
             conversion.letter);
    return conversion;
}

static void pad(FILE *stream, const struct conversion *conversion, size_t width)
{
    if (conversion->width > 0 && (size_t)conversion->width > width)
        fprintf(stream, "%*s", conversion->width - (int)width, "");
}

static void print_text(FILE *stream, const struct style *style, const struct conversion *conversion, const char *text)
{
    if (style_is_sequence(text)) {
        fputs(text, stream);
        return;
    }
    size_t length = conversion->precision >= 0 ? strnlen(text, (size_t)conversion->precision) : strlen(text);
    char *escaped = escape(style, text, length);
    size_t width = conversion->width > 0 ? terminal_width(escaped) : 0;
    if (!conversion->left)
        pad(stream, conversion, width);
    fputs(escaped, stream);
    if (conversion->left)
        pad(stream, conversion, width);
    free(escaped);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* taken from a format that the compiler has checked */
static void print_number(FILE *stream, const struct conversion *conversion, va_list *arguments)
{
    if (conversion->longs == 0)
        fprintf(stream, conversion->text, va_arg(*arguments, int));
    else if (conversion->longs == 2)
        fprintf(stream, conversion->text, va_arg(*arguments, long long));
    else
        fprintf(stream, conversion->text, va_arg(*arguments, long)); /* size_t has its size */
}
#pragma GCC diagnostic pop

_Static_assert(sizeof(long) == sizeof(size_t), "z is read as l");

void terminal_vprint(FILE *stream, const struct style *style, const char *format, va_list arguments)
{
    va_list rest;
    va_copy(rest, arguments);
    while (*format != '\0') {
        size_t literal = strcspn(format, "%");
        fwrite(format, 1, literal, stream);
        format += literal;
        if (*format == '\0')
            break;
        struct conversion conversion = read_conversion(format, &rest);
        format += conversion.length;
        if (conversion.letter == 's')
            print_text(stream, style, &conversion, va_arg(rest, const char *));
        else if (conversion.letter != '%' && strchr("diuxc", conversion.letter) != NULL)
            print_number(stream, &conversion, &rest);
        else if (conversion.letter == '%')
            fputc('%', stream);
        else
            abort(); /* a conversion that this does not know: the first test that gets here finds it */
    }
    va_end(rest);
}

void terminal_print(FILE *stream, const struct style *style, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    terminal_vprint(stream, style, format, arguments);
    va_end(arguments);
}
