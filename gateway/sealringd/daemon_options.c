/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's command line. */
#include "gateway/sealringd/daemon_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sealring/verify.h>

enum { USAGE = 2, THREADS_MOST = 64, CONNECTIONS_MOST = 65536, WAITERS_MOST = 256 };

enum option_code {
    OPTION_VAULT = 256,
    OPTION_LISTEN,
    OPTION_SOCKET_MODE,
    OPTION_ALLOW_REMOTE,
    OPTION_ALLOW_ANY,
    OPTION_ADDRESS_HEADER,
    OPTION_THREADS,
    OPTION_WAITERS,
    OPTION_CONNECTIONS,
    OPTION_HELP,
    OPTION_VERSION
};

static const struct option table[] = {
    {"vault", required_argument, NULL, OPTION_VAULT},
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"socket-mode", required_argument, NULL, OPTION_SOCKET_MODE},
    {"allow-remote", no_argument, NULL, OPTION_ALLOW_REMOTE},
    {"allow-any", no_argument, NULL, OPTION_ALLOW_ANY},
    {"address-header", required_argument, NULL, OPTION_ADDRESS_HEADER},
    {"threads", required_argument, NULL, OPTION_THREADS},
    {"waiters", required_argument, NULL, OPTION_WAITERS},
    {"connections", required_argument, NULL, OPTION_CONNECTIONS},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static const char help[] = "Usage: sealringd --vault DIR [--listen ADDRESS]... [OPTION]...\n"
                           "Answers gateways over HTTP whether a request's API key is valid.\n"
                           "\n"
                           "  --vault DIR            the vault; default: SEALRING_VAULT\n"
                           "  --listen ADDRESS       unix:PATH, ADDRESS:PORT or [ADDRESS]:PORT; may be repeated\n"
                           "  --socket-mode MODE     permissions of Unix sockets; default: 0660\n"
                           "  --allow-remote         listen on other addresses than loopback ones, too\n"
                           "  --allow-any            offer /v1/verify/-, which requires no scope\n"
                           "  --address-header NAME  the header in which the gateway passes the client's address\n"
                           "  --threads N            threads that serve connections, for each listener; default: 2\n"
                           "  --waiters N            threads that may wait for the token; default: 32\n"
                           "  --connections N        for each listener, at most; default: 16384\n"
                           "  --help, --version\n"
                           "\n"
                           "See sealringd(8).\n";

static bool complain(const char *option, const char *problem)
{
    (void)fprintf(stderr, "sealringd: --%s %s; see sealringd --help\n", option, problem);
    return false;
}

static bool read_number(const char *option, const char *text, int base, unsigned long least, unsigned long most,
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
    return complain(option, problem);
}

static bool read_count(const char *option, const char *text, unsigned most, unsigned *count)
{
    unsigned long value = 0;
    if (!read_number(option, text, 10, 1, most, &value))
        return false;
    *count = (unsigned)value;
    return true;
}

/* RFC 9110, section 5.1: a field's name is a token. One that holds credentials holds no address. */
static bool read_header_name(const char *text, const char **name)
{
    static const char characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";
    if (text[0] == '\0' || text[strspn(text, characters)] != '\0')
        return complain("address-header", "is the name of a header");
    *name = text;
    return true;
}

static bool take_option(enum option_code code, const char *text, struct daemon_options *options)
{
    unsigned long mode = 0;
    switch (code) {
    case OPTION_VAULT:
        options->vault = text;
        return true;
    case OPTION_LISTEN:
        if (options->listen_count == LISTENERS_MAX)
            return complain("listen", "may be given 8 times");
        options->listen[options->listen_count++] = text;
        return true;
    case OPTION_SOCKET_MODE:
        if (!read_number("socket-mode", text, 8, 0, 0777, &mode))
            return false;
        options->socket_mode = (mode_t)mode;
        return true;
    case OPTION_ALLOW_REMOTE:
        options->remote = true;
        return true;
    case OPTION_ALLOW_ANY:
        options->http.any_allowed = true;
        return true;
    case OPTION_ADDRESS_HEADER:
        return read_header_name(text, &options->http.address_header);
    case OPTION_THREADS:
        return read_count("threads", text, THREADS_MOST, &options->http.threads);
    case OPTION_WAITERS:
        return read_count("waiters", text, WAITERS_MOST, &options->waiters);
    case OPTION_CONNECTIONS:
        return read_count("connections", text, CONNECTIONS_MOST, &options->http.connections);
    default:
        return false;
    }
}

bool daemon_options_read(int argc, char **argv, struct daemon_options *options, int *status)
{
    *options = (struct daemon_options){.vault = getenv("SEALRING_VAULT"),
                                       .socket_mode = 0660,
                                       .waiters = 32,
                                       .http = {.threads = 2, .connections = 16384}};
    int code;
    *status = USAGE;
    while ((code = getopt_long(argc, argv, "", table, NULL)) != -1) {
        if (code == OPTION_HELP || code == OPTION_VERSION) {
            *status = EXIT_SUCCESS;
            if (code == OPTION_HELP)
                (void)fputs(help, stdout);
            else
                (void)printf("sealringd %s\n", sealring_library_version());
            return false;
        }
        if (code == '?' || !take_option((enum option_code)code, optarg, options))
            return false;
    }
    if (optind < argc)
        (void)fprintf(stderr, "sealringd: there are no arguments but options (`%s`); see sealringd --help\n",
                      argv[optind]);
    else if (options->vault == NULL || options->vault[0] == '\0')
        (void)complain("vault", "is required");
    else
        return true;
    return false;
}
