/* SPDX-License-Identifier: Apache-2.0 */
/* A small file system of this process's own, which can be filled to the last block. */
#include "crash/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define OPTIONS "size=32m,mode=0700"

static bool write_text(const char *path, const char *text)
{
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    bool written = descriptor >= 0 && write(descriptor, text, strlen(text)) == (ssize_t)strlen(text);
    if (descriptor >= 0)
        close(descriptor);
    return written;
}

/* With root's rights, or in a user namespace in which this user has them. */
static bool leave_namespace(void)
{
    char map[64];
    uid_t user = geteuid();
    gid_t group = getegid();
    if (unshare(CLONE_NEWNS) == 0)
        return true;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 || !write_text("/proc/self/setgroups", "deny"))
        return false;
    snprintf(map, sizeof map, "%u %u 1", user, user);
    if (!write_text("/proc/self/uid_map", map))
        return false;
    snprintf(map, sizeof map, "%u %u 1", group, group);
    return write_text("/proc/self/gid_map", map);
}

/* By way of the copy beside it. */
static bool copy_in(const char *directory, const char *copy)
{
    char line[1024];
    snprintf(line, sizeof line, "cp -a %s/. %s", copy, directory);
    return system(line) == 0;
}

bool disk_mount(const char *directory)
{
    char copy[256], line[1024];
    snprintf(copy, sizeof copy, "%.200s.%d", directory, (int)getpid());
    snprintf(line, sizeof line, "cp -a %s %s", directory, copy);
    if (!leave_namespace() || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 || system(line) != 0)
        return false;
    bool mounted = mount("tmpfs", directory, "tmpfs", MS_NOSUID | MS_NODEV, OPTIONS) == 0 && copy_in(directory, copy);
    int problem = errno;
    snprintf(line, sizeof line, "rm -rf %s", copy);
    mounted = system(line) == 0 && mounted;
    errno = problem;
    return mounted;
}

static void name_filler(const char *directory, char path[256])
{
    snprintf(path, 256, "%.200s/filler", directory);
}

bool disk_fill(const char *directory)
{
    char path[256];
    struct stat facts;
    struct statvfs space;
    name_filler(directory, path);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    bool full = false;
    for (int tries = 0; descriptor >= 0 && !full && tries < 100; tries++) {
        if (fstat(descriptor, &facts) != 0 || fstatvfs(descriptor, &space) != 0)
            break;
        off_t more = (off_t)(space.f_bfree * space.f_bsize);
        full = more == 0;
        if (more > 0 && fallocate(descriptor, 0, facts.st_size, more) != 0 && errno != ENOSPC)
            break;
    }
    if (descriptor >= 0)
        close(descriptor);
    return full;
}

void disk_empty(const char *directory)
{
    char path[256];
    name_filler(directory, path);
    (void)unlink(path);
}

void disk_yield(const char *directory, long bytes)
{
    char path[256];
    struct stat facts;
    name_filler(directory, path);
    if (stat(path, &facts) == 0 && facts.st_size > bytes)
        (void)!truncate(path, facts.st_size - bytes);
}
