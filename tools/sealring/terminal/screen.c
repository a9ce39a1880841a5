/* SPDX-License-Identifier: Apache-2.0 */
/* Drawing in place on a terminal, on its alternate screen. */
#include "tools/sealring/terminal/screen.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/sealring/terminal/page.h"
#include "tools/sealring/terminal/signals.h"

#define ENTER     "\033[?1049h\033[?25l\033[H\033[2J"
#define LEAVE     "\033[?25h\033[?1049l"
#define HOME      "\033[H"
#define LINE_END  "\033[0m\033[K\r\n"
#define WIPE_REST "\033[J"

struct screen screen_size(void)
{
    struct winsize size = {0};
    struct screen screen = {80, 24};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0)
        screen = (struct screen){size.ws_col, size.ws_row};
    return screen;
}

void screen_enter(void)
{
    signals_last_words(LEAVE);
    signals_watch();
    fputs(ENTER, stdout);
    fflush(stdout);
}

void screen_draw(const struct screen *screen, const char *text, const char *foot)
{
    size_t lines = screen->lines > 1 ? screen->lines - 1 : 0;
    fputs(HOME, stdout);
    page_print(text, screen->columns, lines, LINE_END);
    fputs(WIPE_REST, stdout);
    printf("\033[%zu;1H", screen->lines);
    /* nothing behind it: a line's end at the bottom would scroll */
    page_print(foot, screen->columns, 1, "\033[0m\033[K");
    fflush(stdout);
}

void screen_leave(void)
{
    fputs(LEAVE, stdout);
    fflush(stdout);
    signals_release();
    signals_last_words(NULL);
}
