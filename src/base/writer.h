/* SPDX-License-Identifier: Apache-2.0 */
/* A writer into the caller's memory that never overruns it, for big-endian encodings. */
#ifndef BASE_WRITER_H
#define BASE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct writer {
    uint8_t *data;
    size_t capacity;
    size_t length;
    bool overflow; /* something did not fit: the contents are invalid */
};

void writer_init(struct writer *writer, uint8_t *data, size_t capacity);
void writer_bytes(struct writer *writer, const void *bytes, size_t length);
void writer_u8(struct writer *writer, uint8_t value);
void writer_u16(struct writer *writer, uint16_t value);
void writer_u32(struct writer *writer, uint32_t value);
void writer_u64(struct writer *writer, uint64_t value);
void writer_field(struct writer *writer, const void *bytes, size_t length); /* 16-bit length, then the bytes */

#endif
