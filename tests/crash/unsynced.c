/* SPDX-License-Identifier: Apache-2.0 */
/* What a power loss takes: every change of a directory that has not been written to disk by fsync or fdatasync, seen by its system calls. */
#include "crash/unsynced.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* All are shared memory or hints, which nobody goes by after a boot; and a report whose file is gone would hold up others for a lease. */
static bool is_left_alone(const char *path)
{
    size_t length = strlen(path);
    return strstr(path, "/verifiers/") != NULL || (length > 4 && strcmp(path + length - 4, "-shm") == 0) ||
           (length > 5 && strcmp(path + length - 5, ".bell") == 0);
}

static void drop(struct unsynced *unsynced, unsigned number)
{
    free(unsynced->changes[number].content);
    unsynced->count--;
    memmove(&unsynced->changes[number], &unsynced->changes[number + 1],
            (unsynced->count - number) * sizeof unsynced->changes[0]);
}

void unsynced_clear(struct unsynced *unsynced)
{
    while (unsynced->count > 0)
        drop(unsynced, unsynced->count - 1);
    unsynced->overflowed = false;
}

static struct unsynced_change *add(struct unsynced *unsynced, enum call_kind kind, const char *path)
{
    if (unsynced->count == UNSYNCED_MAX) {
        unsynced->overflowed = true;
        return NULL;
    }
    struct unsynced_change *change = &unsynced->changes[unsynced->count++];
    memset(change, 0, sizeof *change);
    change->kind = kind;
    snprintf(change->path, sizeof change->path, "%s", path);
    return change;
}

/* The content as it is now. */
static bool save(struct unsynced_change *change, const char *path)
{
    struct stat facts;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool saved = descriptor >= 0 && fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode);
    if (saved) {
        change->length = (size_t)facts.st_size;
        change->mode = facts.st_mode & 07777;
        change->existed = true;
        change->content = malloc(change->length + 1);
        saved =
            change->content != NULL && pread(descriptor, change->content, change->length, 0) == (ssize_t)change->length;
    }
    if (descriptor >= 0)
        close(descriptor);
    return saved;
}

static uint64_t inode_of(const char *path)
{
    struct stat facts;
    return lstat(path, &facts) == 0 ? (uint64_t)facts.st_ino : 0;
}

static struct unsynced_change *content_of(struct unsynced *unsynced, uint64_t inode)
{
    for (unsigned i = 0; i < unsynced->count && inode != 0; i++)
        if (unsynced->changes[i].inode == inode)
            return &unsynced->changes[i];
    return NULL;
}

/* ---- Before a call ---- */

/* Before the first change since it was synced the content is what is on disk. */
static void before_content(struct unsynced *unsynced, const struct call *call)
{
    uint64_t inode = inode_of(call->path);
    struct unsynced_change *change = content_of(unsynced, inode);
    if (change == NULL && (change = add(unsynced, CALL_WRITE, call->path)) != NULL) {
        change->inode = inode;
        if (!save(change, call->path))
            unsynced->overflowed = true;
    }
    if (change != NULL && (call->kind == CALL_OPEN_TRUNCATE || call->kind == CALL_TRUNCATE))
        change->shrunk = true;
}

static void before_entry(struct unsynced *unsynced, const struct call *call)
{
    struct unsynced_change *change = add(unsynced, call->kind, call->path);
    if (change == NULL)
        return;
    snprintf(change->other, sizeof change->other, "%s", call->other);
    change->thread = call->thread;
    if (call->kind == CALL_UNLINK)
        (void)save(change, call->path);
    else if (call->kind == CALL_RENAME)
        (void)save(change, call->other);
}

void unsynced_before(struct unsynced *unsynced, const struct call *call)
{
    if (is_left_alone(call->path) || is_left_alone(call->other))
        return;
    switch (call->kind) {
    case CALL_OPEN_TRUNCATE:
    case CALL_WRITE:
    case CALL_TRUNCATE:
    case CALL_ALLOCATE:
        before_content(unsynced, call);
        break;
    case CALL_CREATE:
    case CALL_RENAME:
    case CALL_LINK:
    case CALL_UNLINK:
    case CALL_MKDIR:
    case CALL_RMDIR:
        before_entry(unsynced, call);
        break;
    default:
        break;
    }
}

/* ---- After it ---- */

static bool is_in(const char *path, const char *directory)
{
    size_t length = strlen(directory);
    return strncmp(path, directory, length) == 0 && path[length] == '/' && strchr(path + length + 1, '/') == NULL;
}

