/* SPDX-License-Identifier: Apache-2.0 */
/* A credential from standard input: never echoed, never left in memory. */
#include "tools/sealring/input.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/signals.h"

#define CAPACITY (INPUT_MAX + 3) /* one byte too many and its newline show that there is more */

static bool echo_off(struct termios *before)
{
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, before) != 0)
        return false;
    struct termios silent = *before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    return tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
}

static void drop_newline(struct input *input)
{
    if (input->length > 0 && input->text[input->length - 1] == '\n')
        input->length--;
    else
        return;
    if (input->length > 0 && input->text[input->length - 1] == '\r')
        input->length--;
}

int input_read(struct session *session, struct input *input)
{
    struct termios before;
    bool asked = false;
    bool terminal = isatty(STDIN_FILENO) != 0;
    input->length = 0;
    input->text = memory_secret(CAPACITY);
    if (terminal) {
        signals_watch(); /* an interrupted prompt must not leave a terminal without echo */
        asked = echo_off(&before);
        fputs("credential: ", stderr);
    }
    ssize_t got = 0;
    while (input->length < CAPACITY) {
        got = read(STDIN_FILENO, input->text + input->length, CAPACITY - input->length);
        if (got < 0 && errno == EINTR && signals_caught() == 0)
            continue;
        if (got <= 0)
            break;
        input->length += (size_t)got;
        if (terminal && input->text[input->length - 1] == '\n')
            break;
    }
    int problem = errno;
    if (terminal)
        signals_release();
    if (asked) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    if (got < 0) {
        input_wipe(input);
        if (signals_caught() != 0)
            return 128 + signals_caught();
        return session_refuse(session, STATUS_REFUSED, "standard input could not be read: %s", strerror(problem));
    }
    drop_newline(input);
    return STATUS_DONE;
}

void input_wipe(struct input *input)
{
    if (input->text == NULL)
        return;
    sealring_secret_free(input->text, CAPACITY);
    *input = (struct input){0};
}
