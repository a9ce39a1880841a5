/* SPDX-License-Identifier: Apache-2.0 */
/* How often each latency occurred, exact to 0.2 %. */
#include "bench/histogram.h"

#include <math.h>

/* Above HISTOGRAM_EXACT each doubling has HISTOGRAM_HALF places. */
static unsigned place_of(uint64_t nanoseconds)
{
    if (nanoseconds < HISTOGRAM_EXACT)
        return (unsigned)nanoseconds;
    unsigned shift = 54 - (unsigned)__builtin_clzll(nanoseconds); /* leaves 10 bits, the highest of them 1 */
    if (shift > 24)
        return HISTOGRAM_PLACES - 1;
    return HISTOGRAM_EXACT + (shift - 1) * HISTOGRAM_HALF + (unsigned)(nanoseconds >> shift) - HISTOGRAM_HALF;
}

static uint64_t latency_of(unsigned place)
{
    if (place < HISTOGRAM_EXACT)
        return place;
    unsigned above = place - HISTOGRAM_EXACT;
    return (uint64_t)(above % HISTOGRAM_HALF + HISTOGRAM_HALF) << (above / HISTOGRAM_HALF + 1);
}

void histogram_add(struct histogram *histogram, uint64_t nanoseconds)
{
    histogram->places[place_of(nanoseconds)]++;
    histogram->count++;
}

uint64_t histogram_percentile(const struct histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)ceil(share * (double)histogram->count), seen = 0;
    for (unsigned place = 0; place < HISTOGRAM_PLACES; place++) {
        seen += histogram->places[place];
        if (seen >= wanted && seen > 0)
            return latency_of(place);
    }
    return 0;
}
