/* SPDX-License-Identifier: Apache-2.0 */
/* The user PIN: reads it from a file, with checks, or asks for it. */
#include "token/pin/pin.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/error.h"
#include "base/secret.h"
#include "token/pin/pin_source.h"

#define PIN_BUFFER_SIZE (PIN_LENGTH_MAX + 2) /* one byte more for a CR LF, or two to detect a longer PIN */

static bool pin_has_control(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)bytes[i] < 0x20 || (unsigned char)bytes[i] == 0x7f)
            return true;
    return false;
}

/* Takes the first line, without LF or CR LF. Returns why that cannot be a PIN, as the end of a sentence; NULL: no problem. The token must
 * not count a try with a text that cannot be its PIN. */
static const char *pin_take_line(struct pin *pin)
{
    static const char byte_order_mark[] = {'\xef', '\xbb', '\xbf'};
    const char *end = memchr(pin->bytes, '\n', pin->length);
    if (end != NULL)
        pin->length = (size_t)(end - pin->bytes);
    if (pin->length > 0 && pin->bytes[pin->length - 1] == '\r')
        pin->length--;
    if (pin->length == 0)
        return "has no PIN in its first line";
    if (pin->length > PIN_LENGTH_MAX)
        return "is longer than 256 bytes in its first line";
    if (pin->length >= sizeof byte_order_mark && memcmp(pin->bytes, byte_order_mark, sizeof byte_order_mark) == 0)
        return "begins with a byte order mark, which no PIN does: write it as plain text";
    return pin_has_control(pin->bytes, pin->length)
               ? "has a control character in its first line, which no PIN has: write the PIN alone into that line"
               : NULL;
}

static sealring_status pin_fail_system(sealring_error *error, const char *path, const char *what, int system_errno)
{
    error_set_token(error, 0, "the PIN file %s cannot be %s: %s", path, what, strerror(system_errno));
    if (error != NULL)
        error->system_errno = system_errno;
    return SEALRING_TOKEN;
}

/* With an access control list, the mode's group bits are the maximum for all entries, and not the group's permissions. This is how
 * systemd permits the unit's user to read its credential. */
static bool pin_group_has_none(int descriptor)
{
    struct {
        struct posix_acl_xattr_header head;
        struct posix_acl_xattr_entry entries[16];
    } acl; /* little-endian */
    ssize_t size = fgetxattr(descriptor, "system.posix_acl_access", &acl, sizeof acl) - (ssize_t)sizeof acl.head;
    if (size < 0 || (size_t)size % sizeof acl.entries[0] != 0 || le32toh(acl.head.a_version) != POSIX_ACL_XATTR_VERSION)
        return false;
    for (size_t i = 0; i < (size_t)size / sizeof acl.entries[0]; i++) {
        uint16_t tag = le16toh(acl.entries[i].e_tag);
        if ((tag == ACL_GROUP_OBJ || tag == ACL_GROUP) && acl.entries[i].e_perm != 0)
            return false;
    }
    return true;
}

static sealring_status pin_check_file(const char *path, int descriptor, bool credential, const struct stat *file,
                                      sealring_error *error)
{
    if (!S_ISREG(file->st_mode))
        return error_set_token(error, 0, "the PIN file %s is no regular file", path);
    mode_t others = file->st_mode & (S_IRWXG | S_IRWXO);
    if (credential && others == S_IRGRP && pin_group_has_none(descriptor))
        others = 0;
    if (others != 0) {
        return error_set_token(error, 0, "the PIN file %s can be used by its group or others: chmod 600 it, or 400",
                               path);
    }
    if (file->st_size == 0)
        return error_set_token(error, 0, "the PIN file %s is empty", path);
    return SEALRING_OK;
}

