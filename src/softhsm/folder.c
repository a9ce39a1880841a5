/* SPDX-License-Identifier: Apache-2.0 */
/* The folders of a software token and its copies. */
#include "softhsm/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "softhsm/stored.h"

static bool folder_has_kind(enum folder_entries entries, mode_t mode)
{
    switch (entries) {
    case FOLDER_DIRECTORIES:
        return S_ISDIR(mode);
    case FOLDER_FILES:
        return S_ISREG(mode);
    default:
        return true;
    }
}

int folder_each(const char *path, enum folder_entries entries, void (*each)(const char *name, void *context),
                void *context)
{
    char inside[STORED_PATH_MAX];
    struct stat file;
    DIR *folder = opendir(path);
    if (folder == NULL)
        return errno == ENOENT ? 0 : errno;
    int problem = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (entry == NULL) {
            problem = errno != 0 ? errno : problem;
            break;
        }
        if (entry->d_name[0] == '.' || !stored_path(path, entry->d_name, inside))
            continue;
        if (lstat(inside, &file) != 0)
            problem = errno == ENOENT ? problem : errno; /* another process removed it meanwhile */
        else if (folder_has_kind(entries, file.st_mode))
            each(entry->d_name, context);
    }
    closedir(folder);
    return problem;
}

static int folder_make_one(const char *path)
{
    char above[STORED_PATH_MAX];
    if (mkdir(path, 0700) != 0)
        return errno == EEXIST ? 0 : errno;
    if (snprintf(above, sizeof(above), "%s", path) >= (int)sizeof(above))
        return ENAMETOOLONG;
    char *slash = strrchr(above, '/');
    if (slash == NULL || slash == above)
        return 0;
    *slash = '\0';
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0)
        return errno;
    int problem = stored_give(descriptor, path);
    close(descriptor);
    return problem != 0 ? problem : stored_sync_folder(above);
}

int folder_make(const char *path)
{
    char above[STORED_PATH_MAX];
    if (snprintf(above, sizeof(above), "%s", path) >= (int)sizeof(above))
        return ENAMETOOLONG;
    char *slash = strrchr(above, '/');
    if (slash != NULL && slash != above) {
        *slash = '\0';
        int problem = folder_make_one(above);
        if (problem != 0)
            return problem;
    }
    return folder_make_one(path);
}
