/* SPDX-License-Identifier: Apache-2.0 */
/* Single-flight: one token operation per credential. The first thread that asks performs it; the others wait for its result. */
#ifndef VERIFIER_CACHE_SINGLE_FLIGHT_H
#define VERIFIER_CACHE_SINGLE_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/verify.h>

struct flights;

/* waiting_max: the maximum number of threads that may wait at once, in total. */
sealring_status flights_new(unsigned waiting_max, struct flights **made, sealring_error *error);
void flights_free(struct flights *flights);

/* Outcomes beside those of a flight_function, which are not negative. */
#define FLIGHT_CROWDED (-1) /* waiting_max threads are waiting already, or the wait timed out */
#define FLIGHT_FAILED  (-2) /* no memory */

/* Returns the outcome of the operation named by the `length` bytes at `name`. If no thread performs it, calls `fly` in this thread, with
 * no lock held; else waits for the thread that does, at most wait_ms (CLOCK_MONOTONIC). All of them get the same outcome and error.
 * Outcomes are not kept: a later call performs the operation again. Names are not copied. */
typedef int (*flight_function)(void *context, sealring_error *error);
int flights_ask(struct flights *flights, const uint8_t *name, size_t length, flight_function fly, void *context,
                int64_t wait_ms, sealring_error *error);

/* The number of flights under way. While it is not 0, the token has no spare capacity. */
unsigned flights_under_way(struct flights *flights);

#endif
