/* SPDX-License-Identifier: Apache-2.0 */
/* Messages for the operator: lines on standard error, with systemd's priorities where its journal reads them. */
#include "gateway/daemon/journal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

static const char *program = "";

void journal_begin(const char *name)
{
    program = name;
}

const char *journal_program(void)
{
    return program;
}

/* The journal shows the program and the priority itself: see systemd.exec(5). */
static int begin_line(enum journal_level level, char *line, size_t size)
{
    static const struct {
        const char *priority, *word;
    } levels[] = {
        [JOURNAL_INFORMATION] = {SD_INFO, ""},
        [JOURNAL_WARNING] = {SD_WARNING, "warning: "},
        [JOURNAL_ALARM] = {SD_ALERT, "ALARM: "},
        [JOURNAL_ERROR] = {SD_ERR, ""},
    };
    return getenv("JOURNAL_STREAM") != NULL ? snprintf(line, size, "%s", levels[level].priority)
                                            : snprintf(line, size, "%s: %s", program, levels[level].word);
}

void journal_write(enum journal_level level, const char *format, ...)
{
    char line[SEALRING_MESSAGE_SIZE + 256];
    int length = begin_line(level, line, sizeof line - 1);
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
    static const char word[] = "ALARM: ";
    (void)context;
    /* some messages have the word of their level already */
    const bool twice = (enum journal_level)level == JOURNAL_ALARM && getenv("JOURNAL_STREAM") == NULL &&
                       strncmp(message, word, strlen(word)) == 0;
    journal_write((enum journal_level)level, "%s", twice ? message + strlen(word) : message);
}

bool journal_may_repeat(struct journal_pace *pace)
{
    time_t now = time(NULL);
    return atomic_exchange(&pace->latest, now) != now;
}
