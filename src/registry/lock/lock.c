/* SPDX-License-Identifier: Apache-2.0 */
/* The lock between managing processes: flock on a file that contains the holder's name. */
#include "registry/lock/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

#define LOCK_PAUSE_MS       5
#define LOCK_SILENT_MS      200  /* a shorter wait is not reported */
#define LOCK_ASK_AGAIN_MS   1000 /* meanwhile the holder may be stopped, or the lock may have another holder */
#define LOCK_ANNOUNCE_TRIES 200  /* a process that checks for announcements holds the lock briefly */
#define LOCK_ANNOUNCE_NSEC  1000000
#define LOCK_YIELD_SHARE    2 /* one half of the wait is yielded to announcements: they cannot block others permanently */
#define LOCK_OTHERS         (S_IRWXG | S_IRWXO)

static int lock_open(const char *path)
{
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
}

/* flock(2) requires only permission to open the file: everybody who can read it could hold the lock for ever. Files of older releases
 * have mode 0640; those of another user, or on a file system without modes, are left to `doctor`. */
static void lock_close_to_others(int descriptor)
{
    struct stat file;
    if (fstat(descriptor, &file) == 0 && (file.st_mode & LOCK_OTHERS) != 0 &&
        (file.st_uid == geteuid() || geteuid() == 0))
        (void)fchmod(descriptor, file.st_mode & 07777 & ~(mode_t)LOCK_OTHERS);
}

sealring_status lock_init(struct lock *lock, const char *path, sealring_error *error)
{
    *lock = (struct lock){.descriptor = -1};
    if (path == NULL)
        return SEALRING_OK;
    int descriptor = lock_open(path);
    if (descriptor < 0) {
        int problem = errno;
        error_set_registry(error, 0, "the lock file %s cannot be opened for writing by this user: %s", path,
                           strerror(problem));
        if (error != NULL)
            error->system_errno = problem;
        return SEALRING_REGISTRY;
    }
    lock_close_to_others(descriptor);
    close(descriptor);
    lock->path = strdup(path);
    return lock->path != NULL ? SEALRING_OK : error_no_memory(error);
}

void lock_free(struct lock *lock)
{
    lock_release(lock);
    free(lock->path);
    lock->path = NULL;
}

/* Returns whether the path still leads to the file that the descriptor has open: a lock on a removed file excludes nobody. */
static bool lock_is_current(const char *path, int descriptor)
{
    struct stat open_file, named_file;
    return fstat(descriptor, &open_file) == 0 && stat(path, &named_file) == 0 &&
           open_file.st_dev == named_file.st_dev && open_file.st_ino == named_file.st_ino;
}

bool lock_held(const struct lock *lock)
{
    return lock->descriptor >= 0 && lock->process == getpid() && lock_is_current(lock->path, lock->descriptor);
}

