/* SPDX-License-Identifier: Apache-2.0 */
/* One UTF-8 character at a time, for texts that people and terminals get to see. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length in bytes of the well-formed character (RFC 3629, section 4) that `text` begins with, 0 if there is none.
 * At most `length` bytes are read. *code_point, if not NULL, is set on success. */
size_t utf8_character(const char *text, size_t length, uint32_t *code_point);

/* C0, DEL, C1, and the line and paragraph separators: what could end a line or steer a terminal. */
bool utf8_is_control(uint32_t code_point);

#endif
