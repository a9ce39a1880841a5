/* SPDX-License-Identifier: Apache-2.0 */
/* Replacing a file as a whole, and the lock between the processes that do. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "client/libsealring-client/client_file.h"

enum { LOCK_PAUSE_MS = 50 };

/* Owner and permissions are those of the file that is replaced. Until then only this user can read it. */
static sealring_status give_away(int descriptor, const char *path, const char *model, sealring_error *error)
{
    struct stat own, wanted;
    if (fstat(descriptor, &own) != 0 || stat(model, &wanted) != 0)
        return error_set_system(error, errno, "cannot examine %s", model);
    if ((own.st_uid != wanted.st_uid || own.st_gid != wanted.st_gid) &&
        fchown(descriptor, own.st_uid == wanted.st_uid ? (uid_t)-1 : wanted.st_uid, wanted.st_gid) != 0)
        return error_set_system(error, errno, "cannot keep the owner of %s: renew it as its owner, or as root", path);
    if (fchmod(descriptor, wanted.st_mode & 0777) != 0)
        return error_set_system(error, errno, "cannot keep the permissions of %s", path);
    return SEALRING_OK;
}

sealring_status client_saving_begin(struct client_saving *saving, const char *path, const char *model, size_t room,
                                    sealring_error *error)
{
    *saving = (struct client_saving){.path = path, .descriptor = -1, .room = room};
    if (asprintf(&saving->beside, "%s.new", path) < 0) {
        saving->beside = NULL;
        return error_no_memory(error);
    }
    (void)unlink(saving->beside); /* of a process that was killed: this one has the lock */
    saving->descriptor = open(saving->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (saving->descriptor < 0)
        return error_set_system(error, errno, "cannot create %s", saving->beside);
    int failure = posix_fallocate(saving->descriptor, 0, (off_t)room);
    if (failure != 0)
        return error_set_system(error, failure, "there is no room for %s", saving->beside);
    return give_away(saving->descriptor, path, model, error);
}

static bool write_all(int descriptor, const char *content, size_t length)
{
    size_t done = 0;
    while (done < length) {
        ssize_t written = pwrite(descriptor, content + done, length - done, (off_t)done);
        if (written < 0 && errno != EINTR)
            return false;
        done += written > 0 ? (size_t)written : 0;
    }
    return ftruncate(descriptor, (off_t)length) == 0 && fsync(descriptor) == 0;
}

sealring_status client_saving_finish(struct client_saving *saving, const void *content, size_t length,
                                     sealring_error *error)
{
    char copy[PATH_MAX];
    if (strlen(saving->path) >= sizeof copy || length > saving->room)
        return error_set_system(error, ENAMETOOLONG, "cannot replace %s", saving->path);
    memcpy(copy, saving->path, strlen(saving->path) + 1);
    if (!write_all(saving->descriptor, content, length))
        return error_set_system(error, errno, "cannot write %s", saving->beside);
    if (rename(saving->beside, saving->path) != 0)
        return error_set_system(error, errno, "cannot replace %s", saving->path);
    free(saving->beside);
    saving->beside = NULL;
    /* It is in place, and whoever reads it may use it. Only a power loss could bring back the former one, which is valid as well. */
    (void)file_sync_directory(dirname(copy));
    return SEALRING_OK;
}

void client_saving_end(struct client_saving *saving)
{
    if (saving->descriptor >= 0)
        (void)close(saving->descriptor);
    saving->descriptor = -1;
    if (saving->beside != NULL)
        (void)unlink(saving->beside);
    free(saving->beside);
    saving->beside = NULL;
}

/* ---- The lock ---- */

/* The file that is replaced cannot be locked itself: others would lock the one that was replaced. */
static int open_lock(const char *path, sealring_error *error)
{
    char *beside = NULL;
    struct stat model;
    if (asprintf(&beside, "%s.lock", path) < 0) {
        (void)error_no_memory(error);
        return -1;
    }
    mode_t mode = stat(path, &model) == 0 ? model.st_mode & 0666 : 0600;
    int descriptor = open(beside, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);
    if (descriptor < 0)
        (void)error_set_system(error, errno, "cannot open %s", beside);
    free(beside);
    return descriptor;
}

sealring_status client_file_lock(const char *path, int64_t wait_ms, int *descriptor, sealring_error *error)
{
    int64_t until = clock_monotonic_ms() + wait_ms;
    *descriptor = open_lock(path, error);
    if (*descriptor < 0)
        return SEALRING_SYSTEM;
    while (flock(*descriptor, LOCK_EX | LOCK_NB) != 0) {
        int failure = errno;
        if (failure == EINTR)
            continue;
        if (failure == EWOULDBLOCK && clock_monotonic_ms() < until) {
            clock_sleep(LOCK_PAUSE_MS);
            continue;
        }
        (void)close(*descriptor);
        *descriptor = -1;
        return failure == EWOULDBLOCK
                   ? error_set(error, SEALRING_WAITING, "another process is renewing %s: try again later", path)
                   : error_set_system(error, failure, "cannot lock %s.lock", path);
    }
    return SEALRING_OK;
}

/* Explicitly: a forked child may have a copy of the descriptor, which would keep the lock. */
void client_file_unlock(int *descriptor)
{
    if (*descriptor < 0)
        return;
    (void)flock(*descriptor, LOCK_UN);
    (void)close(*descriptor);
    *descriptor = -1;
}
