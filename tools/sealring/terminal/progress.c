/* SPDX-License-Identifier: Apache-2.0 */
/* A progress bar on standard error, if that is a terminal. */
#include "tools/sealring/terminal/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/sealring/terminal/moment.h"
#include "tools/sealring/terminal/signals.h"

#define BAR_WIDTH       30
#define REDRAW_INTERVAL 100 /* milliseconds */

static void draw(struct progress *progress, int64_t now)
{
    uint64_t filled = progress->total > 0 ? progress->done * BAR_WIDTH / progress->total : 0;
    int64_t elapsed = now > progress->began ? now - progress->began : 1;
    fprintf(stderr, "\r%s  ", progress->what);
    for (uint64_t i = 0; i < BAR_WIDTH; i++)
        fputs(i < filled ? (progress->style->utf8 ? "\342\226\210" : "#") : (progress->style->utf8 ? "\302\267" : "."),
              stderr);
    fprintf(stderr, "  %s of %s  %3" PRIu64 "%%  %s/s ", moment_number(progress->done).text,
            moment_number(progress->total).text, progress->total > 0 ? progress->done * 100 / progress->total : 100,
            moment_number(progress->done * 1000 / (uint64_t)elapsed).text);
    fflush(stderr);
    progress->shown = now;
}

void progress_start(struct progress *progress, const struct style *style, const char *what, bool hidden)
{
    *progress = (struct progress){
        .style = style, .what = what, .began = moment_monotonic(), .hidden = hidden || !style->terminal};
}

void progress_step(struct progress *progress)
{
    progress->done++;
    if (progress->hidden)
        return;
    int64_t now = moment_monotonic();
    if (now - progress->shown >= REDRAW_INTERVAL)
        draw(progress, now);
}

int progress_work(const char *what, uint64_t done, uint64_t total, void *context)
{
    struct progress *progress = context;
    if (strcmp(progress->what, what) != 0) { /* another piece of it: what the last one drew is longer, perhaps */
        progress_finish(progress);
        progress->began = moment_monotonic();
        progress->shown = 0;
    }
    progress->what = what;
    progress->total = total;
    progress->done = done;
    int64_t now = moment_monotonic();
    if (!progress->hidden && now - progress->shown >= REDRAW_INTERVAL && now - progress->began >= REDRAW_INTERVAL)
        draw(progress, now);
    return signals_caught() != 0;
}

void progress_finish(struct progress *progress)
{
    if (progress->shown != 0)
        fputs("\r\033[K", stderr);
}
