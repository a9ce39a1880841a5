/* SPDX-License-Identifier: Apache-2.0 */
/* What a stream can show: colour, characters beyond ASCII, a moving progress bar. */
#ifndef TOOL_STYLE_H
#define TOOL_STYLE_H

#include <stdbool.h>
#include <stdio.h>

#include <sealring/manage.h>

struct style {
    FILE *stream;
    bool terminal;
    bool colour; /* on a terminal only, and without NO_COLOR (https://no-color.org) or TERM=dumb */
    bool utf8;   /* the locale's character set */
};

enum tone { TONE_PLAIN = 1, TONE_GOOD, TONE_INFO, TONE_WARN, TONE_BAD, TONE_DIM, TONE_BOLD };

/* The same as characters in a format of terminal_print: from here on. */
#define PLAIN "\001"
#define GOOD  "\002"
#define INFO  "\003"
#define WARN  "\004"
#define BAD   "\005"
#define DIM   "\006"
#define BOLD  "\007"

struct style style_of(FILE *stream);

/* " · " or " - ". */
const char *style_separator(const struct style *style);

/* An arrow of one or two characters. */
const char *style_arrow(const struct style *style);

enum tone style_version_tone(sealring_version_state state);
enum tone style_key_tone(sealring_key_state state);

#endif
