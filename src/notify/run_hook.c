/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the executables of a hooks directory, one after another, each with the same bytes on its standard input. */
#include "notify/run_hook.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/foreign_text.h"

#define GRACE_MS 2000 /* between SIGTERM and SIGKILL */
#define POLL_MS  10
#define OUTPUT_SIZE \
    4096               /* the end of what it prints; the rest is read and dropped, so that no hook waits for a reader */
#define SECRET_PART 24 /* this number of bytes in sequence are a part of the input; a key ID is shorter */
#define NAME_SIZE   160 /* of a variable */
#define VARIABLES   7

struct hook_process {
    pid_t process;
    int output; /* -1: closed by all who had it */
    int64_t limit;
    int64_t kill_at;    /* 0: not before its limit */
    bool late;          /* it was asked to end */
    siginfo_t end;      /* once it has ended */
    bool ended, unseen; /* unseen: another part of this process has taken its status */
    char text[OUTPUT_SIZE];
    size_t length;
};

/* ---- Starting it ---- */

/* Never 0 to 2, which become the hook's own. */
static int above_standard(int descriptor)
{
    int moved = descriptor < 0 ? -1 : fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
    if (descriptor >= 0)
        close(descriptor);
    return moved;
}

/* A file in memory rather than a pipe: a hook that does not read it raises no SIGPIPE and stops nobody. */
static int make_input(const struct hook_call *call)
{
    int input = above_standard(memfd_create("sealring-hook", MFD_CLOEXEC));
    if (input < 0)
        return -1;
    if (write(input, call->input, call->length) == (ssize_t)call->length && lseek(input, 0, SEEK_SET) == 0)
        return input;
    close(input);
    return -1;
}

