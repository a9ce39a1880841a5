/* SPDX-License-Identifier: Apache-2.0 */
/* The lock between managing processes: flock on a file, whose content names the holder. */
#ifndef REGISTRY_LOCK_H
#define REGISTRY_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <sealring/verify.h>

struct lock {
    char *path;     /* NULL: there is none */
    int descriptor; /* -1: not held */
    pid_t process;  /* the holder */
};

/* Remembers the path and makes the file (0640 less umask) if it is missing. path NULL: a lock that cannot be had. */
sealring_status lock_init(struct lock *lock, const char *path, sealring_error *error);
void lock_free(struct lock *lock);

/* Waits at most wait_ms (0: tries once). SEALRING_REGISTRY names the holder; SEALRING_INVALID if it is held by this handle. */
sealring_status lock_acquire(struct lock *lock, int64_t wait_ms, const char *purpose, sealring_error *error);
void lock_release(struct lock *lock);

/* False in a forked child, which inherits the descriptor but not the right, and when the lock file was removed meanwhile. */
bool lock_held(const struct lock *lock);

/* Whether somebody holds the lock of this path, for who may not write and so cannot take it. False if that cannot be told. */
bool lock_is_taken(const char *path);

#endif
