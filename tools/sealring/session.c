/* SPDX-License-Identifier: Apache-2.0 */
/* One run of the command: vault directory, module environment, manager, failures. */
#include "tools/sealring/session.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/sealring/crash.h"
#include "tools/sealring/pins.h"
#include "tools/sealring/terminal/jsontext.h"
#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/terminal.h"

/* By sealring_status: the name in JSON, and the exit status. */
static const struct {
    const char *name;
    int exit_status;
} outcomes[] = {
    [SEALRING_OK] = {"ok", STATUS_DONE},
    [SEALRING_REFUSED] = {"refused", STATUS_REFUSED},
    [SEALRING_NOT_FOUND] = {"not-found", STATUS_REFUSED},
    [SEALRING_INVALID] = {"invalid", STATUS_USAGE},
    [SEALRING_TOKEN] = {"token", STATUS_TOKEN},
    [SEALRING_REGISTRY] = {"registry", STATUS_REGISTRY},
    [SEALRING_WAITING] = {"waiting", STATUS_WAITING},
    [SEALRING_SYSTEM] = {"system", STATUS_REFUSED},
    [SEALRING_NOT_EFFECTIVE] = {"not-effective", STATUS_NOT_EFFECTIVE},
};

/* Of any command that has both. */
static const char *const contradictions[][2] = {{"wait", "no-wait"},
                                                {"scope", "no-scopes"},
                                                {"standby", "no-standby"},
                                                {"idle-blocks", "no-idle-blocks"},
                                                {"once", "every"}};

char *session_vault(const char *given)
{
    const char *path = given != NULL ? given : getenv("SEALRING_VAULT");
    if (given != NULL || (path != NULL && path[0] != '\0'))
        return memory_copy(path);
    if (geteuid() == 0)
        return memory_text("/var/lib/sealring");
    path = getenv("XDG_DATA_HOME");
    /* The XDG Base Directory Specification has relative paths ignored. */
    if (path != NULL && path[0] == '/')
        return memory_text("%s/sealring", path);
    path = getenv("HOME");
    if (path == NULL || path[0] != '/') {
        const struct passwd *user = getpwuid(geteuid());
        path = user != NULL ? user->pw_dir : NULL;
    }
    return path != NULL ? memory_text("%s/.local/share/sealring", path) : NULL;
}

int session_start(struct session *session)
{
    session->now = moment_now();
    session->json = option_given(&session->options, "json");
    session->dry_run = option_given(&session->options, "dry-run");
    for (size_t i = 0; i < sizeof contradictions / sizeof *contradictions; i++)
        if (option_given(&session->options, contradictions[i][0]) &&
            option_given(&session->options, contradictions[i][1]))
            return session_refuse(session, STATUS_USAGE, "--%s and --%s contradict each other", contradictions[i][0],
                                  contradictions[i][1]);
    if ((session->command->flags & COMMAND_WITHOUT_VAULT) != 0)
        return STATUS_DONE;
    const char *given = option_text(&session->options, "vault");
    if (given != NULL && given[0] == '\0')
        return session_refuse(session, STATUS_USAGE, "--vault wants a directory, not an empty text");
    session->vault = session_vault(given);
    if (session->vault == NULL)
        return session_refuse(session, STATUS_USAGE, "no home directory to look for a vault in: give --vault DIR");
    crash_watch(session->vault);
    return STATUS_DONE;
}

void session_end(struct session *session)
{
    char process[2 * SEALRING_MESSAGE_SIZE];
    sealring_process_remark(process);
    const char *remark = session->manager != NULL ? sealring_manager_remark(session->manager) : process;
    if (remark[0] != '\0')
        session_warn(session, "%s", remark);
    jsontext_finish();
    sealring_manager_close(&session->manager);
    pins_forget(session);
    free(session->vault);
    session->vault = NULL;
    options_free(&session->options);
}

int session_set_variable(const char *name, const char *value, void *context)
{
    (void)context;
    return setenv(name, value, 1);
}

int session_environment(struct session *session)
{
    /* what changes anything asks the audit token */
    if ((session->command->flags & (COMMAND_TOKEN | COMMAND_CHANGES)) == 0)
        return STATUS_DONE;
    sealring_status status = sealring_environment(session->vault, session_set_variable, NULL, &session->error);
    return status == SEALRING_OK ? STATUS_DONE : session_fail(session, status);
}

sealring_status session_connect(struct session *session, bool read_only)
{
    sealring_manage_options options = {
        .size = sizeof options,
        .dry_run = session->dry_run,
        .read_only = read_only,
        .take_over = option_text(&session->options, "take-over"),
        .trust_clock = option_text(&session->options, "trust-clock"),
        .pin_source = pins_source(session),
        .ask_pin = pins_ask,
        .ask_context = session,
        .lock_waits = session_tell_lock,
        .lock_context = session,
    };
    if (session->manager != NULL)
        return SEALRING_OK;
    return sealring_manager_open(session->vault, &options, &session->manager, &session->error);
}

int session_open(struct session *session)
{
    int result = session_environment(session);
    if (result != STATUS_DONE)
        return result;
    sealring_status status = session_connect(session, (session->command->flags & COMMAND_CHANGES) == 0);
    return status == SEALRING_OK ? STATUS_DONE : session_fail(session, status);
}

static void print_failure(struct session *session, const char *name, int exit_status, const char *message)
{
    fflush(stdout);
    terminal_print(&session->err, BAD "sealring:" PLAIN " %s\n", message);
    if (session->json)
        jsontext_print(json_pack("{s:{s:s, s:i, s:o}}", "error", "status", name, "exit", exit_status, "message",
                                 jsontext_text(message)));
}

int session_fail(struct session *session, sealring_status status)
{
    size_t known = (size_t)status < sizeof outcomes / sizeof *outcomes ? (size_t)status : SEALRING_SYSTEM;
    print_failure(session, outcomes[known].name, outcomes[known].exit_status, session->error.message);
    return outcomes[known].exit_status;
}

int session_refuse(struct session *session, int exit_status, const char *format, ...)
{
    char message[1024];
    size_t status = SEALRING_OK;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    while (outcomes[status].exit_status != exit_status)
        status++;
    print_failure(session, outcomes[status].name, exit_status, message);
    return exit_status;
}

void session_say(const struct session *session, const char *format, ...)
{
    if (session->json)
        return;
    fflush(stdout);
    va_list arguments;
    va_start(arguments, format);
    terminal_vprint(&session->err, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void session_warn(const struct session *session, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        memory_lack();
    va_end(arguments);
    fflush(stdout);
    terminal_print(&session->err, WARN "note:" PLAIN " %s\n", text);
    if (session->json)
        jsontext_note(text);
    free(text);
}

bool session_is_news(char *last, size_t size, const char *message)
{
    bool news = strncmp(last, message, size - 1) != 0;
    snprintf(last, size, "%s", message);
    return news;
}

void session_tell_lock(const char *text, bool stopped, void *context)
{
    const struct session *session = context;
    fflush(stdout);
    terminal_print(&session->err, "%cwaiting:" PLAIN " the vault is locked by %s\n", stopped ? TONE_BAD : TONE_WARN,
                   text);
}
