/* SPDX-License-Identifier: Apache-2.0 */
/* Times, durations and numbers for people. */
#ifndef TOOL_MOMENT_H
#define TOOL_MOMENT_H

#include <stdint.h>

#define MOMENT_SIZE 80

/* A text that a function returns; one that is not kept lives to the end of the statement (C11, section 6.2.4). */
struct moment {
    char text[MOMENT_SIZE];
};

/* "in 6d23h", "3m12s ago", "now": the two largest units. */
struct moment moment_relative(int64_t time, int64_t now);

/* "2026-11-28T20:15:00Z (in 6d23h)", in whole seconds; "-" for 0. */
struct moment moment_format(int64_t time, int64_t now);

/* "2026-11-28T20:15:00Z", in whole seconds; "-" for 0. */
struct moment moment_absolute(int64_t time);

/* "7d", as the library reads and writes it. */
struct moment moment_duration(int64_t duration);

/* "7,421". */
struct moment moment_number(uint64_t number);

/* a + b, or the largest number that jansson writes. */
uint64_t moment_sum(uint64_t a, uint64_t b);

/* Milliseconds of the wall clock, and of a clock that nobody sets. */
int64_t moment_now(void);
int64_t moment_monotonic(void);

#endif