/* One try. Returns 0 or an errno (EWOULDBLOCK: held, holder is set; ESTALE: the file was replaced meanwhile). */
static int lock_try(const char *path, int *locked, struct lock_holder *holder)
{
    int descriptor = lock_open(path);
    if (descriptor < 0)
        return errno;
    int problem = flock(descriptor, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    if (problem == 0 && !lock_is_current(path, descriptor))
        problem = ESTALE;
    if (problem == 0) {
        *locked = descriptor;
        return 0;
    }
    if (problem == EWOULDBLOCK && holder != NULL)
        lock_holder_read(descriptor, path, holder);
    close(descriptor);
    return problem;
}

/* If several processes have announced something, names the last one. */
static void lock_read_announcer(const char *path, struct lock_holder *holder)
{
    int descriptor = lock_open(path);
    lock_holder_read(descriptor, path, holder);
    if (descriptor >= 0)
        close(descriptor);
}

/* One wait for a lock. */
struct lock_wait {
    struct lock *lock;
    int64_t began;
    int64_t most;
    int64_t ask_again_at; /* time to read the holder again: to read it at every try would cost more than the try */
    struct lock_holder holder;
    char told[LOCK_HOLDER_TEXT_SIZE];
};

/* Reports the holder of the lock when the wait has lasted for a moment, and whenever the holder changes. */
static void lock_tell(struct lock_wait *wait, int64_t now)
{
    const struct lock *lock = wait->lock;
    if (now < wait->ask_again_at || lock->waits == NULL)
        return;
    wait->ask_again_at = now + LOCK_ASK_AGAIN_MS;
    if (wait->holder.text[0] == '\0' || strcmp(wait->told, wait->holder.text) == 0)
        return;
    memcpy(wait->told, wait->holder.text, sizeof wait->told);
    lock->waits(&wait->holder, lock->waits_context);
}

/* Returns whether another process, which announced that it needs the lock, goes first. */
static bool lock_must_yield(const struct lock_wait *wait, int64_t now)
{
    return wait->lock->yields_to != NULL && now - wait->began < wait->most / LOCK_YIELD_SHARE &&
           lock_is_announced(wait->lock->yields_to);
}

static int lock_wait_for(struct lock_wait *wait)
{
    int64_t now = wait->began;
    for (;;) {
        int problem = EWOULDBLOCK;
        if (!lock_must_yield(wait, now)) {
            problem = lock_try(wait->lock->path, &wait->lock->descriptor,
                               now >= wait->ask_again_at || now - wait->began >= wait->most ? &wait->holder : NULL);
        } else if (now >= wait->ask_again_at) {
            lock_read_announcer(wait->lock->yields_to, &wait->holder);
        }
        if (problem != EWOULDBLOCK && problem != EINTR && problem != ESTALE)
            return problem;
        lock_tell(wait, now);
        int64_t left = wait->most - (now - wait->began);
        if (left <= 0)
            return problem;
        clock_sleep(left < LOCK_PAUSE_MS ? left : LOCK_PAUSE_MS);
        now = clock_boot_ms();
    }
}

sealring_status lock_acquire(struct lock *lock, int64_t wait_ms, const char *purpose, sealring_error *error)
{
    if (lock->path == NULL)
        return error_set(error, SEALRING_INVALID, "the registry was opened for reading only: it has no lock");
    if (lock_held(lock))
        return error_set(error, SEALRING_INVALID, "the lock %s is held by this handle already", lock->path);
    lock_release(lock); /* a forked child's inherited descriptor, or a lock on a removed file */
    struct lock_wait wait = {.lock = lock, .began = clock_boot_ms(), .most = wait_ms};
    wait.ask_again_at = wait.began + LOCK_SILENT_MS;
    int problem = lock_wait_for(&wait);
    if (problem == 0) {
        lock->process = getpid();
        lock_holder_sign(lock->descriptor, purpose);
        return SEALRING_OK;
    }
    if (problem == EWOULDBLOCK || problem == EINTR || problem == ESTALE) {
        error_set_registry(error, 0, "the vault is locked by %s: try again when it is done",
                           wait.holder.text[0] != '\0' ? wait.holder.text : lock->path);
    } else {
        error_set_registry(error, 0, "the lock %s cannot be had: %s", lock->path, strerror(problem));
    }
    if (error != NULL)
        error->system_errno = problem;
    return SEALRING_REGISTRY;
}

void lock_release(struct lock *lock)
{
    if (lock->descriptor < 0)
        return;
    if (lock->process == getpid()) {
        if (ftruncate(lock->descriptor, 0) != 0) {
            /* A stale line does no harm: it is shown only while a process holds the lock, and that process writes its own. */
        }
        flock(lock->descriptor, LOCK_UN); /* explicitly, as a forked child may still have the descriptor open */
    }
    close(lock->descriptor);
    lock->descriptor = -1;
}

/* ---- for processes that do not take it ---- */

/* O_RDWR: on a network file system, an exclusive lock may require a file that is open for writing. */
static int lock_open_existing(const char *path)
{
    return open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
}

/* Returns whether another process keeps this one from taking the lock, which is released at once. Closes the descriptor. */
static bool lock_is_kept(int descriptor, int operation)
{
    bool kept = flock(descriptor, operation | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    flock(descriptor, LOCK_UN); /* a child forked meanwhile may have the descriptor */
    close(descriptor);
    return kept;
}

bool lock_is_taken(const char *path)
{
    int descriptor = lock_open_existing(path);
    if (descriptor < 0)
        return errno == EACCES && lock_holder_is_listed(path);
    return lock_is_kept(descriptor, LOCK_SH); /* a process that tries to take the lock at this moment tries again */
}

void lock_announce(struct lock *lock, const char *purpose)
{
    const struct timespec pause = {.tv_nsec = LOCK_ANNOUNCE_NSEC};
    lock_release(lock);
    int descriptor = lock->path != NULL ? lock_open(lock->path) : -1;
    if (descriptor < 0)
        return;
    for (int tries = 0; tries < LOCK_ANNOUNCE_TRIES; tries++) {
        if (flock(descriptor, LOCK_SH | LOCK_NB) == 0) {
            lock->descriptor = descriptor;
            lock->process = getpid();
            lock_holder_sign(descriptor, purpose);
            return;
        }
        nanosleep(&pause, NULL);
    }
    close(descriptor);
}

bool lock_is_announced(const char *path)
{
    int descriptor = lock_open_existing(path);
    return descriptor >= 0 && lock_is_kept(descriptor, LOCK_EX);
}
