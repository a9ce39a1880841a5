/* SPDX-License-Identifier: Apache-2.0 */
/* The broker's command line. */
#include "gateway/broker/broker_options.h"

#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sealring/verify.h>

#include "gateway/daemon/option_value.h"

enum { WRONG_USAGE = 2 };

enum broker_option {
    OPTION_VAULT = 256,
    OPTION_LISTEN,
    OPTION_SOCKET_MODE,
    OPTION_ALLOW_USER,
    OPTION_HELP,
    OPTION_VERSION
};

static const struct option table[] = {
    {"vault", required_argument, NULL, OPTION_VAULT},
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"socket-mode", required_argument, NULL, OPTION_SOCKET_MODE},
    {"allow-user", required_argument, NULL, OPTION_ALLOW_USER},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static const char help[] = "Usage: sealring-broker --vault DIR --allow-user USER [--listen unix:PATH] [OPTION]...\n"
                           "Renews credentials that sealringd passes to it.\n"
                           "\n"
                           "  --vault DIR         the vault; default: SEALRING_VAULT\n"
                           "  --listen unix:PATH  may be repeated\n"
                           "  --socket-mode MODE  permissions of the sockets; default: 0660\n"
                           "  --allow-user USER   a name or a number; only these may connect; may be repeated\n"
                           "  --help, --version\n"
                           "\n"
                           "See sealring-broker(8).\n";

static bool add_user(const char *text, struct broker_options *options)
{
    if (options->allowed_count == ALLOWED_USERS_MAX)
        return option_complain("allow-user", "may be given 16 times");
    const struct passwd *user = getpwnam(text);
    unsigned long number = 0;
    if (user != NULL)
        number = user->pw_uid;
    else if (text[0] < '0' || text[0] > '9')
        return option_complain("allow-user", "names no user of this system");
    else if (!option_number("allow-user", text, 10, 0, UINT32_MAX - 1UL, &number))
        return false;
    options->allowed[options->allowed_count++] = (uid_t)number;
    return true;
}

static bool take_option(enum broker_option code, const char *text, struct broker_options *options)
{
    switch (code) {
    case OPTION_VAULT:
        options->vault = text;
        return true;
    case OPTION_LISTEN:
        if (options->listen_count == LISTENERS_MAX)
            return option_complain("listen", "may be given 8 times");
        options->listen[options->listen_count++] = text;
        return true;
    case OPTION_SOCKET_MODE:
        return option_mode("socket-mode", text, &options->socket_mode);
    case OPTION_ALLOW_USER:
        return add_user(text, options);
    default:
        return false;
    }
}

bool broker_options_read(int argc, char **argv, struct broker_options *options, int *status)
{
    *options = (struct broker_options){.vault = getenv("SEALRING_VAULT"), .socket_mode = 0660};
    int code;
    *status = WRONG_USAGE;
    while ((code = getopt_long(argc, argv, "", table, NULL)) != -1) {
        if (code == OPTION_HELP || code == OPTION_VERSION) {
            *status = EXIT_SUCCESS;
            if (code == OPTION_HELP)
                (void)fputs(help, stdout);
            else
                (void)printf("sealring-broker %s\n", sealring_library_version());
            return false;
        }
        if (code == '?' || !take_option((enum broker_option)code, optarg, options))
            return false;
    }
    if (optind < argc)
        (void)fprintf(stderr,
                      "sealring-broker: there are no arguments but options (`%s`); see sealring-broker --help\n",
                      argv[optind]);
    else if (options->vault == NULL || options->vault[0] == '\0')
        (void)option_complain("vault", "is required");
    else if (options->allowed_count == 0)
        (void)option_complain("allow-user", "is required: nobody may connect, not even root");
    else
        return true;
    return false;
}
