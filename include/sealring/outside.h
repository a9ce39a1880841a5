/* SPDX-License-Identifier: Apache-2.0 */
/* Text from outside (edited rows, names of hosts, users and files), escaped where it leaves. Unstable until 1.0, as <sealring/manage.h>. */
#ifndef SEALRING_OUTSIDE_H
#define SEALRING_OUTSIDE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef enum sealring_escape {
    SEALRING_ESCAPE_TERMINAL =
        1, /* for people: controls, invisible and direction-changing characters, and bytes that are no UTF-8 become
                                     \x1b, \u202e, \U000e0001; all else stays */
    SEALRING_ESCAPE_ASCII =
        2, /* the same, and so does all that is not ASCII: for a terminal of another character set */
    SEALRING_ESCAPE_JSON =
        3 /* a text that is JSON already: the same characters become \u009b, and it is the same JSON */
} sealring_escape;

/* Writes `length` bytes at `text`, escaped, and a NUL into the `size` bytes at `escaped`; what does not fit is left out, at a character.
 * Returns the length that all of it takes, as snprintf does: so escaped may be NULL if size is 0. */
size_t sealring_text_escape(const char *text, size_t length, sealring_escape form, char *escaped, size_t size);

/* The same for one word of a command line: as it is if it holds only letters, digits and _./-+:@%,= ; else in '…', or in $'…' where a
 * terminal could not show it. What is written needs no further escaping for a terminal of UTF-8. */
size_t sealring_shell_quote(const char *word, char *quoted, size_t size);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
