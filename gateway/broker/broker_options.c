/* SPDX-License-Identifier: Apache-2.0 */
/* The broker's command line. */
#include "gateway/broker/broker_options.h"

#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/daemon/option_value.h"

enum broker_option { OPTION_VAULT = OPTION_OWN, OPTION_LISTEN, OPTION_SOCKET_MODE, OPTION_ALLOW_USER };

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

static bool take_option(int code, const char *text, void *context)
{
    struct broker_options *options = context;
    switch ((enum broker_option)code) {
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
    if (!options_read(argc, argv, table, help, take_option, options, status))
        return false;
    if (options->vault == NULL || options->vault[0] == '\0')
        (void)option_complain("vault", "is required");
    else if (options->allowed_count == 0)
        (void)option_complain("allow-user", "is required: nobody may connect, not even root");
    else
        return true;
    return false;
}
