/* SPDX-License-Identifier: Apache-2.0 */
/* The option --holders of the commands that make and change API keys. */
#ifndef TOOL_HOLDERS_OPTION_H
#define TOOL_HOLDERS_OPTION_H

#include <stdbool.h>
#include <string.h>

#include "tools/sealring/session.h"

#define HOLDERS_OPTION \
    "holders", "many|one", "whether copies of its credential are in use: many, or one process has it", OPTION_TEXT

/* Whether it is `one`. */
static inline bool holders_read(const char *text)
{
    return text != NULL && strcmp(text, "one") == 0;
}

static inline int holders_check(struct session *session)
{
    const char *text = option_text(&session->options, "holders");
    return text == NULL || holders_read(text) || strcmp(text, "many") == 0
               ? STATUS_DONE
               : session_refuse(session, STATUS_USAGE, "--holders takes many or one");
}

#endif
