/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon's command line: its options, their values, and complaints about them. */
#ifndef GATEWAY_DAEMON_OPTION_VALUE_H
#define GATEWAY_DAEMON_OPTION_VALUE_H

#include <getopt.h>
#include <stdbool.h>
#include <sys/types.h>

/* Codes of the options that every daemon has; its own ones begin at OPTION_OWN. */
enum option_common { OPTION_HELP = 256, OPTION_VERSION, OPTION_OWN };

/* Passes each option to `take`, which complains about what is wrong and returns false. False: the process ends with *status; what there was to
 * print has been printed. */
bool options_read(int argc, char **argv, const struct option *table, const char *help,
                  bool (*take)(int code, const char *text, void *options), void *options, int *status);

/* One line on standard error: the option, and what is wrong with it. Returns false. */
bool option_complain(const char *option, const char *problem);

/* Reads a number from least to most, in digits of this base (8 or 10). */
bool option_number(const char *option, const char *text, int base, unsigned long least, unsigned long most,
                   unsigned long *value);

/* Reads a file's permissions. */
bool option_mode(const char *option, const char *text, mode_t *mode);

#endif