/* What was in it is not left in memory. */
static void wipe_input(int input, size_t length)
{
    void *bytes = length > 0 ? mmap(NULL, length, PROT_WRITE, MAP_SHARED, input, 0) : MAP_FAILED;
    if (bytes != MAP_FAILED) {
        explicit_bzero(bytes, length);
        munmap(bytes, length);
    }
    close(input);
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* Nothing of this process's environment, which may have PINs. */
static void write_environment(const struct hook_call *call, char texts[VARIABLES][NAME_SIZE], char *list[VARIABLES + 1])
{
    size_t i = 0;
    (void)snprintf(texts[i++], NAME_SIZE, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    (void)snprintf(texts[i++], NAME_SIZE, "SEALRING_EVENT=%s", or_empty(call->event));
    (void)snprintf(texts[i++], NAME_SIZE, "SEALRING_CLIENT=%s", or_empty(call->client));
    (void)snprintf(texts[i++], NAME_SIZE, "SEALRING_RING=%s", or_empty(call->ring));
    (void)snprintf(texts[i++], NAME_SIZE, "SEALRING_KEY_ID=%s", or_empty(call->key_id));
    (void)snprintf(texts[i++], NAME_SIZE, "SEALRING_LABEL=%s", or_empty(call->label));
    (void)snprintf(texts[i++], NAME_SIZE, "SEALRING_VERSION=%u", (unsigned)call->version);
    for (i = 0; i < VARIABLES; i++)
        list[i] = texts[i];
    list[VARIABLES] = NULL;
}

/* posix_spawn: nothing of this process, which may have threads and secrets, runs in the child. */
static int spawn(const char *path, const struct hook_call *call, int input, int output, pid_t *process)
{
    char texts[VARIABLES][NAME_SIZE], *environment[VARIABLES + 1], program[HOOK_NAME_MAX + 1];
    char *const arguments[] = {program, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t signals;
    (void)snprintf(program, sizeof program, "%s", strrchr(path, '/') + 1);
    write_environment(call, texts, environment);
    (void)posix_spawn_file_actions_init(&actions);
    int failure = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    failure += posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    failure += posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    failure += posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    failure += posix_spawn_file_actions_addchdir_np(&actions, "/");
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    (void)sigemptyset(&signals);
    (void)posix_spawnattr_setsigmask(&attributes, &signals);
    (void)sigfillset(&signals);
    (void)posix_spawnattr_setsigdefault(&attributes, &signals);
    (void)posix_spawnattr_setpgroup(&attributes, 0); /* one of its own */
    failure = failure != 0 ? ENOMEM : posix_spawn(process, path, &actions, &attributes, arguments, environment);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return failure;
}

/* ---- Until it ends ---- */

static void read_output(struct hook_process *running)
{
    if (running->length == OUTPUT_SIZE) { /* the end of it is what counts */
        memmove(running->text, running->text + OUTPUT_SIZE / 2, OUTPUT_SIZE / 2);
        running->length = OUTPUT_SIZE / 2;
    }
    ssize_t count = read(running->output, running->text + running->length, OUTPUT_SIZE - running->length);
    if (count > 0) {
        running->length += (size_t)count;
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
        close(running->output);
        running->output = -1;
    }
}

/* It is not reaped yet: until then its process group cannot be another's. */
static bool has_ended(struct hook_process *running)
{
    running->end.si_pid = 0;
    int result = waitid(P_PID, (id_t)running->process, &running->end, WEXITED | WNOHANG | WNOWAIT);
    running->unseen = result != 0 && errno == ECHILD;
    running->ended = running->unseen || (result == 0 && running->end.si_pid == running->process);
    return running->ended;
}

/* It may have joined another group itself. */
static void tell_group(const struct hook_process *running, int number)
{
    (void)kill(-running->process, number);
    (void)kill(running->process, number);
}

static void end_in_time(struct hook_process *running, int64_t now)
{
    if (!running->late && now >= running->limit) {
        running->late = true;
        running->kill_at = now + GRACE_MS;
        tell_group(running, SIGTERM);
        tell_group(running, SIGCONT); /* a stopped one, too */
    } else if (running->late && now >= running->kill_at) {
        tell_group(running, SIGKILL);
    }
}

/* Reads what it prints until it has ended, whoever else still has the pipe. */
static void follow(struct hook_process *running)
{
    while (!has_ended(running)) {
        struct pollfd pipe = {.fd = running->output, .events = POLLIN};
        if (running->output < 0)
            clock_sleep(POLL_MS);
        else if (poll(&pipe, 1, POLL_MS) > 0)
            read_output(running);
        end_in_time(running, clock_monotonic_ms());
    }
    struct pollfd rest = {.fd = running->output, .events = POLLIN};
    for (int i = 0; i < OUTPUT_SIZE && running->output >= 0 && poll(&rest, 1, 0) > 0; i++)
        read_output(running);
    if (running->unseen)
        return;
    (void)kill(-running->process, SIGKILL); /* what it left running */
    (void)waitid(P_PID, (id_t)running->process, &running->end, WEXITED);
}

/* ---- What became of it ---- */

static bool shows_input(const char *text, size_t length, const struct hook_call *call)
{
    for (size_t i = 0; i + SECRET_PART <= call->length; i++)
        if (memmem(text, length, (const char *)call->input + i, SECRET_PART) != NULL)
            return true;
    return false;
}

/* The last line that it printed. */
static void add_output(const struct hook_process *running, const struct hook_call *call, struct send_result *result)
{
    size_t end = running->length, used = strlen(result->reason);
    while (end > 0 && strchr(" \t\r\n", running->text[end - 1]) != NULL)
        end--;
    size_t begin = end;
    while (begin > 0 && running->text[begin - 1] != '\n')
        begin--;
    if (begin == end || used + 3 >= sizeof result->reason)
        return;
    char *rest = result->reason + used;
    if (call->secret && shows_input(running->text + begin, end - begin, call))
        (void)snprintf(rest, sizeof result->reason - used,
                       "; what it printed is not shown: it contains what it was given");
    else {
        memcpy(rest, ": ", 3);
        (void)outside_escape(running->text + begin, end - begin, SEALRING_ESCAPE_ASCII, rest + 2,
                             sizeof result->reason - used - 2);
    }
}

static void report(const struct hook_process *running, const char *name, const struct hook_call *call,
                   struct send_result *result)
{
    const bool exited = running->end.si_code == CLD_EXITED;
    if (!running->unseen && !running->late && exited && running->end.si_status == 0)
        return;
    result->outcome = SEND_RETRY;
    if (running->unseen)
        (void)snprintf(result->reason, sizeof result->reason, "hook %s: its exit status is lost: SIGCHLD is ignored",
                       name);
    else if (running->late)
        (void)snprintf(result->reason, sizeof result->reason, "hook %s took longer than %lld s", name,
                       (long long)((call->limit + 999) / 1000));
    else if (exited)
        (void)snprintf(result->reason, sizeof result->reason, "hook %s ended with status %d", name,
                       running->end.si_status);
    else
        (void)snprintf(result->reason, sizeof result->reason, "hook %s was ended by signal %d", name,
                       running->end.si_status);
    add_output(running, call, result);
}

static void refuse(const char *name, int failure, struct send_result *result)
{
    result->outcome = SEND_RETRY;
    (void)snprintf(result->reason, sizeof result->reason, "hook %s cannot be run: %.100s", name, strerror(failure));
}

static void run_one(const struct hooks *hooks, const char *name, const struct hook_call *call,
                    struct send_result *result)
{
    char path[sizeof hooks->directory + HOOK_NAME_MAX + 2];
    struct hook_process running = {.output = -1, .limit = clock_monotonic_ms() + call->limit};
    int ends[2] = {-1, -1};
    int input = make_input(call);
    (void)snprintf(path, sizeof path, "%s/%s", hooks->directory, name);
    if (input < 0 || pipe2(ends, O_CLOEXEC) != 0) {
        refuse(name, errno, result);
    } else {
        ends[1] = above_standard(ends[1]);
        running.output = ends[0];
        (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
        int failure = ends[1] < 0 ? EMFILE : spawn(path, call, input, ends[1], &running.process);
        if (ends[1] >= 0)
            close(ends[1]);
        if (failure == 0) {
            follow(&running);
            report(&running, name, call, result);
        } else {
            refuse(name, failure, result);
        }
    }
    if (running.output >= 0)
        close(running.output);
    if (input >= 0)
        wipe_input(input, call->length);
    explicit_bzero(running.text, running.length);
}

void hooks_run(const struct hooks *hooks, const struct hook_call *call, struct send_result *result)
{
    *result = (struct send_result){.outcome = SEND_DONE};
    if (hooks->count == 0) {
        result->outcome = SEND_RETRY;
        (void)snprintf(result->reason, sizeof result->reason, "%.100s has no executable file that is a hook",
                       hooks->directory);
    }
    for (size_t i = 0; result->outcome == SEND_DONE && i < hooks->count; i++)
        run_one(hooks, hooks->names[i], call, result);
}
