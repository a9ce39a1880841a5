/* SPDX-License-Identifier: Apache-2.0 */
/* Reading without an echo. */
#include "tools/sealring/terminal/unseen.h"

#include <errno.h>
#include <stdbool.h>
#include <termios.h>
#include <unistd.h>

#include "tools/sealring/terminal/signals.h"

static ssize_t read_on(int from, bool line, char *text, size_t size)
{
    size_t length = 0;
    while (length < size) {
        ssize_t got = read(from, text + length, size - length);
        if (got < 0 && errno == EINTR && signals_caught() == 0)
            continue;
        if (got <= 0)
            return got < 0 ? -1 : (ssize_t)length;
        length += (size_t)got;
        if (line && text[length - 1] == '\n')
            return (ssize_t)length;
    }
    if (line)
        tcflush(from, TCIFLUSH); /* the rest of a line that is too long is nobody's command */
    return (ssize_t)length;
}

ssize_t unseen_read(int from, int to, char *text, size_t size)
{
    struct termios before;
    if (!isatty(from))
        return read_on(from, false, text, size);
    if (tcgetattr(from, &before) != 0)
        return -1;
    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    bool watched = signals_watching();
    signals_watch(); /* an interrupted question must not leave a terminal without echo */
    ssize_t length = tcsetattr(from, TCSAFLUSH, &silent) == 0 ? read_on(from, true, text, size) : -1;
    int problem = errno;
    tcsetattr(from, TCSAFLUSH, &before);
    if (write(to, "\n", 1) < 0) {
        /* then nobody reads it */
    }
    if (!watched)
        signals_release();
    errno = problem;
    return length;
}
