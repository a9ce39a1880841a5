/* SPDX-License-Identifier: Apache-2.0 */
/* A series of measured rates: one per round, told by its median, as machines are noisy. */
#ifndef BENCH_SERIES_H
#define BENCH_SERIES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SERIES_MAX 256

struct series {
    const char *name; /* stable, for JSON */
    const char *words;
    double aim; /* share of the bare rate that is aimed at, 0: none */
    double rates[SERIES_MAX];
    double shares[SERIES_MAX]; /* of the bare rate measured in the same round */
    size_t count;
};

/* Seconds on a clock that does not jump. */
double series_clock(void);

/* Notes that `done` operations took `seconds`, in a round whose bare rate is `bare` (0: this is the bare rate). Returns the
 * rate. Beyond SERIES_MAX rounds nothing more is noted. */
double series_add(struct series *series, uint64_t done, double seconds, double bare);

/* One line each: rate, share of the bare rate, spread of the rates. */
void series_print_table(FILE *out, const struct series *all, size_t count);
void series_print_json(FILE *out, const struct series *all, size_t count);

#endif
