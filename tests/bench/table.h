/* SPDX-License-Identifier: Apache-2.0 */
/* The table that is published: what is measured, what is aimed at, and how it is shown to people and machines. */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "bench/series.h"

enum row_name {
    ROW_FLOOR,
    ROW_CACHED,
    ROW_CACHED_GRANT,
    ROW_CACHED_MANY,
    ROW_CACHED_BOUND,
    ROW_TWO_SAME,
    ROW_TWO_DIFFERENT,
    ROW_TWO_FLOOR,
    ROW_JWT,
    ROW_SQLITE,
    ROW_REDIS,
    ROW_BARE,
    ROW_FIRST_SIGHT,
    ROW_FIRST_SIGHT_SOME,
    ROW_MALFORMED,
    ROW_CRAFTED,
    ROW_UNKNOWN,
    ROW_WRONG_SECRET,
    ROW_STRANGERS_TOKEN,
    ROW_TAIL_REST,
    ROW_TAIL_CHURN,
    ROW_OPEN,
    ROW_OPEN_CLOSED,
    ROW_ACT,
    ROW_ROTATE,
    ROW_ISSUE_GROWING,
    ROW_ISSUE_MANY,
    ROW_ISSUE_BYTES,
    ROW_MEMORY,
    ROW_MEMORY_RESIDENT,
    ROW_REVOCATION,
    ROW_EFFECTIVE,
    ROW_IDLE_CPU,
    ROW_IDLE_WAKES,
    ROW_RENEW_1,
    ROW_RENEW_16,
    ROW_RENEW_64,
    ROW_RENEWING,
    ROW_RENEWING_P99,
    ROW_RENEWING_TENFOLD,
    ROW_RENEWING_TENFOLD_P99,
    ROW_REVOKE_HARVEST,
    ROW_LOCK_COMMIT,
    ROW_LOCK_WORK,
    ROW_CLIENT_TEXT,
    ROW_WEBHOOK_SIGNING,
    ROWS
};

enum aim { AIM_NONE, AIM_AT_MOST, AIM_AT_LEAST };

#define TABLE_NOTE_SIZE 320

struct row {
    const char *name; /* stable, for JSON */
    const char *words;
    const char *unit;    /* of `value`: "ns", "per second", ... */
    const char *measure; /* of `compared`, which the aim is about: "x the floor"; NULL: nothing is compared */
    enum aim kind;
    double aim;

    struct series value;    /* one per round */
    struct series compared; /* one per round, each with what was measured beside it */
    bool percentile;        /* told by the 99th percentile instead of the median */
    char note[TABLE_NOTE_SIZE];
    const char *missing; /* why it was not measured, if it was not */
};

extern struct row table[ROWS];

/* Notes a round: what was measured, and what that makes compared with its yardstick (0: nothing is compared). */
void table_add(enum row_name name, double value, double compared);
__attribute__((format(printf, 2, 3))) void table_note(enum row_name name, const char *format, ...);

/* Where it was measured, and how. */
struct table_circumstances {
    bool quick;  /* a short run: its numbers are rough */
    size_t keys; /* API keys in the large registry */
    size_t rounds;
    char load[32]; /* of the machine as the run began: who else was at work */
    char when[32];
};

void table_print_text(FILE *out, const struct table_circumstances *circumstances);
void table_print_markdown(FILE *out, const struct table_circumstances *circumstances);
bool table_write_json(const char *path, const struct table_circumstances *circumstances);

#endif
