/* SPDX-License-Identifier: Apache-2.0 */
/* A series of measured rates: one per round, told by its median, as machines are noisy. */
#include "bench/series.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

double series_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double series_add(struct series *series, uint64_t done, double seconds, double bare)
{
    double rate = (double)done / seconds;
    if (series->count < SERIES_MAX) {
        series->rates[series->count] = rate;
        series->shares[series->count] = bare > 0 ? rate / bare : 1;
        series->count++;
    }
    return rate;
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

struct summary {
    double lowest, median, highest;
};

static struct summary summarise(const double *values, size_t count)
{
    struct summary summary = {0, 0, 0};
    double sorted[SERIES_MAX];
    if (count == 0)
        return summary;
    memcpy(sorted, values, count * sizeof(*values));
    qsort(sorted, count, sizeof(*sorted), by_size);
    summary.lowest = sorted[0];
    summary.median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
    summary.highest = sorted[count - 1];
    return summary;
}

void series_print_table(FILE *out, const struct series *all, size_t count)
{
    fprintf(out, "%-58s %10s %9s %6s   %s\n", "median of the rounds", "per second", "of bare", "aim",
            "slowest-fastest");
    for (size_t i = 0; i < count; i++) {
        struct summary rate = summarise(all[i].rates, all[i].count);
        struct summary share = summarise(all[i].shares, all[i].count);
        char aim[16] = "";
        if (all[i].aim > 0)
            snprintf(aim, sizeof(aim), "%.2f%s", all[i].aim, share.median >= all[i].aim ? "" : " !");
        fprintf(out, "%-58s %10.0f %9.2f %6s   %.0f-%.0f\n", all[i].words, rate.median, share.median, aim, rate.lowest,
                rate.highest);
    }
}

void series_print_json(FILE *out, const struct series *all, size_t count)
{
    fprintf(out, "{");
    for (size_t i = 0; i < count; i++) {
        struct summary rate = summarise(all[i].rates, all[i].count);
        struct summary share = summarise(all[i].shares, all[i].count);
        fprintf(out, "%s\n  \"%s\": {\"per_second\": %.1f, \"of_bare\": %.4f, ", i == 0 ? "" : ",", all[i].name,
                rate.median, share.median);
        fprintf(out, "\"aim\": %.2f, \"rounds\": %zu, \"slowest\": %.1f, \"fastest\": %.1f}", all[i].aim, all[i].count,
                rate.lowest, rate.highest);
    }
    fprintf(out, "\n}\n");
}