static sealring_status pin_read_bytes(const char *path, int descriptor, struct pin *pin, sealring_error *error)
{
    while (pin->length < PIN_BUFFER_SIZE) {
        ssize_t got = read(descriptor, pin->bytes + pin->length, PIN_BUFFER_SIZE - pin->length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return pin_fail_system(error, path, "read", errno);
        if (got == 0)
            break;
        pin->length += (size_t)got;
    }
    const char *problem = pin_take_line(pin);
    return problem == NULL ? SEALRING_OK : error_set_token(error, 0, "the PIN file %s %s", path, problem);
}

/* Returns whether another process wrote or replaced the file meanwhile, so that a part of a PIN may have been read. */
static bool pin_file_changed(const struct stat *before, const struct stat *after)
{
    return before->st_size != after->st_size ||
           memcmp(&before->st_mtim, &after->st_mtim, sizeof(before->st_mtim)) != 0 ||
           memcmp(&before->st_ctim, &after->st_ctim, sizeof(before->st_ctim)) != 0;
}

/* Reads the PIN from an open file. */
static sealring_status pin_read_open(const char *path, int descriptor, bool credential, struct pin *pin,
                                     sealring_error *error)
{
    struct stat before, after;
    if (fstat(descriptor, &before) != 0)
        return pin_fail_system(error, path, "examined", errno);
    sealring_status status = pin_check_file(path, descriptor, credential, &before, error);
    if (status != SEALRING_OK)
        return status;
    pin->bytes = secret_allocate(PIN_BUFFER_SIZE);
    if (pin->bytes == NULL)
        return error_no_memory(error);
    status = pin_read_bytes(path, descriptor, pin, error);
    if (status != SEALRING_OK)
        return status;
    if (fstat(descriptor, &after) != 0)
        return pin_fail_system(error, path, "examined", errno);
    if (pin_file_changed(&before, &after))
        return error_set_token(error, 0, "the PIN file %s changed while it was read: try again", path);
    return SEALRING_OK;
}

sealring_status pin_read(const char *source, struct pin *pin, sealring_error *error)
{
    char path[PATH_MAX];
    bool credential = pin_source_of(source) == PIN_SOURCE_CREDENTIAL;
    memset(pin, 0, sizeof(*pin));
    sealring_status status = credential ? pin_source_path(source, path, error) : SEALRING_OK;
    if (status != SEALRING_OK)
        return status;
    const char *file = credential ? path : source;
    /* O_NONBLOCK: a FIFO in its place must not block the server. */
    int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0)
        return pin_fail_system(error, file, "opened", errno);
    status = pin_read_open(file, descriptor, credential, pin, error);
    close(descriptor);
    if (status != SEALRING_OK)
        pin_free(pin);
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
    if (pin->bytes == NULL)
        return error_no_memory(error);
    if (ask(token, pin->bytes, context) != 0) {
        pin_free(pin);
        return error_set_token(error, 0,
                               "the PIN of the PKCS#11 token %.200s was not given: it is asked for at a terminal "
                               "(pin-source); without one, name a file",
                               token);
    }
    pin->length = strnlen(pin->bytes, SEALRING_PIN_SIZE); /* no NUL at all: too long */
    const char *problem = pin_take_line(pin);
    if (problem == NULL)
        return SEALRING_OK;
    pin_free(pin);
    return error_set_token(error, 0, "what was typed as the PIN of the PKCS#11 token %.200s %s", token, problem);
}

sealring_status pin_copy(const char *bytes, size_t length, struct pin *pin, sealring_error *error)
{
    const char *problem = NULL;
    memset(pin, 0, sizeof(*pin));
    if (bytes == NULL || length == 0)
        problem = "is empty";
    else if (length > PIN_LENGTH_MAX)
        problem = "is longer than 256 bytes";
    else if (pin_has_control(bytes, length))
        problem = "has a control character, such as a line end, which no PIN has";
    if (problem != NULL)
        return error_set(error, SEALRING_INVALID, "the PIN that the program passes %s", problem);
    pin->bytes = secret_allocate(PIN_BUFFER_SIZE);
    if (pin->bytes == NULL)
        return error_no_memory(error);
    memcpy(pin->bytes, bytes, length);
    pin->length = length;
    return SEALRING_OK;
}

void pin_lock(const struct pin *pin)
{
    secret_lock(pin->bytes, PIN_BUFFER_SIZE);
}

void pin_free(struct pin *pin)
{
    secret_free(pin->bytes, PIN_BUFFER_SIZE);
    pin->bytes = NULL;
    pin->length = 0;
}
