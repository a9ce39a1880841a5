/* SPDX-License-Identifier: Apache-2.0 */
/* The folders of a software token and its copies. */
#include "softhsm/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "softhsm/stored.h"

struct folder folder_open(const char *path, mode_t kind)
{
    struct folder folder = {.stream = opendir(path), .kind = kind};
    if (folder.stream == NULL && errno != ENOENT)
        folder.problem = errno;
    return folder;
}

const char *folder_next(struct folder *folder)
{
    struct stat file;
    while (folder->stream != NULL) {
        errno = 0;
        const struct dirent *entry = readdir(folder->stream);
        if (entry == NULL) {
            folder->problem = errno != 0 ? errno : folder->problem;
            closedir(folder->stream);
            folder->stream = NULL;
        } else if (entry->d_name[0] == '.') {
            continue;
        } else if (fstatat(dirfd(folder->stream), entry->d_name, &file, AT_SYMLINK_NOFOLLOW) != 0) {
            folder->problem = errno == ENOENT ? folder->problem : errno; /* another process removed it meanwhile */
        } else if (folder->kind == 0 || folder->kind == (file.st_mode & S_IFMT)) {
            return entry->d_name;
        }
    }
    return NULL;
}

static int folder_make_one(const char *path)
{
    char above[STORED_PATH_MAX];
    if (mkdir(path, 0700) != 0)
        return errno == EEXIST ? 0 : errno;
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0)
        return errno;
    int problem = stored_give(descriptor, path);
    close(descriptor);
    stored_above(path, above);
    return problem != 0 ? problem : stored_sync(above);
}

int folder_make(const char *path)
{
    char above[STORED_PATH_MAX];
    stored_above(path, above);
    int problem = folder_make_one(above);
    return problem != 0 ? problem : folder_make_one(path);
}
