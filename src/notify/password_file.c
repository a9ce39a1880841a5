/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the password of the mail server from its file. */
#include "notify/password_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

/* Not through stdio, which would keep a copy. */
static sealring_status read_first_line(int descriptor, const char *path, char password[PASSWORD_SIZE],
                                       sealring_error *error)
{
    struct stat file;
    if (fstat(descriptor, &file) != 0)
        return error_set_system(error, errno, "%s cannot be examined", path);
    if (!S_ISREG(file.st_mode))
        return error_set(error, SEALRING_INVALID, "%s is no regular file", path);
    if ((file.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return error_set(error, SEALRING_INVALID, "%s can be used by its group or by others: chmod 600 it", path);
    ssize_t length = read(descriptor, password, PASSWORD_SIZE - 1);
    if (length < 0)
        return error_set_system(error, errno, "%s cannot be read", path);
    password[length] = '\0';
    size_t end = strcspn(password, "\r\n");
    if (end == 0 || end == PASSWORD_SIZE - 1)
        return error_set(error, SEALRING_INVALID, "the first line of %s is empty, or longer than 254 bytes", path);
    password[end] = '\0';
    return SEALRING_OK;
}

sealring_status password_file_read(const char *path, char password[PASSWORD_SIZE], sealring_error *error)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (descriptor < 0)
        return error_set_system(error, errno, "the password of the mail server, %s, cannot be opened", path);
    sealring_status status = read_first_line(descriptor, path, password, error);
    close(descriptor);
    return status;
}
