/* SPDX-License-Identifier: Apache-2.0 */
/* The file to which the trace of Cryptoki calls is appended. */
#include "token/module/trace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/fork.h"
#include "token/module/signal_block.h"

/* It belongs to the process, as the modules do. A forked child opens it again, because the program may have closed all descriptors in
 * it. */
static struct {
    pid_t process; /* that opened it; 0: none */
    int descriptor;
    dev_t device;
    ino_t inode;
    char path[PATH_MAX];
    sealring_error refusal; /* why it is not written */
    _Atomic(int) state;     /* enum trace_state; written after the members it covers */
    _Atomic(int) problem;   /* errno of the first failed write */
    atomic_bool torn;       /* the last line was written only in part */
} trace_file = {.descriptor = -1};

void trace_file_refuse(const char *subject, const char *reason)
{
    if (atomic_load(&trace_file.state) != TRACE_FAILED) {
        error_set(&trace_file.refusal, SEALRING_REFUSED,
                  "Cryptoki calls are not traced (" TRACE_VARIABLE "): %.250s %s", subject, reason);
        atomic_store(&trace_file.state, TRACE_FAILED);
    }
}

/* ---- Opening ---- */

/* What is wrong with a file, as a phrase that follows its path; NULL: nothing. A trace is appended only to the user's own file under
 * its only name: another user may have replaced it by another of the user's files. */
static const char *trace_file_objection(const struct stat *file)
{
    if (S_ISLNK(file->st_mode))
        return "is a symbolic link: name the file itself";
    if (!S_ISREG(file->st_mode))
        return "is no regular file: name another one";
    if (file->st_uid != geteuid())
        return "belongs to another user than the one who runs this: name a file of that user's own";
    return file->st_nlink > 1 ? "has a second name (a hard link): name another one" : NULL;
}

/* Checks the path before it is opened, because to open a device or a named pipe has effects of its own, and checks the file afterwards. */
static int trace_file_open_path(const char *path, struct stat *file)
{
    const char *objection = NULL;
    int descriptor = -1;
    if (path[0] != '/')
        objection = "is a relative path: name an absolute one";
    else if (strlen(path) >= sizeof(trace_file.path))
        objection = "is too long";
    else if (lstat(path, file) == 0)
        objection = trace_file_objection(file);
    if (objection == NULL) {
        descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
        if (descriptor < 0 || fstat(descriptor, file) != 0)
            objection = strerrordesc_np(errno);
        else
            objection = trace_file_objection(file);
    }
    if (objection != NULL) {
        trace_file_refuse(path, objection);
        if (descriptor >= 0)
            close(descriptor);
        return -1;
    }
    return descriptor;
}

/* A program with more privileges than its caller must not write to a file that the caller names. */
static const char *trace_file_name(void)
{
    const char *path = secure_getenv(TRACE_VARIABLE);
    const char *given = getenv(TRACE_VARIABLE);
    if (path == NULL && given != NULL && given[0] != '\0')
        trace_file_refuse("this program", "has more rights than its caller (setuid, setgid, file capabilities)");
    return path != NULL && path[0] != '\0' ? path : NULL;
}

bool trace_file_open(void)
{
    struct stat file;
    if (trace_file.process == fork_process())
        return trace_file.descriptor >= 0;
    trace_file.process = fork_process();
    trace_file.descriptor = -1; /* the parent's descriptor number may be another file by now */
    atomic_store(&trace_file.state, TRACE_OFF);
    atomic_store(&trace_file.problem, 0);
    atomic_store(&trace_file.torn, false);
    const char *path = trace_file_name();
    int descriptor = path != NULL ? trace_file_open_path(path, &file) : -1;
    if (descriptor < 0)
        return false;
    memcpy(trace_file.path, path, strlen(path) + 1);
    trace_file.device = file.st_dev;
    trace_file.inode = file.st_ino;
    trace_file.descriptor = descriptor;
    atomic_store(&trace_file.state, TRACE_ON);
    return true;
}

/* ---- Writing ---- */

static void trace_file_fail(int problem)
{
    int none = 0;
    (void)atomic_compare_exchange_strong(&trace_file.problem, &none, problem);
    atomic_store(&trace_file.state, TRACE_FAILED);
}

/* A program that closes unknown descriptors may have reused the number for a file of its own. */
static bool trace_file_is_ours(void)
{
    return file_is_open(trace_file.descriptor, trace_file.device, trace_file.inode);
}

static void trace_file_append(const char *lines, size_t length)
{
    char separate[] = "\n";
    if (atomic_exchange(&trace_file.torn, false) && write(trace_file.descriptor, separate, 1) != 1) {
        atomic_store(&trace_file.torn, true);
        trace_file_fail(errno);
        return;
    }
    ssize_t written = write(trace_file.descriptor, lines, length);
    if (written < 0) {
        trace_file_fail(errno);
    } else if ((size_t)written < length) {
        atomic_store(&trace_file.torn, true);
        trace_file_fail(ENOSPC);
    }
}

/* Writing to a file that may not grow (RLIMIT_FSIZE) raises SIGXFSZ in the writing thread, which would end the program. */
void trace_file_write(const char *lines, size_t length)
{
    struct signal_block growth;
    if (!trace_file_is_ours()) {
        trace_file_fail(EBADF);
        return;
    }
    signal_block_raised(&growth, SIGXFSZ, true);
    trace_file_append(lines, length);
    signal_release(&growth);
}

/* ---- For people ---- */

enum trace_state trace_file_describe(char text[SEALRING_MESSAGE_SIZE])
{
    enum trace_state state = (enum trace_state)atomic_load(&trace_file.state);
    int problem = atomic_load(&trace_file.problem);
    sealring_error line = {.message = ""}; /* error_set removes control characters of a path */
    if (state == TRACE_ON) {
        error_set(&line, SEALRING_OK, "Cryptoki calls are traced to %.250s (" TRACE_VARIABLE ")", trace_file.path);
    } else if (state == TRACE_FAILED && problem != 0) {
        error_set(&line, SEALRING_OK,
                  "the trace of Cryptoki calls lacks lines that could not be written to %.250s (" TRACE_VARIABLE
                  "): %s",
                  trace_file.path, strerrordesc_np(problem));
    } else if (state == TRACE_FAILED) {
        line = trace_file.refusal;
    }
    (void)snprintf(text, SEALRING_MESSAGE_SIZE, "%s", line.message);
    return state;
}
