/* SPDX-License-Identifier: Apache-2.0 */
/* Trusted owners of files: root, and the user who runs this. */
#include "config/file_trust.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

static bool is_trusted(uid_t owner)
{
    return owner == 0 || owner == geteuid();
}

/* In a user namespace that does not map all users, unmapped ones appear as this one (user_namespaces(7)). */
static bool is_unmapped(uid_t owner)
{
    unsigned long overflow = 65534, inside = 1, outside = 1, length = 0;
    FILE *file = fopen("/proc/sys/kernel/overflowuid", "re");
    if (file != NULL && fscanf(file, "%lu", &overflow) != 1) /* NOLINT(cert-err34-c): a number of the kernel's */
        overflow = 65534;
    if (file != NULL)
        fclose(file);
    file = fopen("/proc/self/uid_map", "re");
    if (file != NULL && fscanf(file, "%lu %lu %lu", &inside, &outside, &length) != 3) /* NOLINT(cert-err34-c) */
        length = 0;
    if (file != NULL)
        fclose(file);
    return owner == overflow && file != NULL && (inside != 0 || outside != 0 || length < UINT_MAX);
}

sealring_status trust_owner(const struct stat *file, const char *path, sealring_error *error)
{
    if (is_trusted(file->st_uid))
        return SEALRING_OK;
    if (geteuid() == 0)
        return error_set(error, SEALRING_INVALID,
                         "%s does not belong to root: run the command as its owner (uid %lu), or chown it", path,
                         (unsigned long)file->st_uid);
    return error_set(
        error, SEALRING_INVALID,
        "%s belongs to uid %lu, and this runs as uid %lu: it would load what that user names; run it as its owner, "
        "or have root own the vault",
        path, (unsigned long)file->st_uid, (unsigned long)geteuid());
}

static sealring_status check_step(const char *path, sealring_error *error)
{
    struct stat directory;
    if (stat(path, &directory) != 0) /* a directory above one that was just resolved */
        return errno == EACCES ? SEALRING_OK
                               : error_set_system(error, errno, "the directory %s cannot be examined", path);
    bool sticky = (directory.st_mode & S_ISVTX) != 0;
    if ((directory.st_mode & (S_IWGRP | S_IWOTH)) != 0 && !sticky)
        return error_set(
            error, SEALRING_INVALID,
            "%s, above the vault, can be written by its group or by others, who could put another vault there: "
            "chmod go-w it",
            path);
    if (is_trusted(directory.st_uid) || is_unmapped(directory.st_uid))
        return SEALRING_OK;
    return error_set(
        error, SEALRING_INVALID,
        "%s, above the vault, belongs to uid %lu, who could put another vault there: have root own it, or put the "
        "vault elsewhere",
        path, (unsigned long)directory.st_uid);
}

sealring_status trust_way(const char *path, sealring_error *error)
{
    char above[PATH_MAX];
    sealring_status status = SEALRING_OK;
    if (snprintf(above, sizeof above, "%s", path) >= (int)sizeof above)
        return error_set(error, SEALRING_INVALID, "the path %s is too long", path);
    for (char *slash = strrchr(above, '/'); status == SEALRING_OK && slash != NULL && above[1] != '\0';
         slash = strrchr(above, '/')) {
        slash[slash == above] = '\0';
        status = check_step(above, error);
    }
    return status;
}

sealring_status trust_file(const char *path, bool by_owner, sealring_error *error)
{
    struct stat file;
    if (stat(path, &file) != 0)
        return SEALRING_OK;
    if ((file.st_mode & S_IWOTH) != 0 && S_ISREG(file.st_mode))
        return error_set(error, SEALRING_INVALID, "%s can be written by everybody, and would be loaded: chmod o-w it",
                         path);
    return by_owner ? trust_owner(&file, path, error) : SEALRING_OK;
}
