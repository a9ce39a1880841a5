/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal as a screen that is drawn again and again, and restored at the end. */
#ifndef TOOL_SCREEN_H
#define TOOL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

struct screen {
    size_t columns;
    size_t lines;
};

/* The size of the terminal at standard output; 80 columns and 24 lines where it does not report one. */
struct screen screen_size(void);

/* Turns to the alternate screen without a cursor, and notes signals (signals.h); even a second one finds the terminal restored. */
void screen_enter(void);

/* Draws over what was there, without wiping it first, so that nothing flickers: `text`, cut to the size, and `foot` on the last line. */
void screen_draw(const struct screen *screen, const char *text, const char *foot);

void screen_leave(void);

#endif
