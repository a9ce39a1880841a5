/* SPDX-License-Identifier: Apache-2.0 */
/* PINs that somebody types: asked for on the terminal, without echo, once for each token. */
#ifndef TOOL_PINS_H
#define TOOL_PINS_H

#include <stdbool.h>

#include "tools/sealring/session.h"

/* The value of --pin-source in the form of sealring.conf; NULL if it was not given. */
const char *pins_source(const struct session *session);

/* "terminal" for "-", everything else as it is; NULL for NULL. */
const char *pins_words(const char *given);

/* Whether it is the path of a file. */
bool pins_is_file(const char *source);

/* A sealring_pin_callback; context: the session. Asks on the process's terminal, wherever input and output go. */
int pins_ask(const char *token_uri, char *pin, void *context);

/* Wipes what was typed. */
void pins_forget(struct session *session);

#endif
