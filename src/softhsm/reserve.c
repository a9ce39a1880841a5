/* SPDX-License-Identifier: Apache-2.0 */
/* Reserved space for repairs on a full disk. Only within separate_run. */
#include "softhsm/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "softhsm/stored.h"

#define RESERVE_BLOCK 512 /* the unit of st_blocks */

void reserve_make(const char *folder)
{
    char path[STORED_PATH_MAX];
    struct stat file;
    int descriptor;
    stored_path(folder, RESERVE_FILE, path);
    if ((lstat(path, &file) == 0 && S_ISREG(file.st_mode) && file.st_size == RESERVE_SIZE &&
         file.st_blocks >= RESERVE_SIZE / RESERVE_BLOCK) ||
        stored_open(path, O_WRONLY | O_CREAT, &descriptor) != 0)
        return;
    if (posix_fallocate(descriptor, 0, RESERVE_SIZE) != 0)
        (void)!ftruncate(descriptor, 0);
    close(descriptor);
}

/* The target of a link must not be truncated. */
bool reserve_helps(const char *folder, int problem)
{
    char path[STORED_PATH_MAX];
    struct stat file;
    int descriptor;
    stored_path(folder, RESERVE_FILE, path);
    if ((problem != ENOSPC && problem != EDQUOT) || stored_open(path, O_WRONLY, &descriptor) != 0)
        return false;
    bool released = fstat(descriptor, &file) == 0 && file.st_size > 0 && ftruncate(descriptor, 0) == 0;
    close(descriptor);
    return released;
}
