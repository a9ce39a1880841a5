/* SPDX-License-Identifier: Apache-2.0 */
/* Touches: what changes a token, a registry or a file, counted in one row, so that a process can be ended before any of them.
 *
 * Two kills between which nothing is changed leave the same bytes. So the points at which a kill can make a difference are those
 * before each touch, which are also those after the one before it, and the one after the last: n touches, n + 1 points. A call
 * that only reads (a search, a signature, a SELECT) needs no point of its own. */
#ifndef TESTS_TOUCHES_H
#define TESTS_TOUCHES_H

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define TOUCH_NAMES     4096
#define TOUCH_NAME_SIZE 24

enum touch_kind { TOUCH_TOKEN = 't', TOUCH_REGISTRY = 'r', TOUCH_FILE = 'f', TOUCH_MEMORY = 'm' };

/* In memory that the process under test shares with the one that watches it. */
struct touches {
    _Atomic(uint32_t) on;      /* not 0: they are counted */
    _Atomic(uint64_t) made;    /* from 1; those of memory apart */
    _Atomic(uint64_t) die_at;  /* before the touch of that number; 0: never */
    _Atomic(uint64_t) fail_at; /* the touch of the registry, allocation or statement of that number fails; 0: none */
    _Atomic(uint32_t) fail_on; /* not 0: and all after it */
    _Atomic(int) fail_code;    /* SQLITE_FULL, SQLITE_IOERR */
    _Atomic(uint64_t) failed;  /* how many did */
    _Atomic(uint64_t) allocations;
    _Atomic(uint32_t) allocations_fail;       /* not 0: fail_at is of allocations */
    _Atomic(uint64_t) statements;             /* calls of the registry's driver (lib/conflict.h) */
    _Atomic(uint32_t) statements_fail;        /* not 0: fail_at is of statements */
    char names[TOUCH_NAMES][TOUCH_NAME_SIZE]; /* of touch number i + 1, its kind first */
};

/* Before each touch; its number, or 0 if it is not counted. */
static inline uint64_t touch(struct touches *touches, enum touch_kind kind, const char *name)
{
    if (touches == NULL || atomic_load(&touches->on) == 0)
        return 0;
    uint64_t number = atomic_fetch_add(&touches->made, 1) + 1;
    if (number <= TOUCH_NAMES) {
        touches->names[number - 1][0] = (char)kind;
        strncpy(touches->names[number - 1] + 1, name, TOUCH_NAME_SIZE - 2);
    }
    if (number == atomic_load(&touches->die_at))
        kill(getpid(), SIGKILL);
    return number;
}

#endif
