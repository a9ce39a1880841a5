/* SPDX-License-Identifier: Apache-2.0 */
/* The holder of a lock: what its file contains, checked against what the kernel reports. */
#ifndef REGISTRY_LOCK_LOCK_HOLDER_H
#define REGISTRY_LOCK_LOCK_HOLDER_H

#include <stdbool.h>
#include <stdint.h>

#define LOCK_HOLDER_TEXT_SIZE 512
#define LOCK_HOLDER_NAME_SIZE 256

struct lock_holder {
    char name[LOCK_HOLDER_NAME_SIZE]; /* "user@host PID purpose", or what else is known */
    int64_t process;                  /* in this process's PID namespace; 0: not known */
    int64_t since;                    /* wall time, 0: not known */
    bool stopped;                     /* stopped by a signal, and certainly the process that took the lock */
    char text[LOCK_HOLDER_TEXT_SIZE]; /* one line with all of this; no part of it controls a terminal */
};

/* Writes the note of this process into the lock file that it holds. If that fails, only others' messages lack the note. */
void lock_holder_sign(int descriptor, const char *purpose);

/* Reads who holds the lock on the file at this path, which the descriptor has open (-1: uses only the kernel's list). */
void lock_holder_read(int descriptor, const char *path, struct lock_holder *holder);

/* Returns whether some process holds a flock on the file at this path, by the kernel's list; for processes that may not open the file.
 * False if that cannot be determined. */
bool lock_holder_is_listed(const char *path);

#endif
