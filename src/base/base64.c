/* SPDX-License-Identifier: Apache-2.0 */
/* Base 64 with padding (RFC 4648, section 4), strictly: each value has one text. */
#include "base/base64.h"

#include <string.h>

#include <openssl/evp.h>

void base64_encode(const void *bytes, size_t length, char *text)
{
    EVP_EncodeBlock((unsigned char *)text, bytes, (int)length);
}

/* OpenSSL's decoder takes more than one text for a value, so each four characters are compared with what they would be encoded as. */
bool base64_decode(const char *text, size_t text_length, uint8_t *bytes, size_t size, size_t *length)
{
    *length = 0;
    if (text_length % 4 != 0)
        return false;
    for (size_t i = 0; i < text_length; i += 4) {
        uint8_t three[3];
        char four[4 + 1];
        bool last = i + 4 == text_length;
        size_t count = !last || text[i + 3] != '=' ? 3 : text[i + 2] != '=' ? 2 : 1;
        if (EVP_DecodeBlock(three, (const unsigned char *)text + i, 4) != 3 || size - *length < count)
            return false;
        base64_encode(three, count, four);
        if (memcmp(four, text + i, 4) != 0)
            return false;
        memcpy(bytes + *length, three, count);
        *length += count;
    }
    return true;
}
