/* SPDX-License-Identifier: Apache-2.0 */
/* Colours and characters for the terminal at hand. */
#include "tools/sealring/terminal/style.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct style style_of(FILE *stream)
{
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    struct style style = {.stream = stream, .terminal = isatty(fileno(stream)) != 0};
    style.colour = style.terminal && (no_color == NULL || no_color[0] == '\0') && terminal != NULL &&
                   strcmp(terminal, "dumb") != 0;
    style.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    return style;
}

const char *style_separator(const struct style *style)
{
    return style->utf8 ? " \302\267 " : " - ";
}

const char *style_arrow(const struct style *style)
{
    return style->utf8 ? "\342\206\222" : "->";
}

enum tone style_version_tone(sealring_version_state state)
{
    static const enum tone tones[] = {
        [SEALRING_VERSION_NONE] = TONE_PLAIN,    [SEALRING_VERSION_PENDING] = TONE_INFO,
        [SEALRING_VERSION_ACTIVE] = TONE_GOOD,   [SEALRING_VERSION_RETIRING] = TONE_WARN,
        [SEALRING_VERSION_RETIRED] = TONE_DIM,   [SEALRING_VERSION_COMPROMISED] = TONE_BAD,
        [SEALRING_VERSION_DESTROYED] = TONE_DIM,
    };
    return (size_t)state < sizeof tones / sizeof *tones ? tones[state] : TONE_PLAIN;
}

enum tone style_key_tone(sealring_key_state state)
{
    return state == SEALRING_KEY_ACTIVE ? TONE_GOOD : state == SEALRING_KEY_SUSPENDED ? TONE_WARN : TONE_BAD;
}
