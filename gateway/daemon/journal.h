/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for the operator: lines on standard error, with systemd's priorities where its journal reads them. */
#ifndef GATEWAY_DAEMON_JOURNAL_H
#define GATEWAY_DAEMON_JOURNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include <sealring/verify.h>

enum journal_level {
    JOURNAL_INFORMATION = SEALRING_LOG_INFORMATION,
    JOURNAL_WARNING = SEALRING_LOG_WARNING,
    JOURNAL_ALARM = SEALRING_LOG_ALARM,
    JOURNAL_ERROR /* the process ends because of it */
};

/* The program's name, which begins each line. First of all. */
void journal_begin(const char *name);
const char *journal_program(void);

/* One line, written at once. Any thread. */
__attribute__((format(printf, 2, 3))) void journal_write(enum journal_level level, const char *format, ...);

/* For a message that others can cause: one a second is enough to see that there is trouble. Zeroed memory is a pace that begins. */
struct journal_pace {
    _Atomic(time_t) latest;
};
bool journal_may_repeat(struct journal_pace *pace);

/* A sealring_log_callback. */
void journal_message(sealring_log_level level, const char *message, void *context);

#endif
