/* SPDX-License-Identifier: Apache-2.0 */
/* How often each latency occurred, exact to 0.2 %. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_EXACT  1024u /* nanoseconds below this have a place each */
#define HISTOGRAM_HALF   (HISTOGRAM_EXACT / 2)
#define HISTOGRAM_PLACES (HISTOGRAM_EXACT + 24 * HISTOGRAM_HALF)

struct histogram {
    uint64_t count;
    uint64_t places[HISTOGRAM_PLACES];
};

/* Beyond 17 s it counts as 17 s. */
void histogram_add(struct histogram *histogram, uint64_t nanoseconds);

/* The latency that `share` (0 to 1) of all do not exceed. */
uint64_t histogram_percentile(const struct histogram *histogram, double share);

#endif