/* A file's content, or a directory's entries; a file that an entry has replaced or lost is nobody's any more. */
static void synced(struct unsynced *unsynced, const char *path)
{
    uint64_t inode = inode_of(path);
    for (unsigned i = unsynced->count; i-- > 0;) {
        const struct unsynced_change *change = &unsynced->changes[i];
        bool entry = change->inode == 0 && change->thread == 0;
        if ((change->inode != 0 && change->inode == inode) ||
            (entry && is_in(change->other[0] != '\0' ? change->other : change->path, path)))
            drop(unsynced, i);
    }
    for (unsigned i = unsynced->count; i-- > 0;) {
        const struct unsynced_change *change = &unsynced->changes[i];
        if (change->inode != 0 && is_in(change->path, path) && inode_of(change->path) != change->inode)
            drop(unsynced, i);
    }
}

static void renamed(struct unsynced *unsynced, const char *other)
{
    struct unsynced_change *change = content_of(unsynced, inode_of(other));
    if (change != NULL)
        snprintf(change->path, sizeof change->path, "%s", other);
}

/* A new file has no content on disk. */
static void created(struct unsynced *unsynced, const char *path)
{
    struct unsynced_change *change = add(unsynced, CALL_WRITE, path);
    if (change == NULL)
        return;
    change->inode = inode_of(path);
    change->existed = true;
    change->shrunk = true;
}

void unsynced_after(struct unsynced *unsynced, const struct call *call, bool failed)
{
    for (unsigned i = unsynced->count; i-- > 0;) {
        if (unsynced->changes[i].thread != call->thread)
            continue;
        unsynced->changes[i].thread = 0;
        if (failed)
            drop(unsynced, i);
        break;
    }
    if (failed || is_left_alone(call->path))
        return;
    if (call->kind == CALL_SYNC)
        synced(unsynced, call->path);
    else if (call->kind == CALL_RENAME)
        renamed(unsynced, call->other);
    else if (call->kind == CALL_CREATE)
        created(unsynced, call->path);
}

/* ---- The power fails ---- */

static bool write_back(const struct unsynced_change *change, const char *path, size_t length)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, change->mode != 0 ? change->mode : 0600);
    if (descriptor < 0)
        return false;
    bool written = length == 0 || write(descriptor, change->content, length) == (ssize_t)length;
    close(descriptor);
    return written;
}

static int remove_entry(const char *path, const struct stat *file, int kind, struct FTW *walk)
{
    (void)file;
    (void)kind;
    (void)walk;
    return remove(path);
}

/* What had been renamed has its old name in earlier changes again. */
static bool undo_rename(struct unsynced *unsynced, const struct unsynced_change *change)
{
    struct unsynced_change *content = content_of(unsynced, inode_of(change->other));
    if (content != NULL)
        snprintf(content->path, sizeof content->path, "%s", change->path);
    return rename(change->other, change->path) == 0 &&
           (!change->existed || write_back(change, change->other, change->length));
}

static bool undo_entry(struct unsynced *unsynced, const struct unsynced_change *change)
{
    switch (change->kind) {
    case CALL_CREATE:
        return unlink(change->path) == 0 || errno == ENOENT;
    case CALL_LINK:
        return unlink(change->other) == 0 || errno == ENOENT;
    case CALL_UNLINK:
        return write_back(change, change->path, change->length);
    case CALL_MKDIR:
        return nftw(change->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT;
    case CALL_RMDIR:
        return mkdir(change->path, 0700) == 0;
    case CALL_RENAME:
        return undo_rename(unsynced, change);
    default:
        return false;
    }
}

/* A file that is gone has nothing to be taken back, nor has one in whose place there is another one. */
static bool undo_content(const struct unsynced_change *change, enum loss loss)
{
    uint64_t inode = inode_of(change->path);
    if (inode == 0 || (loss == LOSS_OF_CONTENT && inode != change->inode))
        return true;
    return write_back(change, change->path, loss == LOSS_OF_CONTENT && change->shrunk ? 0 : change->length);
}

int unsynced_lose(struct unsynced *unsynced, enum loss loss)
{
    int lost = unsynced->overflowed ? -1 : 0;
    for (unsigned i = unsynced->count; i-- > 0 && lost >= 0;) {
        const struct unsynced_change *change = &unsynced->changes[i];
        bool entry = change->inode == 0;
        if (change->thread != 0 || (entry && loss == LOSS_OF_CONTENT))
            continue;
        lost = (entry ? undo_entry(unsynced, change) : undo_content(change, loss)) ? lost + 1 : -1;
    }
    return lost;
}
