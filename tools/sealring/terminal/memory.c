/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for the command. */
#include "tools/sealring/terminal/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sealring/manage.h>

static _Noreturn void out_of_memory(void)
{
    fputs("sealring: out of memory\n", stderr);
    exit(1);
}

void *memory_grow(void *old, size_t count, size_t size)
{
    void *grown = reallocarray(old, count > 0 ? count : 1, size);
    if (grown == NULL)
        out_of_memory();
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
        out_of_memory();
    return text;
}

char *memory_copy(const char *text)
{
    if (text == NULL)
        return NULL;
    char *copy = strdup(text);
    if (copy == NULL)
        out_of_memory();
    return copy;
}

void *memory_room(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity == 0 ? 16 : *capacity * 2;
    return memory_grow(array, *capacity, size);
}

void *memory_secret(size_t size)
{
    void *memory = sealring_secret_allocate(size);
    if (memory == NULL)
        out_of_memory();
    return memory;
}
