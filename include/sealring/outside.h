/* SPDX-License-Identifier: Apache-2.0 */
/* Escapes untrusted text (edited rows, names of hosts, users and files) for output. Unstable until 1.0, as <sealring/manage.h>. */
#ifndef SEALRING_OUTSIDE_H
#define SEALRING_OUTSIDE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef enum sealring_escape {
    SEALRING_ESCAPE_TERMINAL =
        1, /* for a terminal: control characters, characters that are invisible or change the direction of text, and
                                     bytes that are not UTF-8 become \x1b, \u202e, \U000e0001; all else is unchanged */
    SEALRING_ESCAPE_ASCII =
        2, /* the same, and all characters outside ASCII: for a terminal with another character set */
    SEALRING_ESCAPE_JSON =
        3 /* for a text that is JSON: the same characters become \u009b, and the JSON keeps its meaning */
} sealring_escape;

/* Writes `length` bytes at `text`, escaped, and a NUL into the `size` bytes at `escaped`. What does not fit is omitted, at the end of a
 * character. Returns the length of the complete output, as snprintf does: so escaped may be NULL if size is 0. */
size_t sealring_text_escape(const char *text, size_t length, sealring_escape form, char *escaped, size_t size);

/* The same for one word of a command line: unchanged if it contains only letters, digits and _./-+:@%,= ; otherwise quoted with '…', or
 * with $'…' where a terminal could not show it. The output needs no further escaping for a terminal with UTF-8. */
size_t sealring_shell_quote(const char *word, char *quoted, size_t size);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
