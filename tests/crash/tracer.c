/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a command under ptrace and stops it, with all its threads and children, at each system call that changes a file below a directory. */
#include "crash/tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crash/calls.h"

#define THREADS_MAX 256
#define OPTIONS                                                                                                    \
    (PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | \
     PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)

const char *const call_names[CALL_KINDS] = {
    [CALL_CREATE] = "create",     [CALL_OPEN_TRUNCATE] = "open-truncate",
    [CALL_WRITE] = "write",       [CALL_TRUNCATE] = "truncate",
    [CALL_ALLOCATE] = "allocate", [CALL_RENAME] = "rename",
    [CALL_LINK] = "link",         [CALL_UNLINK] = "unlink",
    [CALL_MKDIR] = "mkdir",       [CALL_RMDIR] = "rmdir",
    [CALL_MODE] = "mode",         [CALL_SYNC] = "sync",
    [CALL_MAP] = "map",
};

/* A thread that is between the stop before a call and the stop after it. */
struct waiting {
    pid_t thread;
    struct call call;
    bool kills;
};

struct run {
    const struct tracer *tracer;
    struct tracer_end *end;
    pid_t command;
    bool dying;
    bool ended; /* the command, whatever its children do */
    pid_t threads[THREADS_MAX];
    size_t thread_count;
    struct waiting waiting[THREADS_MAX];
    size_t waiting_count;
};

static void fail(struct run *run, const char *what)
{
    if (run->end->failure[0] == '\0')
        snprintf(run->end->failure, sizeof run->end->failure, "%s: %s", what, strerror(errno));
}

/* ---- Threads ---- */

static void remember_thread(struct run *run, pid_t thread)
{
    for (size_t i = 0; i < run->thread_count; i++)
        if (run->threads[i] == thread)
            return;
    if (run->thread_count < THREADS_MAX)
        run->threads[run->thread_count++] = thread;
}

static void forget_thread(struct run *run, pid_t thread)
{
    for (size_t i = 0; i < run->thread_count; i++)
        if (run->threads[i] == thread)
            run->threads[i] = run->threads[--run->thread_count];
    for (size_t i = 0; i < run->waiting_count; i++)
        if (run->waiting[i].thread == thread)
            run->waiting[i] = run->waiting[--run->waiting_count];
}

/* A thread that stops in a call that is watched does not carry it out once the signal has been sent. */
static void kill_all(struct run *run)
{
    run->dying = true;
    for (size_t i = 0; i < run->thread_count; i++)
        (void)kill(run->threads[i], SIGKILL);
}

static void go_on(struct run *run, pid_t thread, bool to_the_end_of_the_call, int with_signal)
{
    long request = to_the_end_of_the_call ? PTRACE_SYSCALL : PTRACE_CONT;
    if (ptrace((enum __ptrace_request)request, thread, NULL, (void *)(intptr_t)with_signal) != 0 && errno != ESRCH)
        fail(run, "PTRACE_CONT");
}

/* ---- Calls ---- */

/* Half of a write, as if the process had been killed in the middle of it. */
static void tear(struct run *run, const struct call *call)
{
    char path[64], bytes[65536];
    size_t half = call->length / 2;
    if (half > sizeof bytes)
        half = sizeof bytes;
    struct iovec here = {bytes, half}, there = {(void *)(uintptr_t)call->buffer, half};
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)call->thread, call->descriptor);
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (half > 0 && (descriptor < 0 || process_vm_readv(call->thread, &here, 1, &there, 1, 0) != (ssize_t)half ||
                     pwrite(descriptor, bytes, half, call->offset) != (ssize_t)half))
        fail(run, "half a write");
    if (descriptor >= 0)
        close(descriptor);
}

static void wait_for_end(struct run *run, const struct call *call, bool kills)
{
    if (run->waiting_count == THREADS_MAX) {
        errno = EAGAIN;
        fail(run, "too many threads");
        return;
    }
    run->waiting[run->waiting_count++] = (struct waiting){call->thread, *call, kills};
}

