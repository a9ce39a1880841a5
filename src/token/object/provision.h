/* SPDX-License-Identifier: Apache-2.0 */
/* Provisions a new SoftHSM2-like token with its PINs through libp11. Never while token/session/token.h is in use. */
#ifndef TOKEN_OBJECT_PROVISION_H
#define TOKEN_OBJECT_PROVISION_H

#include <stddef.h>

#include <sealring/verify.h>

#define PROVISION_SERIAL_SIZE 17 /* CK_TOKEN_INFO.serialNumber, NUL included */

/* Initialises the token in the first uninitialised slot with label (at most 32 bytes), SO PIN and user PIN, and returns its serial
 * number. The libp11 context is unloaded before the function returns. Not thread-safe; SEALRING_REFUSED if this process has a module of
 * token/module/module.h loaded (libp11 always finalises). */
sealring_status provision_token(const char *module, const char *init_args, const char *label, const char *so_pin,
                                const char *user_pin, char serial[PROVISION_SERIAL_SIZE], sealring_error *error);

#endif
