/* SPDX-License-Identifier: Apache-2.0 */
/* A long detail of an audit entry as it is stored: deflated. Leaf, exports and proofs are of the text itself. */
#include "registry/log/packed_detail.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "base/writer.h"

#define PREFIX 4 /* bytes of the length */
#define LEVEL  6 /* higher ones save a tenth, and cost more time than sealing */

uint8_t *packed_write(const char *text, size_t *length)
{
    size_t size = strlen(text);
    struct writer writer;
    if (size < PACKED_LEAST || size > PACKED_MOST)
        return NULL;
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(LEVEL);
    uint8_t *bytes = malloc(size);
    size_t packed = 0;
    if (compressor != NULL && bytes != NULL)
        packed = libdeflate_deflate_compress(compressor, text, size, bytes + PREFIX, size - size / 8 - PREFIX);
    libdeflate_free_compressor(compressor);
    if (packed == 0) {
        free(bytes);
        return NULL;
    }
    writer_init(&writer, bytes, PREFIX);
    writer_u32(&writer, (uint32_t)size);
    *length = PREFIX + packed;
    return bytes;
}

char *packed_read(const uint8_t *bytes, size_t length, bool *damaged)
{
    size_t size = 0;
    for (size_t i = 0; i < PREFIX && i < length; i++)
        size = size << 8 | bytes[i];
    *damaged = length <= PREFIX || size < PACKED_LEAST || size > PACKED_MOST;
    if (*damaged)
        return NULL;
    struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
    char *text = malloc(size + 1);
    if (decompressor != NULL && text != NULL) {
        *damaged = libdeflate_deflate_decompress(decompressor, bytes + PREFIX, length - PREFIX, text, size, NULL) !=
                       LIBDEFLATE_SUCCESS ||
                   memchr(text, '\0', size) != NULL;
        text[size] = '\0';
    }
    bool good = decompressor != NULL && text != NULL && !*damaged;
    libdeflate_free_decompressor(decompressor);
    if (good)
        return text;
    free(text);
    return NULL;
}