static void stop_before(struct run *run, pid_t thread)
{
    struct call call;
    enum tracer_answer answer = TRACER_GO;
    if (calls_read(thread, run->tracer->root, &call))
        answer = run->tracer->before(&call, run->tracer->context);
    switch (answer) {
    case TRACER_GO:
        go_on(run, thread, false, 0);
        return;
    case TRACER_GO_AND_TELL:
    case TRACER_KILL_AFTER:
        wait_for_end(run, &call, answer == TRACER_KILL_AFTER);
        go_on(run, thread, true, 0);
        return;
    case TRACER_TEAR:
        tear(run, &call);
        break;
    case TRACER_KILL:
    default:
        break;
    }
    run->end->killed = true;
    kill_all(run);
}

static void stop_after(struct run *run, pid_t thread)
{
    for (size_t i = 0; i < run->waiting_count; i++) {
        if (run->waiting[i].thread != thread)
            continue;
        struct waiting waiting = run->waiting[i];
        run->waiting[i] = run->waiting[--run->waiting_count];
        struct __ptrace_syscall_info info = {0};
        (void)ptrace(PTRACE_GET_SYSCALL_INFO, thread, (void *)sizeof info, &info);
        if (run->tracer->after != NULL)
            run->tracer->after(&waiting.call, info.exit.is_error != 0, run->tracer->context);
        if (waiting.kills) {
            run->end->killed = true;
            kill_all(run);
            return;
        }
        break;
    }
    go_on(run, thread, false, 0);
}

/* ---- Stops ---- */

static void stopped(struct run *run, pid_t thread, int status)
{
    int event = status >> 16;
    int signal = WSTOPSIG(status);
    remember_thread(run, thread);
    if (run->dying)
        (void)kill(thread, SIGKILL);
    else if (event == PTRACE_EVENT_SECCOMP)
        stop_before(run, thread);
    else if (signal == (SIGTRAP | 0x80))
        stop_after(run, thread);
    else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP)
        (void)ptrace(PTRACE_LISTEN, thread, NULL, NULL); /* stopped by a signal, with its whole process */
    else
        go_on(run, thread, false, event != 0 ? 0 : signal);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Until the last process has ended. */
static void follow(struct run *run)
{
    int64_t deadline = now_ms() + (int64_t)run->tracer->seconds * 1000;
    for (;;) {
        int status;
        pid_t thread = waitpid(-1, &status, __WALL | WNOHANG);
        if (thread < 0 && errno == EINTR)
            continue;
        if (thread < 0)
            return;
        if (thread == 0) {
            siginfo_t info = {0};
            struct timespec pause = {.tv_nsec = 100000000};
            sigset_t ends;
            sigemptyset(&ends);
            sigaddset(&ends, SIGCHLD);
            (void)sigtimedwait(&ends, &info, &pause);
            if (now_ms() > deadline && !run->dying) {
                run->end->timed_out = true;
                kill_all(run);
            }
            continue;
        }
        if (WIFSTOPPED(status)) {
            stopped(run, thread, status);
            continue;
        }
        forget_thread(run, thread);
        if (thread == run->command) {
            run->end->status = status;
            run->ended = true;
        }
    }
}

/* ---- The command's process ---- */

static _Noreturn void become(char *const arguments[], int input, int output, int gate)
{
    char byte;
    if (read(gate, &byte, 1) != 1 || dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
        dup2(output, STDERR_FILENO) < 0)
        _exit(126);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (!calls_filter())
        _exit(125);
    execv(arguments[0], arguments);
    _exit(127);
}

void tracer_run(const struct tracer *tracer, char *const arguments[], int input, int output, struct tracer_end *end)
{
    static struct run run;
    int gate[2];
    sigset_t ends, before;
    memset(&run, 0, sizeof run);
    memset(end, 0, sizeof *end);
    run.tracer = tracer;
    run.end = end;
    sigemptyset(&ends);
    sigaddset(&ends, SIGCHLD);
    sigprocmask(SIG_BLOCK, &ends, &before);
    if (pipe2(gate, O_CLOEXEC) != 0) {
        fail(&run, "pipe");
        return;
    }
    run.command = fork();
    if (run.command == 0)
        become(arguments, input, output, gate[0]);
    remember_thread(&run, run.command);
    if (run.command < 0 || ptrace(PTRACE_SEIZE, run.command, NULL, (void *)(intptr_t)OPTIONS) != 0 ||
        write(gate[1], "", 1) != 1)
        fail(&run, "PTRACE_SEIZE");
    close(gate[0]);
    close(gate[1]);
    follow(&run);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (!run.ended && end->failure[0] == '\0')
        snprintf(end->failure, sizeof end->failure, "the command's end was not seen");
}
