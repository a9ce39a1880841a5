/* SPDX-License-Identifier: Apache-2.0 */
/* The user PIN: read from a file, with its checks and its identity, or asked for. */
#include "token/pin.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/error.h"
#include "base/secret.h"
#include "token/pin_source.h"

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

/* The access control list as the kernel hands it out (linux/posix_acl_xattr.h), little-endian. */
struct pin_acl {
    uint32_t version;
    struct {
        uint16_t tag;
        uint16_t permissions;
        uint32_t id;
    } entries[16];
};

enum { ACL_HEAD = 4, ACL_ENTRY = 8, ACL_GROUP_OBJ = 0x04, ACL_GROUP = 0x08 };

/* With an access control list, the mode's group bits are the most that any entry gives, and no group's: systemd gives the unit's user the
 * right to read its credential so. */
static bool pin_group_has_none(int descriptor)
{
    struct pin_acl acl;
    ssize_t size = fgetxattr(descriptor, "system.posix_acl_access", &acl, sizeof acl);
    if (size < ACL_HEAD || (size - ACL_HEAD) % ACL_ENTRY != 0 || le32toh(acl.version) != 2) {
        return false;
    }
    for (size_t i = 0; i < (size_t)(size - ACL_HEAD) / ACL_ENTRY; i++) {
        uint16_t tag = le16toh(acl.entries[i].tag);
        if ((tag == ACL_GROUP_OBJ || tag == ACL_GROUP) && acl.entries[i].permissions != 0) {
            return false;
        }
    }
    return true;
}

static sealring_status pin_check_file(const char *path, int descriptor, bool credential, const struct stat *file,
                                      sealring_error *error)
{
    if (!S_ISREG(file->st_mode)) {
        return error_set_token(error, 0, "the PIN file %s is no regular file", path);
    }
    mode_t others = file->st_mode & (S_IRWXG | S_IRWXO);
    if (credential && others == S_IRGRP && pin_group_has_none(descriptor)) {
        others = 0;
    }
    if (others != 0) {
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

static sealring_status pin_read_file(const char *path, bool credential, struct pin *pin, sealring_error *error)
{
    struct stat before, after;
    char identity[PIN_IDENTITY_SIZE];
    sealring_status status;

    /* O_NONBLOCK: a FIFO put there must not stop the server. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) {
        return pin_fail_system(error, path, "opened", errno);
    }
    if (fstat(descriptor, &before) != 0) {
        status = pin_fail_system(error, path, "examined", errno);
        goto cleanup;
    }
    status = pin_check_file(path, descriptor, credential, &before, error);
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

sealring_status pin_read(const char *source, struct pin *pin, sealring_error *error)
{
    char path[PATH_MAX];
    memset(pin, 0, sizeof(*pin));
    if (pin_source_of(source) != PIN_SOURCE_CREDENTIAL) {
        return pin_read_file(source, false, pin, error);
    }
    sealring_status status = pin_source_path(source, path, error);
    if (status == SEALRING_OK) {
        status = pin_read_file(path, true, pin, error);
    }
    if (status == SEALRING_OK) {
        (void)snprintf(pin->identity, sizeof(pin->identity), "%s", source);
    }
    return status;
}

sealring_status pin_ask(const char *token, sealring_pin_callback ask, void *context, struct pin *pin,
                        sealring_error *error)
{
    memset(pin, 0, sizeof(*pin));
    if (ask == NULL) {
        return error_set_token(error, 0,
                               "the PIN of the PKCS#11 token %.200s is asked for at a terminal (pin-source), which a "
                               "server has none of: name a file, or a credential of its unit",
                               token);
    }
    pin->bytes = secret_allocate(PIN_BUFFER_SIZE);
    if (pin->bytes == NULL) {
        return error_no_memory(error);
    }
    if (ask(token, pin->bytes, context) != 0) {
        pin_free(pin);
        return error_set_token(error, 0,
                               "the PIN of the PKCS#11 token %.200s was not given: it is asked for at a terminal "
                               "(pin-source); without one, name a file",
                               token);
    }
    pin->bytes[PIN_LENGTH_MAX] = '\0';
    pin->length = strlen(pin->bytes);
    return SEALRING_OK;
}

void pin_free(struct pin *pin)
{
    secret_free(pin->bytes, PIN_BUFFER_SIZE);
    pin->bytes = NULL;
    pin->length = 0;
}
