/* SPDX-License-Identifier: Apache-2.0 */
/* Base 64 with padding (RFC 4648, section 4), strictly: each value has one text. */
#include "base/base64.h"

#include <string.h>

static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *bytes, size_t length, char *text)
{
    const uint8_t *from = bytes;
    for (; length >= 3; length -= 3, from += 3, text += 4) {
        uint32_t three = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
        for (unsigned i = 0; i < 4; i++)
            text[i] = base64_alphabet[three >> (18 - 6 * i) & 63];
    }
    if (length > 0) {
        uint32_t rest = (uint32_t)from[0] << 16 | (length == 2 ? (uint32_t)from[1] << 8 : 0);
        text[0] = base64_alphabet[rest >> 18 & 63];
        text[1] = base64_alphabet[rest >> 12 & 63];
        text[2] = length == 2 ? base64_alphabet[rest >> 6 & 63] : '=';
        text[3] = '=';
        text += 4;
    }
    *text = '\0';
}

static bool base64_digit(char character, uint32_t *value)
{
    const char *found = character != '\0' ? strchr(base64_alphabet, character) : NULL;
    *value = found != NULL ? (uint32_t)(found - base64_alphabet) : 0;
    return found != NULL;
}

/* Decodes four characters, of which the last `padding` are padding. Unused bits must be 0. */
static bool base64_four(const char *text, unsigned padding, uint8_t bytes[3])
{
    uint32_t all = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint32_t value = 0;
        if (i < 4 - padding && !base64_digit(text[i], &value))
            return false;
        all = all << 6 | value;
    }
    bytes[0] = (uint8_t)(all >> 16);
    bytes[1] = (uint8_t)(all >> 8);
    bytes[2] = (uint8_t)all;
    return padding == 0 || (padding == 1 ? bytes[2] == 0 : (bytes[1] == 0 && bytes[2] == 0));
}

bool base64_decode(const char *text, size_t text_length, uint8_t *bytes, size_t size, size_t *length)
{
    *length = 0;
    if (text_length % 4 != 0)
        return false;
    for (size_t i = 0; i < text_length; i += 4) {
        uint8_t three[3];
        bool last = i + 4 == text_length;
        unsigned padding = !last || text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
        if (!base64_four(text + i, padding, three) || size - *length < 3 - padding)
            return false;
        memcpy(bytes + *length, three, 3 - padding);
        *length += 3 - padding;
    }
    return true;
}
