/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for the command. */
#include "tools/sealring/terminal/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sealring/manage.h>

void memory_lack(void)
{
    fputs("sealring: out of memory\n", stderr);
    exit(1);
}

void *memory_grow(void *old, size_t count, size_t size)
{
    void *grown = reallocarray(old, count > 0 ? count : 1, size);
    if (grown == NULL)
        memory_lack();
    return grown;
}

char *memory_text(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        memory_lack();
    return text;
}

char *memory_copy(const char *text)
{
    if (text == NULL)
        return NULL;
    char *copy = strdup(text);
    if (copy == NULL)
        memory_lack();
    return copy;
}

char *memory_escaped(const char *text, size_t length, sealring_escape form)
{
    size_t size = sealring_text_escape(text, length, form, NULL, 0) + 1;
    char *escaped = memory_grow(NULL, size, 1);
    sealring_text_escape(text, length, form, escaped, size);
    return escaped;
}

void *memory_room(void *array, size_t count, size_t size)
{
    /* there is room for 16, then always for the next power of two */
    if (count == 0 || (count >= 16 && (count & (count - 1)) == 0))
        return memory_grow(array, count == 0 ? 16 : 2 * count, size);
    return array;
}

void *memory_secret(size_t size)
{
    void *memory = sealring_secret_allocate(size);
    if (memory == NULL)
        memory_lack();
    return memory;
}
