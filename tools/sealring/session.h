/* SPDX-License-Identifier: Apache-2.0 */
/* One run of the command: what was asked for, the open manager, and how it ends. */
#ifndef TOOL_SESSION_H
#define TOOL_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <sealring/manage.h>

#include "tools/sealring/command.h"
#include "tools/sealring/options.h"
#include "tools/sealring/terminal/style.h"

struct pins;

struct session {
    const struct command *command;
    struct options options;
    char *vault; /* owned */
    bool json;
    bool dry_run;
    struct style out; /* standard output */
    struct style err; /* standard error */
    int64_t now;      /* when the command began, milliseconds */
    sealring_manager *manager;
    struct pins *pins;    /* owned: what was typed; NULL: nothing */
    sealring_error error; /* for the library's calls */
};

/* Finds the vault's directory and the terminal's abilities. Returns an exit status. */
int session_start(struct session *session);
void session_end(struct session *session);

/* The directory of the vault, where --vault has the value `given`, or NULL: in new memory; NULL if there is no default. */
char *session_vault(const char *given);

/* Sets the environment that the token's module needs, once, if the command may need the token. STATUS_DONE or, after
 * having said why, another exit status. */
int session_environment(struct session *session);

/* The sealring_environment_callback for it; context: NULL. */
int session_set_variable(const char *name, const char *value, void *context);

/* Opens the manager, unless it is open. */
sealring_status session_connect(struct session *session, bool read_only);

/* The same after setting the environment, read-only for a command that changes nothing. As above. */
int session_open(struct session *session);

/* Prints what session->error contains, on stderr and with --json also on stdout; returns the exit status for `status`. */
int session_fail(struct session *session, sealring_status status);

/* The same for a message of the command's own. */
int session_refuse(struct session *session, int exit_status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Prints a message that is not data: on stderr, and nothing with --json. */
void session_say(const struct session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints a message that must not get lost: on stderr, also with --json, and then among the notes of the object on stdout as well. */
void session_warn(const struct session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whether the message is another one than the last, which it becomes. Its meaning does not matter. */
bool session_is_news(char *last, size_t size, const char *message);

/* A sealring_lock_callback; context: the session. Names on stderr, also with --json, who holds the vault while the command waits. */
void session_tell_lock(const char *text, bool stopped, void *context);

#endif
