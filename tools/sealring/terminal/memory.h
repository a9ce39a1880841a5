/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for the command: it either exists or the command ends with a line that reports the lack. */
#ifndef TOOL_MEMORY_H
#define TOOL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include <sealring/outside.h>

/* Ends the command with that line. */
_Noreturn void memory_lack(void);

void *memory_grow(void *old, size_t count, size_t size); /* like reallocarray */
char *memory_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *memory_copy(const char *text); /* NULL stays NULL */

/* The text as sealring_text_escape writes it. */
char *memory_escaped(const char *text, size_t length, sealring_escape form);

/* Makes room for one more element behind `count`, in an array that grew in this way from the first one on; returns the array. */
void *memory_room(void *array, size_t count, size_t size);

/* Memory for a secret, to be released by sealring_secret_free. */
void *memory_secret(size_t size);

#endif
