/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon's command line: its options, their values, and complaints about them. */
#include "gateway/daemon/option_value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <sealring/verify.h>

#include "gateway/daemon/journal.h"

enum { WRONG_USAGE = 2 };

bool option_complain(const char *option, const char *problem)
{
    const char *program = journal_program();
    (void)fprintf(stderr, "%s: --%s %s; see %s --help\n", program, option, problem, program);
    return false;
}

bool options_read(int argc, char **argv, const struct option *table, const char *help,
                  bool (*take)(int code, const char *text, void *options), void *options, int *status)
{
    const char *program = journal_program();
    int code;
    *status = WRONG_USAGE;
    while ((code = getopt_long(argc, argv, "", table, NULL)) != -1) {
        if (code == OPTION_HELP || code == OPTION_VERSION) {
            *status = EXIT_SUCCESS;
            if (code == OPTION_HELP)
                (void)fputs(help, stdout);
            else
                (void)printf("%s %s\n", program, sealring_library_version());
            return false;
        }
        if (code == '?' || !take(code, optarg, options))
            return false;
    }
    if (optind == argc)
        return true;
    (void)fprintf(stderr, "%s: there are no arguments but options (`%s`); see %s --help\n", program, argv[optind],
                  program);
    return false;
}

bool option_number(const char *option, const char *text, int base, unsigned long least, unsigned long most,
                   unsigned long *value)
{
    char *end = NULL;
    errno = 0;
    *value = strtoul(text, &end, base);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *value >= least && *value <= most)
        return true;
    char problem[96];
    (void)snprintf(problem, sizeof problem,
                   base == 8 ? "is an octal number up to %lo" : "is a number from %2$lu to %1$lu", most, least);
    return option_complain(option, problem);
}

bool option_mode(const char *option, const char *text, mode_t *mode)
{
    unsigned long value = 0;
    if (!option_number(option, text, 8, 0, 0777, &value))
        return false;
    *mode = (mode_t)value;
    return true;
}
