/* SPDX-License-Identifier: Apache-2.0 */
/* The public keys with which alerts are signed, in a file as GitHub publishes them. */
#ifndef GATEWAY_DAEMON_ALERT_KEYS_H
#define GATEWAY_DAEMON_ALERT_KEYS_H

#include <stdbool.h>
#include <stddef.h>

enum alert_key_bounds { ALERT_KEYS_SIZE_MAX = 64 * 1024, ALERT_KEYS_MAX = 32 };

/* Checks a list of keys: {"public_keys": [{"key_identifier", "key", …}]}, 1 to ALERT_KEYS_MAX, each another identifier and a key of P-256 in PEM.
 * NULL, or what is wrong (static). Pure. */
const char *alert_keys_check(const char *text, size_t length);

/* Whether `signature` (base 64 of DER, ECDSA with SHA-256) is that of the bytes by the listed key of this identifier. What is wrong with the list
 * makes it false. Pure. */
bool alert_keys_verify(const char *text, size_t length, const char *identifier, const char *signature,
                       const void *bytes, size_t size);

/* Reads such a file, which nobody but its owner may be able to write, into new memory. NULL: *problem (static, or of strerror). */
char *alert_keys_read(const char *path, size_t *length, const char **problem);

/* Replaces the file by the list on standard input, if that is a good one. Otherwise the file stays as it is, and *problem. */
bool alert_keys_replace(const char *path, const char **problem);

#endif
