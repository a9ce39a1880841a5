/* SPDX-License-Identifier: Apache-2.0 */
/* A VFS for SQLite that counts what changes the registry's files, lets it fail, and remembers what a power loss would take back. */
#ifndef TESTS_CRASH_VFS_H
#define TESTS_CRASH_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/touches.h"

#define POWER_ROOM ((size_t)24 << 20)

/* What was written since it was last made safe, with what was there before; in shared memory, as it is taken back by whoever
 * survives. `lies`: what is said to be made safe is not. */
struct power {
    bool remembers;
    bool lies;
    bool overflowed;
    uint64_t safe; /* calls of xSync that were honoured */
    size_t used;
    uint8_t room[POWER_ROOM];
};

/* Registers it as SQLite's default, once for each process; what it counts goes to `touches` (NULL: nothing is counted). */
void crash_vfs_register(void);
void crash_vfs_count(struct touches *touches, struct power *power);

/* Takes back what is not safe, as if the power had failed. Returns how many writes that were; -1 if it cannot be done. */
int power_fail(struct power *power);

#endif
