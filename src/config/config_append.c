/* SPDX-License-Identifier: Apache-2.0 */
/* Adds lines to an existing sealring.conf, or replaces lines of it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "config/config_keys.h"

static bool is_left_out(const char *line, const char *const *without)
{
    const char *name = line + strspn(line, " \t");
    for (; without != NULL && *without != NULL; without++) {
        size_t length = strlen(*without);
        const char *rest = name + length;
        if (strncmp(name, *without, length) == 0 && rest[strspn(rest, " \t")] == '=')
            return true;
    }
    return false;
}

static bool copy_lines(FILE *from, int to, const char *const *without)
{
    char *line = NULL;
    size_t size = 0;
    bool good = true;
    for (ssize_t length; good && (length = getline(&line, &size, from)) > 0;)
        if (!is_left_out(line, without))
            good = write(to, line, (size_t)length) == length && (line[length - 1] == '\n' || write(to, "\n", 1) == 1);
    free(line);
    return good && !ferror(from);
}

static bool copy_and_add(FILE *from, int to, const char *lines, const char *const *without)
{
    struct stat before;
    return fstat(fileno(from), &before) == 0 && copy_lines(from, to, without) && dprintf(to, "%s", lines) > 0 &&
           fchown(to, before.st_uid, before.st_gid) == 0 && fchmod(to, before.st_mode & 07777) == 0 && fsync(to) == 0;
}

sealring_status config_append(const struct config *config, const char *lines, const char *const *without,
                              sealring_error *error)
{
    char path[PATH_MAX + 32], temporary[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/" CONFIG_FILE, config->directory);
    snprintf(temporary, sizeof temporary, "%s/" CONFIG_FILE ".new", config->directory);
    sealring_status status = SEALRING_OK;
    FILE *from = fopen(path, "re");
    (void)unlink(temporary); /* of a command that was interrupted */
    int to = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (from == NULL || to < 0 || !copy_and_add(from, to, lines, without) || rename(temporary, path) != 0 ||
        file_sync_directory(config->directory) != 0)
        status = error_set_system(error, errno, "%s cannot be written", path);
    if (from != NULL)
        fclose(from);
    if (to >= 0)
        close(to);
    if (to >= 0 && status != SEALRING_OK)
        unlink(temporary);
    return status;
}
