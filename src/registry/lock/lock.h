/* SPDX-License-Identifier: Apache-2.0 */
/* The lock between managing processes: flock on a file, whose content names the holder. */
#ifndef REGISTRY_LOCK_LOCK_H
#define REGISTRY_LOCK_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <sealring/verify.h>

#include "registry/lock/lock_holder.h"

/* Called when a lock has been waited for a moment, and again when what is known of its holder changes. */
typedef void (*lock_wait_callback)(const struct lock_holder *holder, void *context);

struct lock {
    char *path;            /* NULL: there is none */
    int descriptor;        /* -1: not held */
    pid_t process;         /* the holder */
    const char *yields_to; /* path of an announcement (lock_announce): while one is made, others go first; NULL: no */
    lock_wait_callback waits; /* may be NULL */
    void *waits_context;
};

/* Remembers the path and makes the file (0600) if it is missing; one of this user's that others could open loses those permissions: whoever may
 * open the file can hold the lock. path NULL: a lock that cannot be had. */
sealring_status lock_init(struct lock *lock, const char *path, sealring_error *error);
void lock_free(struct lock *lock);

/* Announces that another lock is needed soon: holds this one together with everybody else who announces something. What cannot be
 * announced is left: it takes its turn like everybody else. */
void lock_announce(struct lock *lock, const char *purpose);

/* Whether somebody has announced something by the lock of this path. */
bool lock_is_announced(const char *path);

/* Waits at most wait_ms (0: tries once). SEALRING_REGISTRY names the holder; SEALRING_INVALID if it is held by this handle. */
sealring_status lock_acquire(struct lock *lock, int64_t wait_ms, const char *purpose, sealring_error *error);
void lock_release(struct lock *lock);

/* False in a forked child, which inherits the descriptor but not the right, and when the lock file was removed meanwhile. */
bool lock_held(const struct lock *lock);

/* Whether somebody holds the lock of this path, for who may not write and so cannot take it. False if that cannot be told. */
bool lock_is_taken(const char *path);

#endif
