/* SPDX-License-Identifier: Apache-2.0 */
/* The file with the user PIN: its checks, its content, its identity. */
#include "token/pin.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/secret.h"

#define PIN_BUFFER_SIZE (PIN_LENGTH_MAX + 2) /* a newline, and one byte to notice what is too long */

static void pin_write_identity(const struct stat *file, char identity[PIN_IDENTITY_SIZE])
{
    snprintf(identity, PIN_IDENTITY_SIZE, "%ju %ju %jd %jd.%09ld %jd.%09ld", (uintmax_t)file->st_dev,
             (uintmax_t)file->st_ino, (intmax_t)file->st_size, (intmax_t)file->st_mtim.tv_sec, file->st_mtim.tv_nsec,
             (intmax_t)file->st_ctim.tv_sec, file->st_ctim.tv_nsec);
}

static sealring_status pin_fail_system(sealring_error *error, const char *path, const char *what, int system_errno)
{
    error_set_token(error, 0, "the PIN file %s cannot be %s: %s", path, what, strerror(system_errno));
    if (error != NULL) {
        error->system_errno = system_errno;
    }
    return SEALRING_TOKEN;
}

static sealring_status pin_check_file(const char *path, const struct stat *file, sealring_error *error)
{
    if (!S_ISREG(file->st_mode)) {
        return error_set_token(error, 0, "the PIN file %s is no regular file", path);
    }
    if (file->st_mode & (S_IRWXG | S_IRWXO)) {
        return error_set_token(error, 0, "the PIN file %s can be used by its group or others: chmod 600 it, or 400",
                               path);
    }
    if (file->st_size == 0) {
        return error_set_token(error, 0, "the PIN file %s is empty", path);
    }
    if (file->st_size > PIN_LENGTH_MAX + 1) {
        return error_set_token(error, 0, "the PIN file %s is longer than %d bytes", path, PIN_LENGTH_MAX);
    }
    return SEALRING_OK;
}

static sealring_status pin_read_bytes(const char *path, int descriptor, struct pin *pin, sealring_error *error)
{
    while (pin->length < PIN_BUFFER_SIZE) {
        ssize_t got = read(descriptor, pin->bytes + pin->length, PIN_BUFFER_SIZE - pin->length);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return pin_fail_system(error, path, "read", errno);
        }
        if (got == 0) {
            break;
        }
        pin->length += (size_t)got;
    }
    if (pin->length > 0 && pin->bytes[pin->length - 1] == '\n') {
        pin->length--;
    }
    if (pin->length == 0) {
        return error_set_token(error, 0, "the PIN file %s has no PIN in its first line", path);
    }
    if (pin->length > PIN_LENGTH_MAX) {
        return error_set_token(error, 0, "the PIN file %s is longer than %d bytes", path, PIN_LENGTH_MAX);
    }
    return SEALRING_OK;
}

sealring_status pin_read(const char *path, struct pin *pin, sealring_error *error)
{
    struct stat before, after;
    char identity[PIN_IDENTITY_SIZE];
    sealring_status status;

    memset(pin, 0, sizeof(*pin));
    /* O_NONBLOCK: a FIFO put there must not stop the server. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) {
        return pin_fail_system(error, path, "opened", errno);
    }
    if (fstat(descriptor, &before) != 0) {
        status = pin_fail_system(error, path, "examined", errno);
        goto cleanup;
    }
    status = pin_check_file(path, &before, error);
    if (status != SEALRING_OK) {
        goto cleanup;
    }
    pin->bytes = secret_allocate(PIN_BUFFER_SIZE);
    if (pin->bytes == NULL) {
        status = error_no_memory(error);
        goto cleanup;
    }
    status = pin_read_bytes(path, descriptor, pin, error);
    if (status != SEALRING_OK) {
        goto cleanup;
    }
    if (fstat(descriptor, &after) != 0) {
        status = pin_fail_system(error, path, "examined", errno);
        goto cleanup;
    }
    pin_write_identity(&before, identity);
    pin_write_identity(&after, pin->identity);
    if (strcmp(identity, pin->identity) != 0) {
        status = error_set_token(error, 0, "the PIN file %s changed while it was read: try again", path);
    }
cleanup:
    close(descriptor);
    if (status != SEALRING_OK) {
        pin_free(pin);
    }
    return status;
}

void pin_free(struct pin *pin)
{
    secret_free(pin->bytes, PIN_BUFFER_SIZE);
    pin->bytes = NULL;
    pin->length = 0;
}
