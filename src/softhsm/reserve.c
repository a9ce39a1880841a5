/* SPDX-License-Identifier: Apache-2.0 */
/* Space that is kept for repairs on a full disk. Only within separate_run. */
#include "softhsm/reserve.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "softhsm/stored.h"

#define RESERVE_BLOCK 512 /* the unit of st_blocks */

static bool reserve_path(const char *folder, char path[STORED_PATH_MAX])
{
    return snprintf(path, STORED_PATH_MAX, "%s/" RESERVE_FILE, folder) < (int)STORED_PATH_MAX;
}

void reserve_make(const char *folder)
{
    char path[STORED_PATH_MAX];
    struct stat file;
    if (!reserve_path(folder, path) ||
        (stat(path, &file) == 0 && file.st_size == RESERVE_SIZE && file.st_blocks >= RESERVE_SIZE / RESERVE_BLOCK)) {
        return;
    }
    int descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) {
        return;
    }
    if (posix_fallocate(descriptor, 0, RESERVE_SIZE) != 0) {
        (void)!ftruncate(descriptor, 0);
    }
    close(descriptor);
}

bool reserve_release(const char *folder)
{
    char path[STORED_PATH_MAX];
    struct stat file;
    return reserve_path(folder, path) && stat(path, &file) == 0 && file.st_size > 0 && truncate(path, 0) == 0;
}
