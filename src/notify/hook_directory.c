/* SPDX-License-Identifier: Apache-2.0 */
/* Which files of a directory are hooks, and whether somebody else could have put them there. */
#include "notify/run_hook.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

static bool is_hook_name(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    return length > 0 && length <= HOOK_NAME_MAX && name[length] == '\0';
}

/* Whoever can write it runs code as this user, with credentials on its standard input. */
static sealring_status check_trust(const struct stat *file, const char *path, sealring_error *error)
{
    if (file->st_uid != 0 && file->st_uid != geteuid())
        return error_set(error, SEALRING_INVALID, "%s belongs to uid %u: it must belong to root or to uid %u", path,
                         (unsigned)file->st_uid, (unsigned)geteuid());
    if ((file->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return error_set(error, SEALRING_INVALID, "%s can be written by its group or by others: chmod go-w it", path);
    return SEALRING_OK;
}

static sealring_status take(struct hooks *hooks, int directory, const char *name, sealring_error *error)
{
    char path[sizeof hooks->directory + HOOK_NAME_MAX + 2];
    struct stat file;
    (void)snprintf(path, sizeof path, "%s/%s", hooks->directory, name);
    if (fstatat(directory, name, &file, AT_SYMLINK_NOFOLLOW) != 0)
        return error_set_system(error, errno, "%s cannot be examined", path);
    if (S_ISLNK(file.st_mode))
        return error_set(error, SEALRING_INVALID, "%s is a symbolic link: copy the hook instead", path);
    if (!S_ISREG(file.st_mode) || (file.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0)
        return SEALRING_OK;
    if (hooks->count == HOOKS_MAX)
        return error_set(error, SEALRING_INVALID, "%s has more than %d hooks", hooks->directory, HOOKS_MAX);
    sealring_status status = check_trust(&file, path, error);
    if (status == SEALRING_OK)
        (void)snprintf(hooks->names[hooks->count++], sizeof hooks->names[0], "%s", name);
    return status;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

sealring_status hooks_read(const char *directory, struct hooks *hooks, sealring_error *error)
{
    struct stat file;
    *hooks = (struct hooks){.count = 0};
    if ((size_t)snprintf(hooks->directory, sizeof hooks->directory, "%s", directory) >= sizeof hooks->directory)
        return error_set(error, SEALRING_INVALID, "the path of the hooks directory is too long");
    DIR *stream = opendir(directory);
    if (stream == NULL)
        return error_set_system(error, errno, "the hooks directory %s cannot be read", directory);
    sealring_status status = fstat(dirfd(stream), &file) == 0
                                 ? check_trust(&file, directory, error)
                                 : error_set_system(error, errno, "%s cannot be examined", directory);
    for (const struct dirent *entry; status == SEALRING_OK && (entry = readdir(stream)) != NULL;)
        if (is_hook_name(entry->d_name))
            status = take(hooks, dirfd(stream), entry->d_name, error);
    closedir(stream);
    qsort(hooks->names, hooks->count, sizeof hooks->names[0], compare_names);
    return status;
}
