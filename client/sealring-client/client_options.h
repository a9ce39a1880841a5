/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of sealring-client. */
#ifndef SEALRING_CLIENT_OPTIONS_H
#define SEALRING_CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <sealring/client.h>

/* Exit statuses, with the meanings that those of sealring(1) have. `exec` ends with that of its program. */
enum client_exit {
    CLIENT_EXIT_DONE = 0,
    CLIENT_EXIT_REFUSED = 1, /* refused, not found, or the operating system failed */
    CLIENT_EXIT_USAGE = 2,
    CLIENT_EXIT_LATER = 3, /* the server is away or busy */
    CLIENT_EXIT_NOT_EXECUTABLE = 126,
    CLIENT_EXIT_NO_PROGRAM = 127
};

enum client_verb { VERB_CLAIM, VERB_RENEW, VERB_WATCH, VERB_STATUS, VERB_EXEC, VERBS };

struct client_command {
    enum client_verb verb;
    sealring_client_options open; /* file, systemd_credential, url, ca_file, interval_ms, spread_ms */
    int64_t wait_ms;
    bool json;
    const char *variable; /* gets the credential; NULL: gets its path (--file) */
    int signal;           /* sent to the program when the credential changes; 0: none */
    bool restart;
    char **program; /* ended by NULL */
};

/* Reads it. False: the process ends with *status; what there was to print has been printed. */
bool client_options_read(int argc, char **argv, struct client_command *command, int *status);

/* Prints "sealring-client: " and the message, one line, and returns `status`. */
__attribute__((format(printf, 2, 3))) int client_fail(int status, const char *format, ...);

#endif
