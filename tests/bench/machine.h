/* SPDX-License-Identifier: Apache-2.0 */
/* What numbers depend on: the machine, and the versions of the libraries that take part. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stddef.h>

#define MACHINE_FACTS     10
#define MACHINE_FACT_SIZE 160

struct machine_fact {
    const char *name;              /* stable, for JSON */
    char value[MACHINE_FACT_SIZE]; /* "" if it cannot be found out */
};

/* Fills the facts and returns how many there are. */
size_t machine_describe(struct machine_fact facts[MACHINE_FACTS]);

#endif
