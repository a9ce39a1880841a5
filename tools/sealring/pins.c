/* SPDX-License-Identifier: Apache-2.0 */
/* PINs that somebody types: asked for on the terminal, without echo, once for each token. */
#include "tools/sealring/pins.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/sealring/terminal/memory.h"
#include "tools/sealring/terminal/signals.h"
#include "tools/sealring/terminal/terminal.h"
#include "tools/sealring/terminal/unseen.h"

#define TERMINAL   "terminal"
#define TOKENS_MAX 4 /* keys and audit, by the configuration and by the command line */

/* All of it in memory for secrets. */
struct pins {
    struct {
        char token[1024];
        char pin[SEALRING_PIN_SIZE];
        bool refused; /* by the token, or not given: nobody is asked twice */
    } typed[TOKENS_MAX];
    size_t count;
    char line[SEALRING_PIN_SIZE]; /* as it comes from the terminal, with its newline */
};

const char *pins_words(const char *given)
{
    return given != NULL && strcmp(given, "-") == 0 ? TERMINAL : given;
}

const char *pins_source(const struct session *session)
{
    return pins_words(option_text(&session->options, "pin-source"));
}

bool pins_is_file(const char *source)
{
    return strcmp(source, TERMINAL) != 0 && strncmp(source, "credential:", strlen("credential:")) != 0;
}

static bool ask(struct session *session, size_t index)
{
    struct pins *pins = session->pins;
    int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0)
        return false;
    char *token = terminal_text(&session->err, pins->typed[index].token);
    dprintf(terminal, "PIN of %s: ", token);
    free(token);
    ssize_t length = unseen_read(terminal, terminal, pins->line, sizeof pins->line);
    close(terminal);
    if (signals_caught() != 0 && !signals_watching())
        raise(signals_caught());
    bool typed = length > 1 && pins->line[length - 1] == '\n'; /* and not too much */
    if (typed)
        memcpy(pins->typed[index].pin, pins->line, (size_t)length - 1);
    explicit_bzero(pins->line, sizeof pins->line);
    return typed;
}

/* The index of the token's PIN, typed or not yet; TOKENS_MAX: there is no room for another. */
static size_t find(struct pins *pins, const char *token)
{
    size_t index = 0;
    while (index < pins->count && strcmp(pins->typed[index].token, token) != 0)
        index++;
    if (index < pins->count || index == TOKENS_MAX || strlen(token) >= sizeof pins->typed[index].token)
        return index < pins->count ? index : TOKENS_MAX;
    strcpy(pins->typed[index].token, token);
    pins->count++;
    return index;
}

int pins_ask(const char *token_uri, char *pin, void *context)
{
    struct session *session = context;
    if (session->pins == NULL)
        session->pins = memory_secret(sizeof *session->pins);
    struct pins *pins = session->pins;
    size_t index = find(pins, token_uri);
    if (index == TOKENS_MAX)
        return 1;
    if (pin == NULL)
        pins->typed[index].refused = true;
    else if (!pins->typed[index].refused && pins->typed[index].pin[0] == '\0')
        pins->typed[index].refused = !ask(session, index);
    if (pins->typed[index].refused) {
        explicit_bzero(pins->typed[index].pin, sizeof pins->typed[index].pin);
        return 1;
    }
    memcpy(pin, pins->typed[index].pin, SEALRING_PIN_SIZE);
    return 0;
}

void pins_forget(struct session *session)
{
    sealring_secret_free(session->pins, sizeof *session->pins);
    session->pins = NULL;
}
