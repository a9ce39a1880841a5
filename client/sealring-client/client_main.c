/* SPDX-License-Identifier: Apache-2.0 */
/* The command sealring-client: keeps an API key in a file current, for programs in any language. */
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "client/sealring-client/client_exec.h"
#include "client/sealring-client/client_options.h"

enum { TIME_SIZE = 32, CODE_SIZE = 256 };

static int open_client(const struct client_command *command, sealring_client **client)
{
    sealring_error error;
    sealring_client_options options = command->open;
    options.manual = 1;
    if (sealring_client_open(&options, client, &error) == SEALRING_OK)
        return CLIENT_EXIT_DONE;
    return client_fail(error.status == SEALRING_INVALID ? CLIENT_EXIT_USAGE : CLIENT_EXIT_REFUSED, "%s", error.message);
}

/* RFC 3339 in UTC; "-" for none. */
static const char *time_text(int64_t milliseconds, char text[TIME_SIZE])
{
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm parts;
    (void)snprintf(text, TIME_SIZE, "-");
    if (milliseconds > 0 && gmtime_r(&seconds, &parts) != NULL)
        (void)strftime(text, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

/* ---- renew ---- */

static void print_renewed(const struct client_command *command, sealring_client *client)
{
    sealring_client_summary info = {.size = sizeof info};
    char expires[TIME_SIZE];
    if (sealring_client_status(client, &info, NULL) == SEALRING_OK)
        (void)printf("renewed %s: API key %s, version %" PRIu32 ", expires %s\n", command->open.file, info.key_id,
                     info.version, time_text(info.expires, expires));
}

static int renew(const struct client_command *command)
{
    sealring_client *client = NULL;
    sealring_error error = {.message = ""};
    int status = open_client(command, &client);
    if (status != CLIENT_EXIT_DONE)
        return status;
    switch (sealring_client_renew(client, command->wait_ms, &error)) {
    case SEALRING_CLIENT_RENEWED:
        print_renewed(command, client);
        break;
    case SEALRING_CLIENT_CURRENT:
        (void)printf("no successor of %s is due\n", command->open.file);
        break;
    case SEALRING_CLIENT_LATER:
        status = client_fail(CLIENT_EXIT_LATER, "%s", error.message);
        break;
    default:
        status = client_fail(CLIENT_EXIT_REFUSED, "%s", error.message);
        break;
    }
    sealring_client_close(&client);
    return status;
}

/* ---- claim ---- */

/* A code is no argument: others could read it. A terminal does not echo it. */
static bool read_code(char *code, size_t size)
{
    struct termios before, quiet;
    const bool terminal = isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &before) == 0;
    if (terminal) {
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        (void)fputs("claim code: ", stderr);
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    const bool good = fgets(code, (int)size, stdin) != NULL;
    if (terminal) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        (void)fputc('\n', stderr);
    }
    code[good ? strcspn(code, "\r\n") : 0] = '\0';
    return code[0] != '\0';
}

static int claim(const struct client_command *command)
{
    char code[CODE_SIZE];
    sealring_error error = {.message = ""};
    if (!read_code(code, sizeof code))
        return client_fail(CLIENT_EXIT_USAGE, "there is no claim code on standard input");
    sealring_client_result result = sealring_client_claim(&command->open, code, &error);
    explicit_bzero(code, sizeof code);
    if (result == SEALRING_CLIENT_RENEWED) {
        (void)printf("the API key is in %s\n", command->open.file);
        return CLIENT_EXIT_DONE;
    }
    return client_fail(result == SEALRING_CLIENT_LATER    ? CLIENT_EXIT_LATER
                       : error.status == SEALRING_INVALID ? CLIENT_EXIT_USAGE
                                                          : CLIENT_EXIT_REFUSED,
                       "%s", error.message);
}

/* ---- status ---- */

static void print_text(const char *file, const sealring_client_summary *info)
{
    char times[6][TIME_SIZE];
    (void)printf("%-18s %s\n", "file", file);
    (void)printf("%-18s %s%s\n", "can be renewed", info->renews != 0 ? "yes" : "no: ", info->reason);
    (void)printf("%-18s %s\n", "API key", info->key_id[0] == '\0' ? "-" : info->key_id);
    (void)printf("%-18s %s\n", "renewed", time_text(info->renewed, times[0]));
    (void)printf("%-18s %s\n", "expires",
                 !info->expires_known ? "not known before the server has answered"
                 : info->expires == 0 ? "never"
                                      : time_text(info->expires, times[1]));
    (void)printf("%-18s %s\n", "predecessor until", time_text(info->predecessor_until, times[2]));
    (void)printf("%-18s %s\n", "server answered", time_text(info->checked, times[3]));
    if (info->last_error[0] == '\0')
        return;
    (void)printf("%-18s %s (%s, %" PRIu32 " in sequence)\n", "last error", info->last_error,
                 time_text(info->failed, times[4]), info->failures);
    (void)printf("%-18s %s\n", "not before", time_text(info->retry_at, times[5]));
}

static json_t *time_json(int64_t milliseconds)
{
    char text[TIME_SIZE];
    return milliseconds > 0 ? json_string(time_text(milliseconds, text)) : json_null();
}

static json_t *text_json(const char *text)
{
    return text[0] != '\0' ? json_string(text) : json_null();
}

static int print_json(const char *file, const sealring_client_summary *info)
{
    json_t *root = json_pack(
        "{s:s, s:b, s:o, s:o, s:i, s:o, s:o, s:b, s:o, s:o, s:i, s:o, s:o, s:o}", "file", file, "can_be_renewed",
        info->renews != 0, "reason", text_json(info->reason), "key_id", text_json(info->key_id), "version",
        (int)info->version, "renewed", time_json(info->renewed), "expires", time_json(info->expires), "expires_known",
        info->expires_known != 0, "predecessor_until", time_json(info->predecessor_until), "checked",
        time_json(info->checked), "failures", (int)info->failures, "failed", time_json(info->failed), "last_error",
        text_json(info->last_error), "retry_at", time_json(info->retry_at));
    if (root == NULL || json_dumpf(root, stdout, JSON_INDENT(2)) != 0)
        return client_fail(CLIENT_EXIT_REFUSED, "cannot print JSON: the path is not UTF-8, or there is no memory");
    (void)putchar('\n');
    json_decref(root);
    return CLIENT_EXIT_DONE;
}

static int print_status(struct client_command *command)
{
    sealring_client *client = NULL;
    sealring_client_summary info = {.size = sizeof info};
    sealring_error error;
    const char *file = command->open.file != NULL ? command->open.file : command->open.systemd_credential;
    command->open.url = "unix:/nowhere"; /* nothing is asked: so `reason` is about the file */
    int status = open_client(command, &client);
    if (status != CLIENT_EXIT_DONE)
        return status;
    if (sealring_client_status(client, &info, &error) != SEALRING_OK)
        status = client_fail(CLIENT_EXIT_REFUSED, "%s", error.message);
    else if (command->json)
        status = print_json(file, &info);
    else
        print_text(file, &info);
    sealring_client_close(&client);
    return status;
}

int main(int argc, char **argv)
{
    struct client_command command;
    int status = CLIENT_EXIT_USAGE;
    if (!client_options_read(argc, argv, &command, &status))
        return status;
#if !defined(__SANITIZE_ADDRESS__) /* whose search for leaks examines the process from another one */
    (void)prctl(PR_SET_DUMPABLE, 0);
#endif
    (void)signal(SIGPIPE, SIG_IGN);
    status = command.verb == VERB_CLAIM    ? claim(&command)
             : command.verb == VERB_RENEW  ? renew(&command)
             : command.verb == VERB_STATUS ? print_status(&command)
                                           : client_exec(&command);
    if (fflush(stdout) != 0 || ferror(stdout) != 0)
        return client_fail(CLIENT_EXIT_REFUSED, "standard output cannot be written");
    return status;
}
