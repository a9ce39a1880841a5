/* SPDX-License-Identifier: Apache-2.0 */
/* A series of measurements of one thing: one per round, summarised by its median, as machines are noisy. */
#include "bench/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double series_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void series_add(struct series *series, double value)
{
    if (series->count < SERIES_MAX)
        series->values[series->count++] = value;
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static void sort(const struct series *series, double sorted[SERIES_MAX])
{
    memcpy(sorted, series->values, series->count * sizeof(*sorted));
    qsort(sorted, series->count, sizeof(*sorted), by_size);
}

struct summary series_summarise(const struct series *series)
{
    struct summary summary = {0, 0, 0};
    double sorted[SERIES_MAX];
    size_t count = series->count;
    if (count == 0)
        return summary;
    sort(series, sorted);
    summary.lowest = sorted[0];
    summary.median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
    summary.highest = sorted[count - 1];
    return summary;
}

double series_percentile(const struct series *series, double share)
{
    double sorted[SERIES_MAX];
    if (series->count == 0)
        return 0;
    sort(series, sorted);
    double rank = ceil(share * (double)series->count);
    return sorted[rank < 1 ? 0 : (size_t)rank - 1];
}
