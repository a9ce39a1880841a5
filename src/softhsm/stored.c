/* SPDX-License-Identifier: Apache-2.0 */
/* One file of a token's folder, or a copy of one: read, written in place, copied. Only within separate_run. */
#include "softhsm/stored.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define LOCK_TRIES    2000
#define LOCK_PAUSE_MS 1
#define NEW_SUFFIX    ".new"

void stored_path(const char *folder, const char *name, char path[STORED_PATH_MAX])
{
    (void)snprintf(path, STORED_PATH_MAX, "%s/%s", folder, name);
}

void stored_above(const char *path, char above[STORED_PATH_MAX])
{
    (void)snprintf(above, STORED_PATH_MAX, "%.*s", (int)(strrchr(path, '/') - path), path);
}

static int stored_lock(int descriptor, short kind)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        struct flock lock = {.l_type = kind, .l_whence = SEEK_SET};
        if (fcntl(descriptor, F_SETLK, &lock) == 0)
            return 0;
        if (errno != EAGAIN && errno != EACCES && errno != EINTR)
            return errno;
        clock_sleep(LOCK_PAUSE_MS);
    }
    return EAGAIN;
}

static int stored_fill(int descriptor, struct stored *stored)
{
    stored->exists = true;
    stored->length = 0;
    while (stored->length < OBJECT_FILE_MAX) {
        ssize_t got =
            pread(descriptor, stored->bytes + stored->length, OBJECT_FILE_MAX - stored->length, (off_t)stored->length);
        if (got < 0)
            return errno;
        if (got == 0)
            break;
        stored->length += (size_t)got;
    }
    return 0;
}

int stored_give(int descriptor, const char *path)
{
    char folder[STORED_PATH_MAX];
    struct stat file, place;
    if (geteuid() != 0)
        return 0;
    stored_above(path, folder);
    if (fstat(descriptor, &file) != 0 || stat(folder, &place) != 0)
        return errno;
    bool given = file.st_uid != 0 || (place.st_uid == 0 && place.st_gid == file.st_gid);
    return given || fchown(descriptor, place.st_uid, place.st_gid) == 0 ? 0 : errno;
}

/* O_NONBLOCK: a FIFO in its place must not block. */
int stored_open(const char *path, int flags, int *descriptor)
{
    struct stat file;
    *descriptor = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
    if (*descriptor < 0)
        return errno;
    int problem = fstat(*descriptor, &file) == 0 && S_ISREG(file.st_mode) ? 0 : EINVAL;
    if (problem == 0 && (flags & O_CREAT) != 0)
        problem = stored_give(*descriptor, path);
    if (problem != 0)
        close(*descriptor);
    return problem;
}

int stored_read(const char *path, struct stored *stored)
{
    int descriptor;
    stored->exists = false;
    stored->length = 0;
    int problem = stored_open(path, O_RDONLY, &descriptor);
    if (problem != 0)
        return problem == ENOENT ? 0 : problem;
    problem = stored_lock(descriptor, F_RDLCK);
    if (problem == 0)
        problem = stored_fill(descriptor, stored);
    close(descriptor);
    return problem;
}

static int stored_write(int descriptor, const struct stored *content)
{
    ssize_t written = pwrite(descriptor, content->bytes, content->length, 0);
    if (written < 0)
        return errno;
    if ((size_t)written != content->length)
        return ENOSPC;
    return fsync(descriptor) == 0 ? 0 : errno;
}

int stored_replace(const char *path, struct stored *found, stored_decision decision, void *context,
                   const struct stored *content, bool *replaced)
{
    int descriptor;
    *replaced = false;
    int problem = stored_open(path, O_RDWR | O_CREAT, &descriptor);
    if (problem != 0)
        return problem;
    problem = stored_lock(descriptor, F_WRLCK);
    if (problem == 0)
        problem = stored_fill(descriptor, found);
    if (problem != 0 || (decision != NULL && !decision(found, context)))
        goto cleanup;
    if (ftruncate(descriptor, 0) != 0) {
        problem = errno;
        goto cleanup;
    }
    problem = stored_write(descriptor, content);
    *replaced = problem == 0;
cleanup:
    close(descriptor);
    return problem;
}

int stored_copy(const char *folder, const char *name, const struct stored *content)
{
    char path[STORED_PATH_MAX], made[STORED_PATH_MAX + sizeof NEW_SUFFIX];
    int descriptor;
    stored_path(folder, name, path);
    (void)snprintf(made, sizeof(made), "%s" NEW_SUFFIX, path);
    if (unlink(made) != 0 && errno != ENOENT)
        return errno;
    int problem = stored_open(made, O_WRONLY | O_CREAT | O_EXCL, &descriptor);
    if (problem != 0)
        return problem;
    problem = stored_write(descriptor, content);
    close(descriptor);
    if (problem == 0 && rename(made, path) != 0)
        problem = errno;
    if (problem != 0)
        (void)unlink(made);
    return problem == 0 ? stored_sync(folder) : problem;
}

int stored_remove(const char *folder, const char *name)
{
    char path[STORED_PATH_MAX];
    stored_path(folder, name, path);
    if (unlink(path) != 0 && errno != ENOENT)
        return errno;
    return stored_sync(folder);
}

int stored_sync(const char *path)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0)
        return errno;
    int problem = fsync(descriptor) == 0 ? 0 : errno;
    close(descriptor);
    return problem;
}
