/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a program with the credential, and lets it know of changes; or only watches. */
#include "client/sealring-client/client_exec.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { GRACE_MS = 10000 };

static const int passed_on[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT};

struct runner {
    const struct client_command *command;
    sealring_client *client;
    int changes;     /* eventfd: the client's thread rings it */
    int signals;     /* signalfd */
    sigset_t before; /* the mask that the program gets */
    pid_t program;   /* 0: none is running */
    bool starts_again;
    int64_t kill_at; /* ms, monotonic: it was asked to end; 0: it was not */
    int status;
};

static int64_t monotonic_ms(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void take_event(sealring_client_event event, const char *message, void *context)
{
    const struct runner *runner = context;
    (void)client_fail(0, "%s%s", event == SEALRING_CLIENT_EVENT_TROUBLE ? "warning: " : "", message);
    if (event != SEALRING_CLIENT_EVENT_CHANGED)
        return;
    ssize_t written = write(runner->changes, &(uint64_t){1}, sizeof(uint64_t));
    (void)written;
}

/* ---- The program ---- */

/* The environment with one variable more; the caller frees the list, not its texts. */
static char **make_environment(char *variable)
{
    size_t count = 0, length = strcspn(variable, "=") + 1, kept = 0;
    while (environ[count] != NULL)
        count++;
    char **list = calloc(count + 2, sizeof *list);
    if (list == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], variable, length) != 0)
            list[kept++] = environ[i];
    list[kept] = variable;
    return list;
}

/* posix_spawn reports that a program does not exist, and runs nothing of this process in the child, which has threads. */
static int spawn(struct runner *runner, char **environment)
{
    posix_spawnattr_t attributes;
    sigset_t all;
    (void)sigfillset(&all);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    (void)posix_spawnattr_setsigmask(&attributes, &runner->before);
    (void)sigemptyset(&all);
    (void)sigaddset(&all, SIGPIPE);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    int failure = posix_spawnp(&runner->program, runner->command->program[0], NULL, &attributes,
                               runner->command->program, environment);
    (void)posix_spawnattr_destroy(&attributes);
    return failure;
}

static const char *path_of(const struct client_command *command, char *path, size_t size)
{
    if (command->open.file != NULL)
        return command->open.file;
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    (void)snprintf(path, size, "%s/%s", directory != NULL ? directory : "", command->open.systemd_credential);
    return path;
}

/* Returns whether it runs; otherwise the exit status is set. */
static bool start_program(struct runner *runner)
{
    char *variable = NULL, path[4096];
    const struct client_command *command = runner->command;
    int length = command->variable != NULL
                     ? asprintf(&variable, "%s=%s", command->variable, sealring_client_credential(runner->client))
                     : asprintf(&variable, "SEALRING_CREDENTIAL_FILE=%s", path_of(command, path, sizeof path));
    char **environment = length < 0 ? NULL : make_environment(variable);
    int failure = environment == NULL ? ENOMEM : spawn(runner, environment);
    free(environment);
    if (length >= 0) {
        explicit_bzero(variable, (size_t)length);
        free(variable);
    }
    runner->kill_at = 0;
    if (failure == 0)
        return true;
    runner->program = 0;
    runner->status = client_fail(failure == ENOENT ? CLIENT_EXIT_NO_PROGRAM : CLIENT_EXIT_NOT_EXECUTABLE,
                                 "cannot run %s: %s", command->program[0], strerror(failure));
    return false;
}

static void end_program(struct runner *runner)
{
    if (runner->program <= 0 || runner->kill_at != 0)
        return;
    (void)kill(runner->program, SIGTERM);
    runner->kill_at = monotonic_ms() + GRACE_MS;
}

/* ---- What happens ---- */

static void take_change(struct runner *runner)
{
    uint64_t count;
    if (read(runner->changes, &count, sizeof count) != sizeof count || runner->program <= 0)
        return;
    if (runner->command->signal != 0)
        (void)kill(runner->program, runner->command->signal);
    else if (runner->command->restart) {
        runner->starts_again = true;
        end_program(runner);
    }
}

/* Returns whether there is anything left to run. */
static bool take_end(struct runner *runner)
{
    int status = 0;
    if (runner->program <= 0 || waitpid(runner->program, &status, WNOHANG) != runner->program)
        return true;
    runner->program = 0;
    runner->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (!runner->starts_again)
        return false;
    runner->starts_again = false;
    return start_program(runner);
}

/* A signal to stop is the program's to obey: it is not started again. */
static bool take_signal(struct runner *runner)
{
    struct signalfd_siginfo signal;
    if (read(runner->signals, &signal, sizeof signal) != sizeof signal)
        return true;
    int number = (int)signal.ssi_signo;
    if (number == SIGCHLD)
        return take_end(runner);
    bool stops = number == SIGTERM || number == SIGINT || number == SIGQUIT;
    if (runner->program > 0) {
        runner->starts_again = runner->starts_again && !stops;
        (void)kill(runner->program, number);
        return true;
    }
    return !stops;
}

static void run(struct runner *runner)
{
    struct pollfd sources[2] = {{.fd = runner->changes, .events = POLLIN}, {.fd = runner->signals, .events = POLLIN}};
    for (bool goes_on = true; goes_on;) {
        int64_t left = runner->kill_at == 0 ? -1 : runner->kill_at - monotonic_ms();
        (void)poll(sources, 2, runner->kill_at == 0 ? -1 : left < 0 ? 0 : (int)left);
        if (runner->kill_at != 0 && monotonic_ms() >= runner->kill_at && runner->program > 0) {
            (void)kill(runner->program, SIGKILL);
            runner->kill_at = monotonic_ms() + GRACE_MS;
        }
        if (sources[0].revents != 0)
            take_change(runner);
        if (sources[1].revents != 0)
            goes_on = take_signal(runner);
    }
}

/* ---- From start to end ---- */

static bool prepare(struct runner *runner)
{
    sigset_t taken;
    (void)sigemptyset(&taken);
    (void)sigaddset(&taken, SIGCHLD);
    for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on; i++)
        (void)sigaddset(&taken, passed_on[i]);
    (void)sigprocmask(SIG_BLOCK, &taken, &runner->before);
    runner->signals = signalfd(-1, &taken, SFD_CLOEXEC);
    runner->changes = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return runner->signals >= 0 && runner->changes >= 0;
}

int client_exec(struct client_command *command)
{
    struct runner runner = {.command = command};
    sealring_error error;
    if (!prepare(&runner))
        return client_fail(CLIENT_EXIT_REFUSED, "cannot wait for signals: %s", strerror(errno));
    command->open.callback = take_event;
    command->open.context = &runner;
    if (sealring_client_open(&command->open, &runner.client, &error) != SEALRING_OK)
        return client_fail(error.status == SEALRING_INVALID ? CLIENT_EXIT_USAGE : CLIENT_EXIT_REFUSED, "%s",
                           error.message);
    if (command->verb == VERB_WATCH || start_program(&runner))
        run(&runner);
    sealring_client_close(&runner.client);
    return runner.status;
}
