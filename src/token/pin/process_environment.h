/* SPDX-License-Identifier: Apache-2.0 */
/* Properties of this process that can make a module refuse the right PIN. */
#ifndef TOKEN_PIN_PROCESS_ENVIRONMENT_H
#define TOKEN_PIN_PROCESS_ENVIRONMENT_H

#include <limits.h>
#include <stdint.h>

#include <p11-kit/pkcs11.h>

#include <sealring/verify.h>

#include "token/pin/pin_memory.h"

/* Checks that OpenSSL, as configured in this process, computes what a software module needs to check a PIN. If it does not, SoftHSM2
 * returns CKR_PIN_INCORRECT for the right PIN. SEALRING_TOKEN; name: the token's. */
sealring_status environment_check_openssl(const char *name, sealring_error *error);

/* The file from which OpenSSL reads its configuration; "" if that is not known. */
void environment_openssl_file(char path[PATH_MAX]);

/* Identifies this program, its OpenSSL configuration, the variables that affect loaders and modules, and the module's file. `function`:
 * one of the module's. */
void environment_mark(const void *function, uint8_t mark[PIN_MARK_SIZE]);

#endif
