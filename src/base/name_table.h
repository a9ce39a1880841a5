/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the values of an enumeration. */
#ifndef BASE_NAME_TABLE_H
#define BASE_NAME_TABLE_H

#include <stddef.h>

/* A table for lookups by value: existing names never change, because scripts rely on them. */
struct value_name {
    int value;
    const char *text;
};

static inline const char *name_table_find(const struct value_name *names, size_t count, int value,
                                          const char *otherwise)
{
    for (size_t i = 0; i < count; i++)
        if (names[i].value == value)
            return names[i].text;
    return otherwise;
}

#define FIND(names, value, otherwise) name_table_find(names, sizeof(names) / sizeof(names)[0], (int)(value), otherwise)

#endif
