/* SPDX-License-Identifier: Apache-2.0 */
/* The folders that a software token and its copies are in. */
#include "softhsm/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "softhsm/stored.h"

void folder_each(const char *path, enum folder_entries entries, void (*each)(const char *name, void *context),
                 void *context)
{
    char inside[STORED_PATH_MAX];
    struct stat file;
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return;
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] == '.' ||
            snprintf(inside, sizeof(inside), "%s/%s", path, entry->d_name) >= (int)sizeof(inside) ||
            lstat(inside, &file) != 0) {
            continue;
        }
        if (entries == FOLDER_DIRECTORIES ? S_ISDIR(file.st_mode) : S_ISREG(file.st_mode)) {
            each(entry->d_name, context);
        }
    }
    closedir(folder);
}

static int folder_make_one(const char *path)
{
    char above[STORED_PATH_MAX];
    if (mkdir(path, 0700) != 0) {
        return errno == EEXIST ? 0 : errno;
    }
    if (snprintf(above, sizeof(above), "%s", path) >= (int)sizeof(above)) {
        return ENAMETOOLONG;
    }
    char *slash = strrchr(above, '/');
    if (slash == NULL || slash == above) {
        return 0;
    }
    *slash = '\0';
    return stored_sync_folder(above);
}

int folder_make(const char *path)
{
    char above[STORED_PATH_MAX];
    if (snprintf(above, sizeof(above), "%s", path) >= (int)sizeof(above)) {
        return ENAMETOOLONG;
    }
    char *slash = strrchr(above, '/');
    if (slash != NULL && slash != above) {
        *slash = '\0';
        int problem = folder_make_one(above);
        if (problem != 0) {
            return problem;
        }
    }
    return folder_make_one(path);
}
