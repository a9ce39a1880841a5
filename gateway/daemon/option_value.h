/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a daemon's options, and complaints about them. */
#ifndef GATEWAY_DAEMON_OPTION_VALUE_H
#define GATEWAY_DAEMON_OPTION_VALUE_H

#include <stdbool.h>
#include <sys/types.h>

/* One line on standard error: the option, and what is wrong with it. Returns false. */
bool option_complain(const char *option, const char *problem);

/* Reads a number from least to most, in digits of this base (8 or 10). */
bool option_number(const char *option, const char *text, int base, unsigned long least, unsigned long most,
                   unsigned long *value);

/* Reads a file's permissions. */
bool option_mode(const char *option, const char *text, mode_t *mode);

#endif
