/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes UTF-8 one character at a time, for texts that are shown to people and on terminals. */
#include "base/utf8.h"

#include <string.h>

/* The meaning of the first byte: RFC 3629, section 3. `smallest` excludes overlong forms. */
struct lead {
    uint8_t first;
    uint8_t last;
    uint8_t length;
    uint8_t bits; /* of the code point in the first byte */
    uint32_t smallest;
};

static const struct lead leads[] = {
    {0x00, 0x7f, 1, 0x7f, 0x0},
    {0xc2, 0xdf, 2, 0x1f, 0x80},
    {0xe0, 0xef, 3, 0x0f, 0x800},
    {0xf0, 0xf4, 4, 0x07, 0x10000},
};

size_t utf8_character(const char *text, size_t length, uint32_t *code_point)
{
    const uint8_t *bytes = (const uint8_t *)text;
    if (length == 0)
        return 0;
    const struct lead *lead = leads, *end = leads + sizeof leads / sizeof leads[0];
    while (lead < end && (bytes[0] < lead->first || bytes[0] > lead->last))
        lead++;
    if (lead == end || lead->length > length)
        return 0;
    uint32_t value = bytes[0] & lead->bits;
    for (size_t i = 1; i < lead->length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (bytes[i] & 0x3fU);
    }
    if (value < lead->smallest || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    if (code_point != NULL)
        *code_point = value;
    return lead->length;
}

size_t utf8_cut(const char *text, size_t length)
{
    size_t start = length;
    while (start > 0 && length - start < 4) {
        start--;
        if (((unsigned char)text[start] & 0xc0) != 0x80)
            break;
    }
    return start < length && utf8_character(text + start, length - start, NULL) == 0 ? start : length;
}

bool utf8_is_control(uint32_t code_point)
{
    return code_point < 0x20 || (code_point >= 0x7f && code_point <= 0x9f) || code_point == 0x2028 ||
           code_point == 0x2029;
}

void utf8_replace_controls(char *text)
{
    while (*text != '\0') {
        uint32_t code_point = 0;
        size_t length = utf8_character(text, strlen(text), &code_point);
        if (length == 0 || utf8_is_control(code_point))
            memset(text, '?', length == 0 ? 1 : length);
        text += length == 0 ? 1 : length;
    }
}
