/* SPDX-License-Identifier: Apache-2.0 */
/* A credential from standard input: never echoed, never left in memory. */
#include "tools/sealring/input.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/signals.h"
#include "tools/sealring/terminal/unseen.h"

#define CAPACITY (INPUT_MAX + 3) /* one byte too many and its newline show that there is more */

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
    input->text = memory_secret(CAPACITY);
    if (isatty(STDIN_FILENO))
        fputs("credential: ", stderr);
    ssize_t length = unseen_read(STDIN_FILENO, STDERR_FILENO, input->text, CAPACITY);
    if (length < 0) {
        const char *problem = strerror(errno);
        input_wipe(input);
        if (signals_caught() != 0)
            return 128 + signals_caught();
        return session_refuse(session, STATUS_REFUSED, "standard input could not be read: %s", problem);
    }
    input->length = (size_t)length;
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
