/* SPDX-License-Identifier: Apache-2.0 */
/* What fuzzers say when a property does not hold, and what they often need. */
#ifndef TESTS_FUZZ_PROPERTY_H
#define TESTS_FUZZ_PROPERTY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

static inline void require(bool holds, const char *property)
{
    if (!holds) {
        (void)fprintf(stderr, "property does not hold: %s\n", property);
        abort();
    }
}

/* One line of clean UTF-8, as terminals and logs get it. */
static inline bool is_clean(const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length;) {
        uint32_t code_point = 0;
        size_t size = utf8_character(text + i, length - i, &code_point);
        if (size == 0 || utf8_is_control(code_point))
            return false;
        i += size;
    }
    return true;
}

/* The input, taken piece by piece; past its end there are zeros. */
struct supply {
    const uint8_t *data;
    size_t left;
};

static inline void supply_bytes(struct supply *supply, void *bytes, size_t size)
{
    size_t there = size < supply->left ? size : supply->left;
    memset(bytes, 0, size);
    if (there > 0)
        memcpy(bytes, supply->data, there);
    supply->data += there;
    supply->left -= there;
}

static inline uint8_t supply_byte(struct supply *supply)
{
    uint8_t byte;
    supply_bytes(supply, &byte, 1);
    return byte;
}

static inline uint64_t supply_number(struct supply *supply)
{
    uint64_t number;
    supply_bytes(supply, &number, sizeof number);
    return number;
}

/* A directory in memory of this process's own, where there is one. */
static inline void make_directory(char path[64])
{
    strcpy(path, "/dev/shm/sealring-fuzz-XXXXXX");
    if (mkdtemp(path) == NULL) {
        strcpy(path, "/tmp/sealring-fuzz-XXXXXX");
        require(mkdtemp(path) != NULL, "there is a place for files");
    }
}

#endif
