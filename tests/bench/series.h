/* SPDX-License-Identifier: Apache-2.0 */
/* A series of measurements of one thing: one per round, summarised by its median, as machines are noisy. */
#ifndef BENCH_SERIES_H
#define BENCH_SERIES_H

#include <stddef.h>

#define SERIES_MAX 512

struct series {
    double values[SERIES_MAX];
    size_t count;
};

struct summary {
    double lowest, median, highest;
};

/* Seconds on a clock that does not jump, the same one in all processes. */
double series_clock(void);

/* Beyond SERIES_MAX nothing more is noted. */
void series_add(struct series *series, double value);

/* All 0 for an empty series. */
struct summary series_summarise(const struct series *series);

/* The smallest value that at least `share` of them (0 to 1) do not exceed; 0 for an empty series. */
double series_percentile(const struct series *series, double share);

#endif
