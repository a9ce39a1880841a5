/* SPDX-License-Identifier: Apache-2.0 */
/* The user PIN: read from a file, with its checks and its identity, or asked for. */
#ifndef TOKEN_PIN_H
#define TOKEN_PIN_H

#include <stddef.h>

#include <sealring/manage.h>

#define PIN_LENGTH_MAX    (SEALRING_PIN_SIZE - 1)
#define PIN_IDENTITY_SIZE 160

struct pin {
    char *bytes; /* in secret memory */
    size_t length;
    /* By which a refused PIN is remembered, nothing of the PIN. Of a file: device, inode, size, modification and change time, which tell
     * that it changed. Of a credential: its name alone, as systemd makes the file anew at every start, and a unit that restarts
     * would try the wrong PIN each time. Of what was typed: "", it is not remembered. */
    char identity[PIN_IDENTITY_SIZE];
};

/* Reads the PIN of a pin-source that is a file or a credential, one trailing newline dropped. The file behind a symbolic link will do
 * (secret stores publish files so): what is checked is the open file itself. Regular, no permission for group or others, 1 to
 * 256 bytes. Of a credential the group's bits may say what systemd's access control list lets the unit's user do.
 * SEALRING_TOKEN. */
sealring_status pin_read(const char *source, struct pin *pin, sealring_error *error);

/* Has the callback ask for it; NULL: there is nobody to be asked. token: its URI, for the question. SEALRING_TOKEN. */
sealring_status pin_ask(const char *token, sealring_pin_callback ask, void *context, struct pin *pin,
                        sealring_error *error);

/* Wipes and releases. */
void pin_free(struct pin *pin);

#endif
