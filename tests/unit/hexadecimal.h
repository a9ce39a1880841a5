/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the hexadecimal figures of tests/vectors. */
#ifndef TESTS_HEXADECIMAL_H
#define TESTS_HEXADECIMAL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/runner.h"

/* Reads the whole text into bytes, which has room for `capacity`; returns how many there are. */
static inline size_t hexadecimal_read(const char *text, uint8_t *bytes, size_t capacity)
{
    static const char digits[] = "0123456789abcdef";
    size_t length = strlen(text) / 2;
    ck_assert_uint_eq(strlen(text) % 2, 0);
    ck_assert_uint_le(length, capacity);
    for (size_t i = 0; i < length; i++) {
        const char *high = strchr(digits, text[2 * i]);
        const char *low = strchr(digits, text[2 * i + 1]);
        ck_assert(high != NULL && low != NULL);
        bytes[i] = (uint8_t)((high - digits) << 4 | (low - digits));
    }
    return length;
}

#endif
