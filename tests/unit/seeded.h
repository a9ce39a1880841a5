/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers for tests that can be run again: SEALRING_TEST_SEED=N repeats what a run printed. */
#ifndef TESTS_SEEDED_H
#define TESTS_SEEDED_H

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Chooses and prints the seed; called by main, before check forks. */
static inline uint64_t seeded_choose(void)
{
    const char *wanted = getenv("SEALRING_TEST_SEED");
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed =
        wanted != NULL ? strtoull(wanted, NULL, 10) : (uint64_t)now.tv_sec * 1000003 + (uint64_t)now.tv_nsec;
    printf("# SEALRING_TEST_SEED=%" PRIu64 "\n", seed);
    fflush(stdout);
    return seed;
}

/* The next number of the sequence (splitmix64). */
static inline uint64_t seeded_next(uint64_t *state)
{
    uint64_t value = *state += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

static inline void seeded_fill(uint64_t *state, uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)(seeded_next(state) >> 32);
}

#endif
