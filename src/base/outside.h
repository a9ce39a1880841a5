/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside: what no terminal may get as it is. The escaping itself is public: <sealring/outside.h>. */
#ifndef BASE_OUTSIDE_H
#define BASE_OUTSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Controls (utf8_is_control), what changes the direction of text, and what cannot be seen: they steer a terminal, or make one text look
 * like another. */
bool outside_is_unsafe(uint32_t code_point);

/* Whether all of the text is UTF-8. */
bool outside_is_utf8(const char *text, size_t length);

#endif
