/* SPDX-License-Identifier: Apache-2.0 */
/* Times, durations and numbers for people. */
#ifndef TOOL_MOMENT_H
#define TOOL_MOMENT_H

#include <stdint.h>

#define MOMENT_SIZE 80

/* "in 6d23h", "3m12s ago", "now": the two largest units. */
void moment_relative(int64_t time, int64_t now, char text[MOMENT_SIZE]);

/* "2026-11-28T20:15:00Z (in 6d23h)", in whole seconds; "-" for 0. */
void moment_format(int64_t time, int64_t now, char text[MOMENT_SIZE]);

/* "2026-11-28T20:15:00Z", in whole seconds; "-" for 0. */
void moment_absolute(int64_t time, char text[MOMENT_SIZE]);

/* Milliseconds of the wall clock, and of a clock that nobody sets. */
int64_t moment_now(void);
int64_t moment_monotonic(void);

/* a + b, or the largest number that jansson writes. */
uint64_t moment_sum(uint64_t a, uint64_t b);

/* "7,421". */
void moment_number(uint64_t number, char text[MOMENT_SIZE]);

#endif
