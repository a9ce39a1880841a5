/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes UTF-8 one character at a time, for texts that are shown to people and on terminals. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The length in bytes of the well-formed character (RFC 3629, section 4) at the start of `text`, 0 if there is none. Reads at most
 * `length` bytes. *code_point, if not NULL, is set on success. */
size_t utf8_character(const char *text, size_t length, uint32_t *code_point);

/* The length of a text that is truncated to `length` bytes: without its last character if only a part of that is left. */
size_t utf8_cut(const char *text, size_t length);

/* C0, DEL, C1, and the line and paragraph separators: characters that could end a line or control a terminal. */
bool utf8_is_control(uint32_t code_point);

/* Replaces control characters, and bytes that are not UTF-8, by question marks. The length stays. */
void utf8_replace_controls(char *text);

#endif
