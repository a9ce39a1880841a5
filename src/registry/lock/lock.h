/* SPDX-License-Identifier: Apache-2.0 */
/* The lock between managing processes: flock on a file that contains the holder's name. */
#ifndef REGISTRY_LOCK_LOCK_H
#define REGISTRY_LOCK_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <sealring/verify.h>

#include "registry/lock/lock_holder.h"

/* Called when the wait for a lock has lasted for a moment, and again when what is known of its holder changes. */
typedef void (*lock_wait_callback)(const struct lock_holder *holder, void *context);

struct lock {
    char *path;            /* NULL: there is none */
    int descriptor;        /* -1: not held */
    pid_t process;         /* the holder */
    const char *yields_to; /* path of an announcement (lock_announce): while one is made, others go first; NULL: no */
    lock_wait_callback waits; /* may be NULL */
    void *waits_context;
};

/* Stores the path and makes the file (0600) if it is missing. If it is this user's and others may open it, those permissions are
 * removed: everybody who may open the file can hold the lock. path NULL: a lock that can never be taken. */
sealring_status lock_init(struct lock *lock, const char *path, sealring_error *error);
void lock_free(struct lock *lock);

/* Announces that this process needs another lock soon, by holding this one, shared with all others that announce something. If that
 * fails, it is ignored: the process then waits like any other. */
void lock_announce(struct lock *lock, const char *purpose);

/* Returns whether a process has announced something by the lock at this path. */
bool lock_is_announced(const char *path);

/* Waits at most wait_ms (0: tries once). SEALRING_REGISTRY names the holder; SEALRING_INVALID if this handle holds it. */
sealring_status lock_acquire(struct lock *lock, int64_t wait_ms, const char *purpose, sealring_error *error);
void lock_release(struct lock *lock);

/* False in a forked child, which inherits the descriptor but not the right, and if the lock file was removed meanwhile. */
bool lock_held(const struct lock *lock);

/* Returns whether a process holds the lock at this path; for processes that may not write and so cannot take it. False if that cannot
 * be determined. */
bool lock_is_taken(const char *path);

#endif
