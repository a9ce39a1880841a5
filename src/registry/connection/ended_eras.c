/* SPDX-License-Identifier: Apache-2.0 */
/* The file vault.eras: the eras of a registry that a restore or a take-over has ended, by which an older copy is recognised. */
#include "registry/connection/ended_eras.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base62.h"
#include "base/error.h"
#include "base/file.h"

#define ERA_LINE   (2 * REGISTRY_ID_SIZE + 2)
#define OPEN_FLAGS (O_CLOEXEC | O_NOFOLLOW | O_NOCTTY)
#define READERS    (S_IRGRP | S_IROTH)

static void format(const uint8_t era[REGISTRY_ID_SIZE], char line[ERA_LINE])
{
    hex_encode(era, REGISTRY_ID_SIZE, line);
    memcpy(line + ERA_LINE - 2, "\n", 2);
}

sealring_status era_has_ended(const char *path, const uint8_t era[REGISTRY_ID_SIZE], bool *ended, sealring_error *error)
{
    char wanted[ERA_LINE], line[ERA_LINE];
    *ended = false;
    format(era, wanted);
    int descriptor = open(path, O_RDONLY | OPEN_FLAGS);
    if (descriptor < 0 && errno == ENOENT)
        return SEALRING_OK;
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "r");
    if (file == NULL)
        return error_set_system(error, errno, "%s cannot be read", path);
    while (!*ended && fgets(line, sizeof line, file) != NULL)
        *ended = strcmp(line, wanted) == 0;
    bool failed = ferror(file) != 0;
    fclose(file);
    return failed ? error_set(error, SEALRING_SYSTEM, "%s cannot be read", path) : SEALRING_OK;
}

/* A line that was not written whole is ended, so that the next one can be read. */
static bool add_line(int file, const char *line)
{
    off_t size = lseek(file, 0, SEEK_END);
    errno = ENOSPC; /* after a short write */
    return size >= 0 && (size % (ERA_LINE - 1) == 0 || write(file, "\n", 1) == 1) &&
           write(file, line, ERA_LINE - 1) == ERA_LINE - 1 && fsync(file) == 0;
}

sealring_status era_end(const char *path, const uint8_t era[REGISTRY_ID_SIZE], sealring_error *error)
{
    char line[ERA_LINE], directory[PATH_MAX];
    struct stat above;
    bool ended;
    sealring_status status = era_has_ended(path, era, &ended, error);
    if (status != SEALRING_OK || ended)
        return status;
    format(era, line);
    snprintf(directory, sizeof directory, "%.*s", (int)(strrchr(path, '/') - path), path);
    int file = open(path, O_RDWR | O_CREAT | O_APPEND | OPEN_FLAGS, 0600);
    bool done = file >= 0 && stat(directory, &above) == 0;
    if (done &&
        (geteuid() == 0 ? fchown(file, above.st_uid, above.st_gid) : fchown(file, (uid_t)-1, above.st_gid)) != 0)
        errno = 0; /* then fewer can read it */
    done = done && fchmod(file, S_IRUSR | S_IWUSR | (above.st_mode & READERS)) == 0 && add_line(file, line);
    int problem = errno;
    if (file >= 0)
        close(file);
    if (done)
        problem = file_sync_directory(directory);
    return done && problem == 0 ? SEALRING_OK : error_set_system(error, problem, "%s cannot be written", path);
}
