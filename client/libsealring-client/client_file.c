/* SPDX-License-Identifier: Apache-2.0 */
/* The file with a credential: reading it, and whether it can be replaced. */
#include "client/libsealring-client/client_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/network_filesystem.h"
#include "base/secret.h"
#include "client/libsealring-client/client_answer.h"

#define READ_MAX 4096 /* a file that is larger is not one with a credential */

static void mark_of(const struct stat *facts, struct client_mark *mark)
{
    *mark = (struct client_mark){.device = facts->st_dev,
                                 .inode = facts->st_ino,
                                 .size = facts->st_size,
                                 .modified = facts->st_mtim,
                                 .changed = facts->st_ctim};
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool client_mark_equal(const struct client_mark *a, const struct client_mark *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           same_time(&a->modified, &b->modified) && same_time(&a->changed, &b->changed);
}

bool client_mark_take(const char *path, struct client_mark *mark)
{
    struct stat facts;
    if (stat(path, &facts) != 0)
        return false;
    mark_of(&facts, mark);
    return true;
}

/* The line without blanks and line ends around it. */
static bool take_line(const char *content, size_t length, char text[SEALRING_CLIENT_TEXT_MAX + 1])
{
    while (length > 0 && strchr(" \t\r\n", *content) != NULL)
        content++, length--;
    while (length > 0 && strchr(" \t\r\n", content[length - 1]) != NULL)
        length--;
    if (!client_text_valid(content, length, SEALRING_CLIENT_TEXT_MAX))
        return false;
    memcpy(text, content, length);
    text[length] = '\0';
    return true;
}

sealring_status client_file_read(const char *path, char text[SEALRING_CLIENT_TEXT_MAX + 1], struct client_mark *mark,
                                 sealring_error *error)
{
    char content[READ_MAX + 1] = "";
    struct stat facts;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (descriptor < 0 || fstat(descriptor, &facts) != 0) {
        int failure = errno;
        if (descriptor >= 0)
            (void)close(descriptor);
        (void)error_set_system(error, failure, "cannot read the credential in %s", path);
        return failure == ENOENT || failure == ENOTDIR ? SEALRING_NOT_FOUND : SEALRING_SYSTEM;
    }
    sealring_status status = SEALRING_OK;
    ssize_t length = S_ISREG(facts.st_mode) ? pread(descriptor, content, sizeof content - 1, 0) : 0;
    if (length < 0)
        status = error_set_system(error, errno, "cannot read the credential in %s", path);
    else if (!S_ISREG(facts.st_mode) || facts.st_size > READ_MAX || !take_line(content, (size_t)length, text))
        status = error_set(error, SEALRING_INVALID,
                           "%s contains no credential: it must be one line of at most %d characters", path,
                           SEALRING_CLIENT_TEXT_MAX);
    else
        mark_of(&facts, mark);
    (void)close(descriptor);
    secret_wipe(content, sizeof content);
    return status;
}

/* ---- Whether it can be replaced ---- */

/* A bind mount of one file, as containers have it: rename(2) fails with EBUSY there. Unknown counts as no. */
static bool is_mount(const char *path, const char *directory)
{
#ifdef STATX_MNT_ID
    struct statx file, above;
    if (statx(AT_FDCWD, path, AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &file) == 0 &&
        statx(AT_FDCWD, directory, AT_NO_AUTOMOUNT, STATX_MNT_ID, &above) == 0 &&
        (file.stx_mask & above.stx_mask & STATX_MNT_ID) != 0)
        return file.stx_mnt_id != above.stx_mnt_id;
#else
    (void)path, (void)directory;
#endif
    return false;
}

bool client_file_replaceable(const char *path, char reason[CLIENT_REASON_SIZE])
{
    char copy[PATH_MAX];
    struct stat facts;
    struct statfs place;
    reason[0] = '\0';
    if (strlen(path) >= sizeof copy || lstat(path, &facts) != 0) {
        (void)snprintf(reason, CLIENT_REASON_SIZE, "the file cannot be examined");
        return false;
    }
    memcpy(copy, path, strlen(path) + 1);
    const char *directory = dirname(copy);
    const char *network = statfs(path, &place) == 0 ? filesystem_network_name((uint32_t)place.f_type) : NULL;
    if (S_ISLNK(facts.st_mode))
        (void)snprintf(reason, CLIENT_REASON_SIZE,
                       "it is a symbolic link, as in a secret volume of Kubernetes: somebody else replaces it");
    else if (!S_ISREG(facts.st_mode))
        (void)snprintf(reason, CLIENT_REASON_SIZE, "it is no regular file");
    else if (network != NULL)
        (void)snprintf(reason, CLIENT_REASON_SIZE,
                       "it is on a network file system (%s), which has no locks between hosts that can be relied on",
                       network);
    else if (is_mount(path, directory))
        (void)snprintf(reason, CLIENT_REASON_SIZE,
                       "it is a mount of its own, which cannot be replaced: mount its directory");
    else if (faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) != 0)
        (void)snprintf(reason, CLIENT_REASON_SIZE, "its directory is %s",
                       errno == EROFS ? "on a read-only file system" : "not writable for this user");
    return reason[0] == '\0';
}
