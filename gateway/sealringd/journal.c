/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for the operator: lines on standard error, with systemd's priorities where its journal reads them. */
#include "gateway/sealringd/journal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

static const char *begin_of(sealring_log_level level)
{
    if (getenv("JOURNAL_STREAM") != NULL) /* see systemd.exec(5) */
        return level == SEALRING_LOG_ALARM ? SD_ALERT : level == SEALRING_LOG_WARNING ? SD_WARNING : SD_INFO;
    return level == SEALRING_LOG_ALARM     ? "sealringd: ALARM: "
           : level == SEALRING_LOG_WARNING ? "sealringd: warning: "
                                           : "sealringd: ";
}

void journal_write(sealring_log_level level, const char *format, ...)
{
    char line[SEALRING_MESSAGE_SIZE + 256];
    int length = snprintf(line, sizeof line - 1, "%s", begin_of(level));
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(line + length, sizeof line - 1 - (size_t)length, format, arguments);
    va_end(arguments);
    if (more < 0)
        return;
    length = (size_t)length + (size_t)more < sizeof line - 1 ? length + more : (int)sizeof line - 2;
    line[length] = '\n';
    ssize_t written = write(STDERR_FILENO, line, (size_t)length + 1);
    (void)written; /* there is nobody else to report it to */
}

void journal_message(sealring_log_level level, const char *message, void *context)
{
    (void)context;
    journal_write(level, "%s", message);
}
