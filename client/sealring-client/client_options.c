/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of sealring-client. */
#include "client/sealring-client/client_options.h"

#include <config.h>
#include <ctype.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLE     "SEALRING_CREDENTIAL"
#define DURATION_MAX INT64_C(31536000000) /* a year */

static const char help[] =
    "Usage: sealring-client renew FILE --url URL [--ca FILE] [--wait DURATION]\n"
    "       sealring-client watch FILE --url URL [--ca FILE] [--interval DURATION] [--spread DURATION]\n"
    "       sealring-client exec FILE [--url URL] [--ca FILE] [--env NAME | --file] [--signal NAME | --restart] -- PROGRAM [ARGUMENT]...\n"
    "       sealring-client claim FILE --url URL [--ca FILE] [--vault-keys FILE]\n"
    "       sealring-client status FILE [--json]\n"
    "Keeps the API key in FILE current. claim trades the claim code on standard input for it.\n"
    "\n"
    "  --url URL                  where renewals are: https://HOST[:PORT][/PATH] or unix:PATH; without it FILE is only watched\n"
    "  --ca FILE                  certificates that sign the server's; default: the system's\n"
    "  --key FILE                 for `renew sealed`: the private key and its certificate, in PEM\n"
    "  --vault-keys FILE          for the same, and for claim: the vault's keys, as `sealring audit key --all` prints them\n"
    "  --systemd-credential NAME  in place of FILE: a credential of the systemd unit, which is only watched\n"
    "  --wait DURATION            how long to wait for another process that is renewing; default: 30s\n"
    "  --interval DURATION        how often to ask the server whether a successor is due; default: 6h\n"
    "  --spread DURATION          how long a renewal may be delayed at random; default: 10m\n"
    "  --env NAME                 the variable with the credential; default: " VARIABLE "\n"
    "  --file                     put the path of FILE into the variable " VARIABLE "_FILE instead\n"
    "  --signal NAME              send this signal to PROGRAM when the credential changes; only with --file\n"
    "  --restart                  end PROGRAM then, and start it again; default without --file\n"
    "  --json                     print JSON\n"
    "  --help, --version\n"
    "\n"
    "See sealring-client(8).\n";

enum client_option_code {
    OPTION_URL = 256,
    OPTION_CA,
    OPTION_SYSTEMD,
    OPTION_KEY,
    OPTION_VAULT_KEYS,
    OPTION_WAIT,
    OPTION_INTERVAL,
    OPTION_SPREAD,
    OPTION_ENV,
    OPTION_FILE,
    OPTION_SIGNAL,
    OPTION_RESTART,
    OPTION_JSON,
    OPTION_HELP,
    OPTION_VERSION
};

