/* SPDX-License-Identifier: Apache-2.0 */
/* One token operation per credential, however many threads ask: the first one flies, the others wait for what it brings. */
#ifndef VERIFIER_CACHE_SINGLE_FLIGHT_H
#define VERIFIER_CACHE_SINGLE_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sealring/verify.h>

struct flights;

/* waiting_max: threads that may wait at once, in all. */
sealring_status flights_new(unsigned waiting_max, struct flights **made, sealring_error *error);
void flights_free(struct flights *flights);

#define FLIGHT_NAME_MAX   1344 /* the KDF input that the token is asked about, and what is compared with its answer */
#define FLIGHT_RESULT_MAX 32   /* bytes of a token's answer */

/* Asks for the result of the operation named by the `length` bytes at `name`. If nobody is at it, calls `fly` in this thread, with no
 * lock held; else waits for the one who is, at most wait_ms (CLOCK_MONOTONIC). Whoever asks gets the same status, error and result.
 * A later call flies anew: nothing is kept. SEALRING_SYSTEM with *crowded true if waiting_max wait already or the wait was too
 * long. Results and names are wiped when the last one has them. */
typedef sealring_status (*flight_function)(void *context, uint8_t result[FLIGHT_RESULT_MAX], sealring_error *error);
sealring_status flights_ask(struct flights *flights, const uint8_t *name, size_t length, flight_function fly,
                            void *context, int64_t wait_ms, uint8_t result[FLIGHT_RESULT_MAX], bool *crowded,
                            sealring_error *error);

/* How many are flying now: while it is not 0 the token has no capacity to spare. */
unsigned flights_under_way(struct flights *flights);

/* How many wait for them now. */
unsigned flights_waiting(struct flights *flights);

#endif
