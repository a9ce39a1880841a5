/* SPDX-License-Identifier: Apache-2.0 */
/* The messages about leaked credentials between sealringd and sealring-broker, behind the header of renewal_message.h. Pure. */
#ifndef GATEWAY_DAEMON_LEAK_MESSAGE_H
#define GATEWAY_DAEMON_LEAK_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/leaks.h>

/* LEAK: three texts without NUL, the credential, where it was found, and in what; each after its length (u16). LEAK_TAKEN: the result (u16), one of
 * sealring_leak_result. */
enum leak_message_sizes {
    LEAK_REPORT_MAX = 3 * 2 + SEALRING_CREDENTIAL_LENGTH_MAX + SEALRING_LEAK_URL_MAX + SEALRING_LEAK_SOURCE_MAX,
    LEAK_TAKEN_SIZE = 2
};

struct leak_report {
    char credential[SEALRING_CREDENTIAL_LENGTH_MAX + 1]; /* at least one byte */
    char url[SEALRING_LEAK_URL_MAX + 1];
    char source[SEALRING_LEAK_SOURCE_MAX + 1];
};

/* Fills it; url and source are cut to what fits. */
void leak_report_set(struct leak_report *report, const char *credential, const char *url, const char *source);

/* Writes the report behind the header. Returns its size. */
size_t leak_report_write(const struct leak_report *report, uint8_t bytes[LEAK_REPORT_MAX]);

/* Reads what is behind the header. False: it is malformed in any way. */
bool leak_report_read(const uint8_t *bytes, size_t size, struct leak_report *report);

#endif
