/* SPDX-License-Identifier: Apache-2.0 */
/* The user PIN: reads it from a file or asks for it, and checks it. */
#ifndef TOKEN_PIN_PIN_H
#define TOKEN_PIN_PIN_H

#include <stddef.h>

#include <sealring/manage.h>

#define PIN_LENGTH_MAX (SEALRING_PIN_SIZE - 1)

struct pin {
    char *bytes; /* in secret memory */
    size_t length;
};

/* Reads the PIN from a pin-source that is a file or a credential: the first line, without LF or CR LF; the rest is ignored. A symbolic
 * link is followed (secret stores publish files so); the checks apply to the open file. It must be a regular file without permissions
 * for group or others, and contain 1 to 256 bytes without control characters, so that no token counts a try with a text that cannot be
 * a PIN. A credential may have group bits if they come from systemd's access control list for the unit's user. SEALRING_TOKEN. */
sealring_status pin_read(const char *source, struct pin *pin, sealring_error *error);

/* Asks the callback for the PIN, and checks it likewise. ask NULL: the PIN cannot be asked for. token: its URI, for the question.
 * SEALRING_TOKEN. */
sealring_status pin_ask(const char *token, sealring_pin_callback ask, void *context, struct pin *pin,
                        sealring_error *error);

/* Copies a PIN that the program has, and checks it likewise, but all of it: it may contain no line end. SEALRING_INVALID. */
sealring_status pin_copy(const char *bytes, size_t length, struct pin *pin, sealring_error *error);

/* Locks its memory in this process, which may be a forked child of the one that made it. */
void pin_lock(const struct pin *pin);

/* Wipes and releases. */
void pin_free(struct pin *pin);

#endif
