/* SPDX-License-Identifier: Apache-2.0 */
/* Fills the caller's sealring_error: one line that states what happened, to which object, and what to do. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

#include <sealring/verify.h>

/* Each writes the message (at most SEALRING_MESSAGE_SIZE: of a longer one the middle is left out; control characters replaced by '?') unless error is NULL, and returns
 * `status`, so that a failure is written `return error_set(...)`. Never pass anything secret. */
sealring_status error_set(sealring_error *error, sealring_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
sealring_status error_set_list(sealring_error *error, sealring_status status, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
sealring_status error_set_system(sealring_error *error, int system_errno, const char *format, ...)
    __attribute__((format(printf, 3, 4))); /* SEALRING_SYSTEM; ": strerror" is appended */
sealring_status error_set_token(sealring_error *error, unsigned long token_code, const char *format, ...)
    __attribute__((format(printf, 3, 4))); /* SEALRING_TOKEN */
sealring_status error_set_registry(sealring_error *error, int registry_code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));              /* SEALRING_REGISTRY */
sealring_status error_no_memory(sealring_error *error); /* SEALRING_SYSTEM, ENOMEM */

/* Returns whether this process had no memory or no file descriptors left, which is no evidence about the object it was working on. */
bool error_is_exhaustion(const sealring_error *error);

#endif
