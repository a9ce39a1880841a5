/* SPDX-License-Identifier: Apache-2.0 */
/* A writer into the caller's memory that never overruns it, for big-endian encodings. */
#include "base/writer.h"

#include <string.h>

void writer_init(struct writer *writer, uint8_t *data, size_t capacity)
{
    *writer = (struct writer){.data = data, .capacity = capacity};
}

/* After something did not fit, nothing more is written: a later, shorter piece would hide the gap. */
void writer_bytes(struct writer *writer, const void *bytes, size_t length)
{
    if (writer->overflow || length > writer->capacity - writer->length) {
        writer->overflow = true;
        return;
    }
    if (length > 0) {
        memcpy(writer->data + writer->length, bytes, length);
        writer->length += length;
    }
}

static void write_number(struct writer *writer, uint64_t value, size_t size)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    writer_bytes(writer, bytes, size);
}

void writer_u8(struct writer *writer, uint8_t value)
{
    write_number(writer, value, 1);
}

void writer_u16(struct writer *writer, uint16_t value)
{
    write_number(writer, value, 2);
}

void writer_u32(struct writer *writer, uint32_t value)
{
    write_number(writer, value, 4);
}

void writer_u64(struct writer *writer, uint64_t value)
{
    write_number(writer, value, 8);
}

void writer_field(struct writer *writer, const void *bytes, size_t length)
{
    if (length > UINT16_MAX) {
        writer->overflow = true;
        return;
    }
    writer_u16(writer, (uint16_t)length);
    writer_bytes(writer, bytes, length);
}
