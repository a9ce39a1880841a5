/* SPDX-License-Identifier: Apache-2.0 */
/* Adds lines to an existing sealring.conf. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "config/config_keys.h"

static bool copy_and_add(int from, int to, const char *lines)
{
    struct stat before;
    return fstat(from, &before) == 0 && sendfile(to, from, NULL, (size_t)before.st_size) == before.st_size &&
           dprintf(to, "%s", lines) > 0 && fchown(to, before.st_uid, before.st_gid) == 0 &&
           fchmod(to, before.st_mode & 07777) == 0 && fsync(to) == 0;
}

sealring_status config_append(const struct config *config, const char *lines, sealring_error *error)
{
    char path[PATH_MAX + 32], temporary[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/" CONFIG_FILE, config->directory);
    snprintf(temporary, sizeof temporary, "%s/" CONFIG_FILE ".new", config->directory);
    sealring_status status = SEALRING_OK;
    int from = open(path, O_RDONLY | O_CLOEXEC);
    (void)unlink(temporary); /* of a command that was interrupted */
    int to = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (from < 0 || to < 0 || !copy_and_add(from, to, lines) || rename(temporary, path) != 0 ||
        file_sync_directory(config->directory) != 0)
        status = error_set_system(error, errno, "%s cannot be written", path);
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    if (to >= 0 && status != SEALRING_OK)
        unlink(temporary);
    return status;
}
