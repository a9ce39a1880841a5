/* SPDX-License-Identifier: Apache-2.0 */
/* Put before sealring-client (LD_PRELOAD): ends it before the call that is wanted, or has that call fail. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* BEFORE: the number of the call, from 1, or CALL: the name of calls; ERROR: the errno with which it fails instead of ending the process;
 * CALLS: a file that gets the names of all calls. */
static unsigned long calls;

static unsigned long number_in(const char *variable)
{
    const char *text = getenv(variable);
    return text == NULL ? 0 : strtoul(text, NULL, 10);
}

static void note(const char *name)
{
    const char *path = getenv("CALLS");
    int descriptor =
        path == NULL ? -1 : (int)openat(AT_FDCWD, path, O_RDWR | O_APPEND | O_CLOEXEC); /* not counted: no O_CREAT */
    if (descriptor < 0)
        return;
    (void)!write(descriptor, name, strlen(name));
    (void)!write(descriptor, "\n", 1);
    (void)close(descriptor);
}

/* Returns whether the call fails, with errno. */
static int touch(const char *name)
{
    note(name);
    const char *wanted = getenv("CALL");
    if (++calls != number_in("BEFORE") && (wanted == NULL || strcmp(wanted, name) != 0))
        return 0;
    if (number_in("ERROR") == 0)
        (void)raise(SIGKILL);
    errno = (int)number_in("ERROR");
    return 1;
}

static void *real(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

#define FORWARD(result, name, parameters, arguments)                \
    result name parameters                                          \
    {                                                               \
        result(*function) parameters = NULL;                        \
        void *symbol = real(#name);                                 \
        memcpy(&function, &symbol, sizeof symbol);                  \
        return touch(#name) != 0 ? (result)-1 : function arguments; \
    }

FORWARD(int, unlink, (const char *path), (path))
FORWARD(int, fchown, (int descriptor, uid_t user, gid_t group), (descriptor, user, group))
FORWARD(int, fchmod, (int descriptor, mode_t mode), (descriptor, mode))
FORWARD(ssize_t, pwrite, (int descriptor, const void *data, size_t size, off_t place), (descriptor, data, size, place))
FORWARD(int, ftruncate, (int descriptor, off_t size), (descriptor, size))
FORWARD(int, fsync, (int descriptor), (descriptor))
FORWARD(int, rename, (const char *from, const char *to), (from, to))
FORWARD(int, flock, (int descriptor, int operation), (descriptor, operation))
FORWARD(ssize_t, send, (int descriptor, const void *data, size_t size, int flags), (descriptor, data, size, flags))
FORWARD(int, connect, (int descriptor, const struct sockaddr *address, socklen_t size), (descriptor, address, size))

int posix_fallocate(int descriptor, off_t place, off_t size)
{
    int (*function)(int, off_t, off_t) = NULL;
    void *symbol = real("posix_fallocate");
    memcpy(&function, &symbol, sizeof symbol);
    return touch("posix_fallocate") != 0 ? errno : function(descriptor, place, size);
}

int open(const char *path, int flags, ...)
{
    int (*function)(const char *, int, ...) = NULL;
    void *symbol = real("open");
    mode_t mode = 0;
    memcpy(&function, &symbol, sizeof symbol);
    if ((flags & O_CREAT) != 0) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
        if (touch("open") != 0)
            return -1;
    }
    return function(path, flags, mode);
}
