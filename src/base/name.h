/* SPDX-License-Identifier: Apache-2.0 */
/* The permitted forms of names, prefixes and contacts. */
#ifndef BASE_NAME_H
#define BASE_NAME_H

#include <stdbool.h>

/* Each returns NULL if the text is valid, else the reason as a sentence fragment ("is longer than 64 bytes", "has a character other
 * than letters, digits, `.`, `_`, `-` at position 5"). It may be in `problem`, and does not quote the text. */
const char *name_problem(const char *text, char problem[128]);         /* ring, label */
const char *name_client_problem(const char *text, char problem[128]);  /* client: also `@` and `+` */
const char *name_prefix_problem(const char *text, char problem[128]);  /* [a-z0-9]+(_[a-z0-9]+)*, at most 24 */
const char *name_prf_problem(const char *text, char problem[128]);     /* [a-z0-9]+(-[a-z0-9]+)*, at most 32 */
const char *name_contact_problem(const char *text, char problem[128]); /* valid UTF-8, no controls, at most 254 bytes */

bool name_is_lower_or_digit(char character); /* of ASCII */

#endif
