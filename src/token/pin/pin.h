/* SPDX-License-Identifier: Apache-2.0 */
/* The user PIN: read from a file, or asked for, and checked. */
#ifndef TOKEN_PIN_PIN_H
#define TOKEN_PIN_PIN_H

#include <stddef.h>

#include <sealring/manage.h>

#define PIN_LENGTH_MAX (SEALRING_PIN_SIZE - 1)

struct pin {
    char *bytes; /* in secret memory */
    size_t length;
};

/* Reads the PIN of a pin-source that is a file or a credential: the first line, without LF or CR LF; what follows is not looked at. The
 * file behind a symbolic link will do (secret stores publish files so): what is checked is the open file itself. Regular, no permission for
 * group or others; 1 to 256 bytes without control characters, so that no token counts a try with what cannot be a PIN. Of a credential
 * the group's bits may say what systemd's access control list lets the unit's user do. SEALRING_TOKEN. */
sealring_status pin_read(const char *source, struct pin *pin, sealring_error *error);

/* Has the callback ask for it, and checks it likewise; NULL: there is nobody to be asked. token: its URI, for the question.
 * SEALRING_TOKEN. */
sealring_status pin_ask(const char *token, sealring_pin_callback ask, void *context, struct pin *pin,
                        sealring_error *error);

/* Wipes and releases. */
void pin_free(struct pin *pin);

#endif
