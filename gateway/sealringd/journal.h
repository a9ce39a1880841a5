/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for the operator: lines on standard error, with systemd's priorities where its journal reads them. */
#ifndef GATEWAY_SEALRINGD_JOURNAL_H
#define GATEWAY_SEALRINGD_JOURNAL_H

#include <sealring/verify.h>

enum journal_level {
    JOURNAL_INFORMATION = SEALRING_LOG_INFORMATION,
    JOURNAL_WARNING = SEALRING_LOG_WARNING,
    JOURNAL_ALARM = SEALRING_LOG_ALARM,
    JOURNAL_ERROR /* the process ends because of it */
};

/* One line, written at once. Any thread. */
__attribute__((format(printf, 2, 3))) void journal_write(enum journal_level level, const char *format, ...);

/* A sealring_log_callback. */
void journal_message(sealring_log_level level, const char *message, void *context);

#endif
