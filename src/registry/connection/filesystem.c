/* SPDX-License-Identifier: Apache-2.0 */
/* The file systems on which a registry may be stored. */
#include "registry/connection/filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "base/error.h"

#define FILESYSTEM_OVERLAY   0x794C7630
#define FILESYSTEM_NAME_SIZE 40

/* The type of the mount with this device, from /proc/self/mountinfo (proc(5)): "fuse.sshfs" is more specific than the number. */
static void mount_type(dev_t device, char type[FILESYSTEM_NAME_SIZE])
{
    char line[4096];
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    if (mounts == NULL)
        return;
    while (fgets(line, sizeof line, mounts) != NULL) {
        unsigned upper = 0, lower = 0;
        char found[FILESYSTEM_NAME_SIZE] = "";
        const char *rest = strstr(line, " - ");
        /* NOLINTNEXTLINE(cert-err34-c): a number that the kernel wrote */
        if (rest == NULL || sscanf(line, "%*d %*d %u:%u", &upper, &lower) != 2 || makedev(upper, lower) != device ||
            sscanf(rest, " - %39s", found) != 1)
            continue;
        memcpy(type, found, sizeof found);
    }
    fclose(mounts);
}

bool filesystem_is_overlay(const char *path)
{
    struct statfs facts;
    return statfs(path, &facts) == 0 && (uint32_t)facts.f_type == FILESYSTEM_OVERLAY;
}

struct mount_of {
    bool has_id;
    uint64_t id; /* valid only if has_id */
    dev_t device;
};

/* False with errno set on failure. Linux before 5.8, and some sandboxes, report no mount ID (statx(2)). Then the device must be
 * sufficient, although it misses a mount of another directory of the same file system, and counts a subvolume of btrfs as a mount. */
static bool find_mount(const char *path, struct mount_of *mount)
{
    struct stat facts;
    if (stat(path, &facts) != 0)
        return false;
    *mount = (struct mount_of){.device = facts.st_dev};
#ifdef STATX_MNT_ID
    struct statx more;
    if (statx(AT_FDCWD, path, AT_NO_AUTOMOUNT, STATX_MNT_ID, &more) == 0 && (more.stx_mask & STATX_MNT_ID) != 0) {
        mount->has_id = true;
        mount->id = more.stx_mnt_id;
    }
#endif
    return true;
}

bool filesystem_is_same_mount(const char *directory, const char *part)
{
    struct mount_of whole, inner;
    if (!find_mount(directory, &whole) || !find_mount(part, &inner))
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES;
    return whole.device == inner.device && (!whole.has_id || !inner.has_id || whole.id == inner.id);
}

static sealring_status refuse_fuse(const char *path, sealring_error *error)
{
    char type[FILESYSTEM_NAME_SIZE] = "fuse";
    struct stat place;
    if (stat(path, &place) == 0)
        mount_type(place.st_dev, type);
    return error_set_registry(
        error, 0,
        "%s is on a FUSE file system (%s), which may reach other hosts, and whose locks and shared "
        "memory then do not: a registry would be damaged there: put the vault on a local disk",
        path, type);
}

sealring_status filesystem_check_above(const char *path, sealring_error *error)
{
    char copy[PATH_MAX];
    char *above = copy;
    struct stat facts;
    if (strlen(path) >= sizeof copy)
        return SEALRING_OK;
    memcpy(copy, path, strlen(path) + 1);
    while (stat(above, &facts) != 0 && strcmp(above, "/") != 0 && strcmp(above, ".") != 0)
        above = dirname(above);
    return filesystem_check(above, error);
}

sealring_status filesystem_check(const char *path, sealring_error *error)
{
    struct statfs facts;
    if (statfs(path, &facts) != 0) {
        if (errno == ENOENT || errno == ENOTDIR || errno == EACCES)
            return SEALRING_OK; /* opening it reports the problem better */
        return error_set_system(error, errno, "cannot tell the file system of %s", path);
    }
    /* SQLite's write-ahead log shares memory between processes and relies on POSIX locks. Both work only on one machine
     * (https://www.sqlite.org/wal.html, "all processes using a database must be on the same host computer").
     * f_type is signed and as long as a machine word: the number is its low 32 bits. */
    const char *name = filesystem_network_name((uint32_t)facts.f_type);
    if (name == NULL)
        return SEALRING_OK;
    if ((uint32_t)facts.f_type == FILESYSTEM_FUSE)
        return refuse_fuse(path, error);
    return error_set_registry(
        error, 0,
        "%s lies on a network file system (%s), where a registry would be damaged: put the vault on "
        "a local disk",
        path, name);
}
