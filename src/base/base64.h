/* SPDX-License-Identifier: Apache-2.0 */
/* Base 64 with padding (RFC 4648, section 4), strictly: each value has one text. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BASE64_LENGTH(bytes) (((bytes) + 2) / 3 * 4) /* of the text, without NUL */

/* Writes BASE64_LENGTH(length) characters and a NUL. */
void base64_encode(const void *bytes, size_t length, char *text);

/* False for anything that base64_encode would not write, and for what does not fit into `size` bytes. Writes only *length bytes. */
bool base64_decode(const char *text, size_t text_length, uint8_t *bytes, size_t size, size_t *length);

#endif
