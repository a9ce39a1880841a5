/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's command line. */
#include "gateway/sealringd/daemon_options.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/daemon/option_value.h"

enum { THREADS_MOST = 64, CONNECTIONS_MOST = 65536, WAITERS_MOST = 256 };

enum option_code {
    OPTION_VAULT = OPTION_OWN,
    OPTION_LISTEN,
    OPTION_SOCKET_MODE,
    OPTION_ALLOW_REMOTE,
    OPTION_ALLOW_ANY,
    OPTION_ADDRESS_HEADER,
    OPTION_THREADS,
    OPTION_WAITERS,
    OPTION_CONNECTIONS,
    OPTION_RENEW_LISTEN,
    OPTION_RENEW_TLS_CERTIFICATE,
    OPTION_RENEW_TLS_KEY,
    OPTION_BROKER,
    OPTION_LEAKS_LISTEN,
    OPTION_LEAKS_KEYS,
    OPTION_REPLACE_LEAKS_KEYS
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
    {"renew-listen", required_argument, NULL, OPTION_RENEW_LISTEN},
    {"renew-tls-certificate", required_argument, NULL, OPTION_RENEW_TLS_CERTIFICATE},
    {"renew-tls-key", required_argument, NULL, OPTION_RENEW_TLS_KEY},
    {"broker", required_argument, NULL, OPTION_BROKER},
    {"leaks-listen", required_argument, NULL, OPTION_LEAKS_LISTEN},
    {"leaks-keys", required_argument, NULL, OPTION_LEAKS_KEYS},
    {"replace-leaks-keys", required_argument, NULL, OPTION_REPLACE_LEAKS_KEYS},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

#define BROKER "/run/sealring-broker/broker.sock"

static const char help[] =
    "Usage: sealringd --vault DIR [--listen ADDRESS]... [OPTION]...\n"
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
    "  --renew-listen ADDRESS where clients renew their credentials; may be repeated\n"
    "  --renew-tls-certificate FILE\n"
    "  --renew-tls-key FILE   TLS for --renew-listen and --leaks-listen (not for Unix sockets), in PEM\n"
    "  --broker PATH          the socket of sealring-broker; default: " BROKER "\n"
    "  --leaks-listen ADDRESS where GitHub reports leaked credentials; may be repeated\n"
    "  --leaks-keys FILE      the public keys with which such reports are signed\n"
    "  --replace-leaks-keys FILE\n"
    "                         replace FILE by the keys on standard input, if they are good ones, and end\n"
    "  --help, --version\n"
    "\n"
    "See sealringd(8).\n";

static bool add_listener(const char *option, enum listener_kind kind, const char *text, struct daemon_options *options)
{
    if (options->listen_count == LISTENERS_MAX)
        return option_complain(option, "may be given 8 times, with those of the other kinds");
    options->listen_kinds[options->listen_count] = kind;
    options->listen[options->listen_count++] = text;
    return true;
}

static bool read_count(const char *option, const char *text, unsigned most, unsigned *count)
{
    unsigned long value = 0;
    if (!option_number(option, text, 10, 1, most, &value))
        return false;
    *count = (unsigned)value;
    return true;
}

/* RFC 9110, section 5.1: a field's name is a token. One that holds credentials holds no address. */
static bool read_header_name(const char *text, const char **name)
{
    static const char characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";
    if (text[0] == '\0' || text[strspn(text, characters)] != '\0')
        return option_complain("address-header", "is the name of a header");
    *name = text;
    return true;
}

static bool take_option(int code, const char *text, void *context)
{
    struct daemon_options *options = context;
    switch ((enum option_code)code) {
    case OPTION_VAULT:
        options->vault = text;
        return true;
    case OPTION_LISTEN:
        return add_listener("listen", LISTENER_PLAIN, text, options);
    case OPTION_RENEW_LISTEN:
        return add_listener("renew-listen", LISTENER_RENEW, text, options);
    case OPTION_LEAKS_LISTEN:
        return add_listener("leaks-listen", LISTENER_LEAKS, text, options);
    case OPTION_LEAKS_KEYS:
        options->leaks_keys = text;
        return true;
    case OPTION_REPLACE_LEAKS_KEYS:
        options->replace_keys = text;
        return true;
    case OPTION_RENEW_TLS_CERTIFICATE:
        options->certificate = text;
        return true;
    case OPTION_RENEW_TLS_KEY:
        options->key = text;
        return true;
    case OPTION_BROKER:
        options->broker = text;
        return true;
    case OPTION_SOCKET_MODE:
        return option_mode("socket-mode", text, &options->socket_mode);
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
                                       .broker = BROKER,
                                       .http = {.threads = 2, .connections = 16384}};
    if (!options_read(argc, argv, table, help, take_option, options, status))
        return false;
    if (options->replace_keys != NULL)
        return true;
    if (options->vault == NULL || options->vault[0] == '\0')
        (void)option_complain("vault", "is required");
    else if ((options->certificate == NULL) != (options->key == NULL))
        (void)option_complain(options->key == NULL ? "renew-tls-key" : "renew-tls-certificate", "is missing");
    else
        return true;
    return false;
}
