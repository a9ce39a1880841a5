/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated year: one ring, its clients and verifiers, a scheduler with both clocks injected; the code that decides is the product's. */
#ifndef TESTS_LEAP_WORLD_H
#define TESTS_LEAP_WORLD_H

#include <stdio.h>

#include "lifecycle/clockwatch.h"
#include "lifecycle/policy.h"
#include "lifecycle/schedule.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define WORLD_BEGINS   INT64_C(1798761600000) /* 2027-01-01T00:00:00Z */
#define WORLD_LEASE    (60 * SECOND)
#define WORLD_VERSIONS 64
#define WORLD_CLIENTS  4

/* Who holds one API key: its credential's version, and how it behaves. */
struct client {
    const char *name;
    int64_t every;    /* it calls so often */
    int64_t last;     /* when it last called */
    int64_t patience; /* it moves to a successor within so long, at a time that the seed decides; -1: never */
    uint32_t version;
    uint32_t moves_to; /* and when: */
    int64_t moves_at;
};

struct world {
    FILE *out;
    uint64_t seed;
    int64_t elapsed; /* real time since the beginning */
    int64_t off;     /* of the wall clock */
    int64_t booted;  /* `elapsed` at the last boot */
    char boot_id[CLOCK_BOOT_ID_SIZE];
    struct lifecycle_ring ring;
    struct lifecycle_version versions[WORLD_VERSIONS];
    int64_t made[WORLD_VERSIONS]; /* `elapsed` */
    int64_t last_use[WORLD_VERSIONS];
    int64_t promised[WORLD_VERSIONS]; /* the latest end of its window that was ever told, wall time */
    uint64_t epoch;
    struct client clients[WORLD_CLIENTS];
    struct clock_memory clock;
    bool scheduler_off;
    int64_t rests_until;
    char said[8][160]; /* what was blocked in the turn before */
    size_t said_count;
    unsigned rotations;
    unsigned rejected;        /* calls with a credential of a closed version */
    unsigned rejected_leaked; /* of them those with one that was compromised */
    bool broken;
};

/* A ring with active version 1, four clients that hold credentials of it, and one verifier. Prints the policy, or why it is refused. */
bool world_begin(struct world *world, FILE *out, const sealring_policy *policy);

/* Lets time pass until `elapsed`; everybody acts in it. */
void world_pass(struct world *world, int64_t elapsed);

/* A person's command at this time, and what came of it. */
void world_command(struct world *world, sealring_event event, uint32_t version);
void world_policy(struct world *world, const sealring_policy *policy, unsigned fields);
void world_step_clock(struct world *world, int64_t off);
void world_note(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints what it came to. */
void world_end(struct world *world);

#endif
