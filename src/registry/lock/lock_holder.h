/* SPDX-License-Identifier: Apache-2.0 */
/* Who holds a lock: what its file notes, checked against what the kernel knows. */
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
    bool stopped;                     /* it is stopped by a signal, and it is surely this process that took the lock */
    char text[LOCK_HOLDER_TEXT_SIZE]; /* one line with all of this; nothing in it steers a terminal */
};

/* Writes the note of this process into the lock file that it holds. Failure to do so only makes others' messages poorer. */
void lock_holder_sign(int descriptor, const char *purpose);

/* Reads who holds the lock on the file of this path, which the descriptor has open (-1: only what the kernel knows). */
void lock_holder_read(int descriptor, const char *path, struct lock_holder *holder);

/* Whether some process holds a flock on the file of this path, by the kernel's list; for who may not open the file. False if that cannot be
 * told. */
bool lock_holder_is_listed(const char *path);

#endif
