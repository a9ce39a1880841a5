/* SPDX-License-Identifier: Apache-2.0 */
/* Files that hold credentials: 0600 from their first byte, complete or not there at all. */
#include "tools/sealring/delivery/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sealring/manage.h>

#include "tools/sealring/terminal/memory.h"

#define BUFFER_SIZE ((size_t)1 << 16)

static bool fail(char *problem, const char *path, const char *what)
{
    snprintf(problem, HANDOVER_PROBLEM_SIZE, "%s %s: %s", path, what, strerror(errno));
    return false;
}

/* The same where it is not the system that refuses. */
static bool object(char *problem, const char *path, const char *why)
{
    snprintf(problem, HANDOVER_PROBLEM_SIZE, "%s %s", path, why);
    return false;
}

bool handover_check(const char *path, unsigned flags, char problem[HANDOVER_PROBLEM_SIZE])
{
    struct stat found;
    size_t length = strlen(path);
    if (length == 0)
        return object(problem, "--out", "wants a file");
    if (path[length - 1] == '/')
        return object(problem, "--out wants a file, not the directory", path);
    if (lstat(path, &found) != 0)
        return errno == ENOENT || fail(problem, path, "cannot be examined");
    if (!S_ISREG(found.st_mode)) /* renaming onto a device, a pipe or a symbolic link would destroy it */
        return object(problem, path, "is not a regular file: leave --out away to write to standard output");
    if ((flags & HANDOVER_REPLACE) == 0)
        return object(problem, path, "exists and is not overwritten: name another file");
    return true;
}

static bool random_name(char **name)
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        return false;
    free(*name);
    *name = memory_text(".sealring-%016" PRIx64, number);
    return true;
}

/* A file without a name vanishes by itself when the process is killed; not every file system has such. */
static int open_temporary(struct handover *handover)
{
    int descriptor = openat(handover->directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (descriptor >= 0) {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
        if (access(link, F_OK) == 0)
            return descriptor;
        close(descriptor);
    }
    if (!random_name(&handover->temporary))
        return -1;
    return openat(handover->directory, handover->temporary, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC,
                  S_IRUSR | S_IWUSR);
}

bool handover_open(struct handover *handover, const char *path, unsigned flags, char problem[HANDOVER_PROBLEM_SIZE])
{
    *handover = (struct handover){.directory = -1, .flags = flags};
    if (!handover_check(path, flags, problem))
        return false;
    const char *slash = strrchr(path, '/');
    char *directory = slash == NULL   ? memory_text(".")
                      : slash == path ? memory_text("/")
                                      : memory_text("%.*s", (int)(slash - path), path);
    handover->path = memory_copy(path);
    handover->name = memory_copy(slash == NULL ? path : slash + 1);
    handover->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(directory);
    int descriptor = handover->directory >= 0 ? open_temporary(handover) : -1;
    handover->stream = descriptor >= 0 ? fdopen(descriptor, "w") : NULL;
    if (handover->stream == NULL) {
        fail(problem, path, "cannot be made");
        handover_abandon(handover);
        return false;
    }
    handover->buffer = memory_secret(BUFFER_SIZE);
    setvbuf(handover->stream, handover->buffer, _IOFBF, BUFFER_SIZE);
    return true;
}

/* Gives a nameless file a name: its own if it may be new there, else a temporary one to be renamed. */
static bool link_anonymous(struct handover *handover)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fileno(handover->stream));
    if ((handover->flags & HANDOVER_REPLACE) == 0)
        return linkat(AT_FDCWD, link, handover->directory, handover->name, AT_SYMLINK_FOLLOW) == 0;
    if (!random_name(&handover->temporary))
        return false;
    if (linkat(AT_FDCWD, link, handover->directory, handover->temporary, AT_SYMLINK_FOLLOW) == 0)
        return true;
    free(handover->temporary);
    handover->temporary = NULL;
    return false;
}

/* Renames the temporary file; without HANDOVER_REPLACE the kernel refuses if the name came to exist meanwhile. */
static bool rename_temporary(struct handover *handover)
{
    unsigned how = (handover->flags & HANDOVER_REPLACE) != 0 ? 0 : RENAME_NOREPLACE;
    if (renameat2(handover->directory, handover->temporary, handover->directory, handover->name, how) != 0) {
        if (how == 0 || (errno != EINVAL && errno != ENOSYS) ||
            linkat(handover->directory, handover->temporary, handover->directory, handover->name, 0) != 0)
            return false;
        unlinkat(handover->directory, handover->temporary, 0);
    }
    free(handover->temporary);
    handover->temporary = NULL;
    return true;
}

bool handover_commit(struct handover *handover, char problem[HANDOVER_PROBLEM_SIZE])
{
    bool durable = (handover->flags & HANDOVER_QUICK) == 0;
    bool written = ferror(handover->stream) == 0;
    written = fflush(handover->stream) == 0 && written;
    if (!written || (durable && fsync(fileno(handover->stream)) != 0)) {
        fail(problem, handover->path, "cannot be written");
        handover_abandon(handover);
        return false;
    }
    bool named = handover->temporary != NULL || link_anonymous(handover);
    if (!named || (handover->temporary != NULL && !rename_temporary(handover)) ||
        (durable && fsync(handover->directory) != 0)) {
        fail(problem, handover->path, "cannot be renamed to its name");
        handover_abandon(handover);
        return false;
    }
    handover_abandon(handover); /* only frees: nothing temporary is left */
    return true;
}

void handover_abandon(struct handover *handover)
{
    if (handover->path == NULL)
        return;
    if (handover->stream != NULL)
        fclose(handover->stream);
    if (handover->temporary != NULL)
        unlinkat(handover->directory, handover->temporary, 0);
    if (handover->directory >= 0)
        close(handover->directory);
    sealring_secret_free(handover->buffer, BUFFER_SIZE);
    free(handover->temporary);
    free(handover->name);
    free(handover->path);
    *handover = (struct handover){.directory = -1};
}

bool handover_settle(const char *directory, char problem[HANDOVER_PROBLEM_SIZE])
{
    int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = descriptor >= 0 && syncfs(descriptor) == 0;
    if (!done)
        fail(problem, directory, "cannot be made durable");
    if (descriptor >= 0)
        close(descriptor);
    return done;
}
