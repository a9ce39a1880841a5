/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for the operator: lines on standard error, with systemd's priorities where its journal reads them. */
#ifndef GATEWAY_SEALRINGD_JOURNAL_H
#define GATEWAY_SEALRINGD_JOURNAL_H

#include <sealring/verify.h>

/* One line, written at once. Any thread. */
__attribute__((format(printf, 2, 3))) void journal_write(sealring_log_level level, const char *format, ...);

/* A sealring_log_callback. */
void journal_message(sealring_log_level level, const char *message, void *context);

#endif
