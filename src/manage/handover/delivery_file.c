/* SPDX-License-Identifier: Apache-2.0 */
/* Writes one delivery into a directory: complete or not there at all, readable by its owner only. */
#include "manage/handover/delivery_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define TEMPORARY ".sealring-delivery" /* one process at a time writes here: the lock of the deliveries */

static bool write_whole(int file, const void *bytes, size_t length)
{
    const char *rest = bytes;
    while (length > 0) {
        ssize_t count = write(file, rest, length);
        if (count < 0 && errno != EINTR)
            return false;
        rest += count > 0 ? count : 0;
        length -= count > 0 ? (size_t)count : 0;
    }
    return true;
}

sealring_status delivery_file_write(const char *directory, const char *name, const void *bytes, size_t length,
                                    sealring_error *error)
{
    int file = -1, folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool written = false;
    if (folder >= 0 && (unlinkat(folder, TEMPORARY, 0) == 0 || errno == ENOENT)) /* of a process that was killed */
        file = openat(folder, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    written = file >= 0 && write_whole(file, bytes, length) && fsync(file) == 0 &&
              renameat(folder, TEMPORARY, folder, name) == 0 && fsync(folder) == 0;
    sealring_status status =
        written ? SEALRING_OK : error_set_system(error, errno, "%s/%s cannot be written", directory, name);
    if (file >= 0)
        close(file);
    if (folder >= 0)
        close(folder);
    return status;
}
