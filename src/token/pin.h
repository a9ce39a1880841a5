/* SPDX-License-Identifier: Apache-2.0 */
/* The file with the user PIN: its checks, its content, its identity. */
#ifndef TOKEN_PIN_H
#define TOKEN_PIN_H

#include <stddef.h>

#include <sealring/verify.h>

#define PIN_LENGTH_MAX    256
#define PIN_IDENTITY_SIZE 160

struct pin {
    char *bytes; /* in secret memory */
    size_t length;
    /* Device, inode, size, modification and change time as text: tells that the file changed, and nothing of the
     * PIN. */
    char identity[PIN_IDENTITY_SIZE];
};

/* Reads the PIN, one trailing newline dropped. The file behind a symbolic link will do (secret stores publish files
 * so): what is checked is the open file itself. Regular, no permission for group or others, 1 to 256 bytes.
 * SEALRING_TOKEN. */
sealring_status pin_read(const char *path, struct pin *pin, sealring_error *error);

/* Wipes and releases. */
void pin_free(struct pin *pin);

#endif
