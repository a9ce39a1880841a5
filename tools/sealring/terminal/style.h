/* SPDX-License-Identifier: Apache-2.0 */
/* What a stream can show: colour, characters beyond ASCII, a moving progress bar. */
#ifndef TOOL_STYLE_H
#define TOOL_STYLE_H

#include <stdbool.h>
#include <stdio.h>

#include <sealring/manage.h>

struct style {
    bool terminal;
    bool colour; /* on a terminal only, and without NO_COLOR (https://no-color.org) or TERM=dumb */
    bool utf8;   /* the locale's character set */
};

enum tone { TONE_PLAIN, TONE_GOOD, TONE_INFO, TONE_WARN, TONE_BAD, TONE_DIM, TONE_BOLD };

struct style style_of(FILE *stream);

/* The sequences around a piece of text; "" without colour. */
const char *style_start(const struct style *style, enum tone tone);
const char *style_end(const struct style *style, enum tone tone);

/* Whether it is one of these, by its address: no text from outside can be. */
bool style_is_sequence(const char *text);

/* " · " or " - ". */
const char *style_separator(const struct style *style);

/* An arrow of one or two characters. */
const char *style_arrow(const struct style *style);

enum tone style_version_tone(sealring_version_state state);
enum tone style_key_tone(sealring_key_state state);

#endif
