/* SPDX-License-Identifier: Apache-2.0 */
/* Another process that has the registry open, so that SQLite's files beside it, and the space that they take, stay when nobody else has. */
#ifndef TESTS_CRASH_HOLDER_H
#define TESTS_CRASH_HOLDER_H

#include <stdbool.h>

struct holder {
    int requests; /* 0: there is none */
    int answers;
};

/* In this process's mount namespace, and no child of this process, which may wait for all its children: to be called before the process becomes
 * their subreaper. It ends when this process does. False, and errno: it cannot be started. */
bool holder_start(struct holder *holder);

/* Opens the registry and reads a row. False: it cannot be read. */
bool holder_open(const struct holder *holder, const char *registry);

/* Closes it, as the last process that has it open if no other has. No effect if it is not open. */
bool holder_close(const struct holder *holder);

#endif
