/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for the operator: lines on standard error, with systemd's priorities where its journal reads them. */
#include "gateway/sealringd/journal.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

static const char *begin_of(enum journal_level level)
{
    bool journal = getenv("JOURNAL_STREAM") != NULL; /* see systemd.exec(5) */
    switch (level) {
    case JOURNAL_ALARM:
        return journal ? SD_ALERT : "sealringd: ALARM: ";
    case JOURNAL_WARNING:
        return journal ? SD_WARNING : "sealringd: warning: ";
    case JOURNAL_ERROR:
        return journal ? SD_ERR : "sealringd: ";
    default:
        return journal ? SD_INFO : "sealringd: ";
    }
}

void journal_write(enum journal_level level, const char *format, ...)
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
    journal_write((enum journal_level)level, "%s", message);
}