static const struct option table[] = {
    {"url", required_argument, NULL, OPTION_URL},
    {"ca", required_argument, NULL, OPTION_CA},
    {"key", required_argument, NULL, OPTION_KEY},
    {"vault-keys", required_argument, NULL, OPTION_VAULT_KEYS},
    {"systemd-credential", required_argument, NULL, OPTION_SYSTEMD},
    {"wait", required_argument, NULL, OPTION_WAIT},
    {"interval", required_argument, NULL, OPTION_INTERVAL},
    {"spread", required_argument, NULL, OPTION_SPREAD},
    {"env", required_argument, NULL, OPTION_ENV},
    {"file", no_argument, NULL, OPTION_FILE},
    {"signal", required_argument, NULL, OPTION_SIGNAL},
    {"restart", no_argument, NULL, OPTION_RESTART},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

/* Which options each has, as bits of their codes. */
#define BIT(code) (1U << ((code)-OPTION_URL))
#define SOURCE    (BIT(OPTION_CA) | BIT(OPTION_URL) | BIT(OPTION_KEY) | BIT(OPTION_VAULT_KEYS))
#define TIMES     (BIT(OPTION_INTERVAL) | BIT(OPTION_SPREAD) | BIT(OPTION_SYSTEMD))
static const struct {
    const char *name;
    unsigned options;
} verbs[VERBS] = {
    [VERB_CLAIM] = {"claim", BIT(OPTION_CA) | BIT(OPTION_URL) | BIT(OPTION_VAULT_KEYS)},
    [VERB_RENEW] = {"renew", SOURCE | BIT(OPTION_WAIT)},
    [VERB_WATCH] = {"watch", SOURCE | TIMES},
    [VERB_STATUS] = {"status", BIT(OPTION_JSON) | BIT(OPTION_SYSTEMD)},
    [VERB_EXEC] = {"exec",
                   SOURCE | TIMES | BIT(OPTION_ENV) | BIT(OPTION_FILE) | BIT(OPTION_SIGNAL) | BIT(OPTION_RESTART)},
};

int client_fail(int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("sealring-client: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
    return status;
}

static bool complain(const char *option, const char *problem)
{
    (void)client_fail(CLIENT_EXIT_USAGE, "--%s %s; see sealring-client --help", option, problem);
    return false;
}

/* A number and a unit: 30s, 10m, 6h, 1d. */
static bool read_duration(const char *option, const char *text, int64_t *milliseconds)
{
    static const struct {
        char name;
        int64_t milliseconds;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    char *end = NULL;
    long number = strtol(text, &end, 10);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (isdigit((unsigned char)text[0]) && *end == units[i].name && end[1] == '\0' &&
            number <= DURATION_MAX / units[i].milliseconds) {
            *milliseconds = number * units[i].milliseconds;
            return true;
        }
    return complain(option, "is a duration, such as 30s, 10m, 6h or 1d");
}

static bool read_variable_name(const char *text, const char **name)
{
    if (text[0] == '\0' || isdigit((unsigned char)text[0]) ||
        text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")] != '\0')
        return complain("env", "is the name of a variable");
    *name = text;
    return true;
}

/* Signals with which programs are asked to read their configuration again. */
static bool read_signal(const char *text, int *number)
{
    static const struct {
        const char *name;
        int number;
    } signals[] = {{"HUP", SIGHUP}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"WINCH", SIGWINCH}};
    if (strncmp(text, "SIG", 3) == 0)
        text += 3;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (strcmp(text, signals[i].name) == 0) {
            *number = signals[i].number;
            return true;
        }
    return complain("signal", "is HUP, USR1, USR2 or WINCH");
}

static bool take_option(enum client_option_code code, const char *text, struct client_command *command)
{
    switch (code) {
    case OPTION_URL:
        command->open.url = text;
        return true;
    case OPTION_CA:
        command->open.ca_file = text;
        return true;
    case OPTION_KEY:
        command->open.key_file = text;
        return true;
    case OPTION_VAULT_KEYS:
        command->open.vault_keys = text;
        return true;
    case OPTION_SYSTEMD:
        command->open.systemd_credential = text;
        return true;
    case OPTION_WAIT:
        return read_duration("wait", text, &command->wait_ms);
    case OPTION_INTERVAL:
        return read_duration("interval", text, &command->open.interval_ms);
    case OPTION_SPREAD:
        return read_duration("spread", text, &command->open.spread_ms);
    case OPTION_ENV:
        return read_variable_name(text, &command->variable);
    case OPTION_FILE:
        command->variable = NULL;
        return true;
    case OPTION_SIGNAL:
        return read_signal(text, &command->signal);
    case OPTION_RESTART:
        command->restart = true;
        return true;
    case OPTION_JSON:
        command->json = true;
        return true;
    default:
        return false;
    }
}

static bool read_verb(const char *text, enum client_verb *verb)
{
    for (int i = 0; i < VERBS; i++)
        if (strcmp(text, verbs[i].name) == 0) {
            *verb = (enum client_verb)i;
            return true;
        }
    (void)client_fail(CLIENT_EXIT_USAGE, "there is no command `%s`; see sealring-client --help", text);
    return false;
}

/* FILE, and what is behind it. */
static bool read_arguments(int count, char **arguments, struct client_command *command)
{
    if (command->open.systemd_credential == NULL) {
        if (count == 0)
            return client_fail(CLIENT_EXIT_USAGE,
                               "the file with the credential is missing; see sealring-client --help") == 0;
        command->open.file = *arguments++;
        count--;
    }
    command->program = arguments;
    if (command->verb == VERB_EXEC && count == 0)
        return client_fail(CLIENT_EXIT_USAGE, "the program is missing: it is named after --") == 0;
    if (command->verb != VERB_EXEC && count > 0)
        return client_fail(CLIENT_EXIT_USAGE,
                           "there is one argument, the file with the credential; see sealring-client --help") == 0;
    return true;
}

/* What belongs together. */
static bool check(struct client_command *command, unsigned given)
{
    unsigned foreign = given & ~verbs[command->verb].options;
    for (const struct option *each = table; each->name != NULL; each++)
        if ((foreign & BIT(each->val)) != 0)
            return complain(each->name, "is no option of this command");
    if ((given & BIT(OPTION_ENV)) != 0 && (given & BIT(OPTION_FILE)) != 0)
        return complain("env", "and --file exclude each other");
    if (command->signal != 0 && (command->restart || command->variable != NULL))
        return complain("signal", "needs --file, without --restart: a running program's variables cannot be changed");
    if (command->open.url == NULL &&
        (command->verb == VERB_CLAIM || command->verb == VERB_RENEW || command->verb == VERB_WATCH) &&
        command->open.systemd_credential == NULL)
        return complain("url", "is required");
    command->restart = command->restart || command->variable != NULL;
    return true;
}

bool client_options_read(int argc, char **argv, struct client_command *command, int *status)
{
    unsigned given = 0;
    int code;
    *command = (struct client_command){.open.size = sizeof command->open, .wait_ms = 30000, .variable = VARIABLE};
    *status = CLIENT_EXIT_USAGE;
    while ((code = getopt_long(argc, argv, "", table, NULL)) != -1) {
        if (code == OPTION_HELP || code == OPTION_VERSION) {
            *status = CLIENT_EXIT_DONE;
            (void)(code == OPTION_HELP ? fputs(help, stdout) : printf("sealring-client %s\n", PACKAGE_VERSION));
            return false;
        }
        if (code == '?' || !take_option((enum client_option_code)code, optarg, command))
            return false;
        given |= BIT(code);
    }
    if (optind == argc)
        return client_fail(CLIENT_EXIT_USAGE, "no command was given; see sealring-client --help") == 0;
    return read_verb(argv[optind], &command->verb) && check(command, given) &&
           read_arguments(argc - optind - 1, argv + optind + 1, command);
}
