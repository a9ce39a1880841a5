/* SPDX-License-Identifier: Apache-2.0 */
/* A progress bar on standard error, if that is a terminal. */
#ifndef TOOL_PROGRESS_H
#define TOOL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/sealring/terminal/style.h"

struct progress {
    const struct style *style;
    const char *what; /* "issuing" */
    uint64_t total;
    uint64_t done;
    int64_t began; /* milliseconds of CLOCK_MONOTONIC */
    int64_t shown;
    bool hidden;
};

/* hidden: the result goes to the same terminal, where a bar would be written into it. */
void progress_start(struct progress *progress, const struct style *style, const char *what, bool hidden);
void progress_step(struct progress *progress);
/* As a sealring_work_callback, context: the progress. Stops the work once an interruption was caught. */
int progress_work(const char *what, uint64_t done, uint64_t total, void *context);
void progress_finish(struct progress *progress); /* clears the line */

#endif
