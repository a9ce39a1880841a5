/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside, made safe for terminals. The public functions are those of <sealring/outside.h>. */
#ifndef BASE_FOREIGN_TEXT_H
#define BASE_FOREIGN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/outside.h>

/* Controls (utf8_is_control), characters that change the direction of text, and invisible ones: they control a terminal, or make one
 * text look like another. */
bool outside_is_unsafe(uint32_t code_point);

/* As sealring_text_escape and sealring_shell_quote. */
size_t outside_escape(const char *text, size_t length, sealring_escape form, char *escaped, size_t size);
size_t outside_shell_quote(const char *word, char *quoted, size_t size);

#endif
