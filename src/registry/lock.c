/* SPDX-License-Identifier: Apache-2.0 */
/* The lock between managing processes: flock on a file, whose content names the holder. */
#include "registry/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

#define LOCK_PAUSE_MS  10
#define LOCK_LINE_SIZE 256

static int lock_open(const char *path)
{
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0640);
}

sealring_status lock_init(struct lock *lock, const char *path, sealring_error *error)
{
    *lock = (struct lock){.descriptor = -1};
    if (path == NULL) {
        return SEALRING_OK;
    }
    int descriptor = lock_open(path);
    if (descriptor < 0) {
        int problem = errno;
        error_set_registry(error, 0, "the lock file %s cannot be opened for writing by this user: %s", path,
                           strerror(problem));
        if (error != NULL) {
            error->system_errno = problem;
        }
        return SEALRING_REGISTRY;
    }
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

/* Writes "user@host PID purpose". Failure to do so only makes the loser's message poorer. */
static void lock_sign(int descriptor, const char *purpose)
{
    char line[LOCK_LINE_SIZE], host[65] = "?", user[65], memory[1024];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(geteuid(), &entry, memory, sizeof memory, &found) == 0 && found != NULL) {
        snprintf(user, sizeof user, "%s", found->pw_name);
    } else {
        snprintf(user, sizeof user, "uid %lu", (unsigned long)geteuid());
    }
    if (gethostname(host, sizeof host - 1) != 0) {
        snprintf(host, sizeof host, "?");
    }
    int length =
        snprintf(line, sizeof line, "%s@%s %ld %s\n", user, host, (long)getpid(), purpose == NULL ? "" : purpose);
    size_t size = length < (int)sizeof line ? (size_t)length : sizeof line - 1;
    if (ftruncate(descriptor, 0) != 0 || pwrite(descriptor, line, size, 0) < 0) {
        return;
    }
}

/* Reads the holder's line. */
static void lock_read_holder(int descriptor, char holder[LOCK_LINE_SIZE])
{
    ssize_t length = pread(descriptor, holder, LOCK_LINE_SIZE - 1, 0);
    holder[length > 0 ? length : 0] = '\0';
    holder[strcspn(holder, "\n")] = '\0';
    if (holder[0] == '\0') {
        snprintf(holder, LOCK_LINE_SIZE, "another process");
    }
}

/* Whether the path still leads to what the descriptor has open: a lock on a removed file excludes nobody. */
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

/* One try: 0, or the errno (EWOULDBLOCK: held, by whom is in holder; ESTALE: the file was exchanged meanwhile). */
static int lock_try(const char *path, int *locked, char holder[LOCK_LINE_SIZE])
{
    int descriptor = lock_open(path);
    if (descriptor < 0) {
        return errno;
    }
    int problem = flock(descriptor, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    if (problem == 0 && !lock_is_current(path, descriptor)) {
        problem = ESTALE;
    }
    if (problem == 0) {
        *locked = descriptor;
        return 0;
    }
    if (problem == EWOULDBLOCK) {
        lock_read_holder(descriptor, holder);
    }
    close(descriptor);
    return problem;
}

static void lock_pause(int64_t milliseconds)
{
    struct timespec pause = {.tv_sec = (time_t)(milliseconds / 1000), .tv_nsec = (long)(milliseconds % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

sealring_status lock_acquire(struct lock *lock, int64_t wait_ms, const char *purpose, sealring_error *error)
{
    if (lock->path == NULL) {
        return error_set(error, SEALRING_INVALID, "the registry was opened for reading only: it has no lock");
    }
    if (lock_held(lock)) {
        return error_set(error, SEALRING_INVALID, "the lock %s is held by this handle already", lock->path);
    }
    lock_release(lock); /* a forked child's inherited descriptor, or a lock on a file that was removed */
    char holder[LOCK_LINE_SIZE] = "another process";
    int64_t start = clock_boot_ms();
    int problem = lock_try(lock->path, &lock->descriptor, holder);
    while (problem == EWOULDBLOCK || problem == EINTR || problem == ESTALE) {
        int64_t left = wait_ms - (clock_boot_ms() - start);
        if (left <= 0) {
            break;
        }
        lock_pause(left < LOCK_PAUSE_MS ? left : LOCK_PAUSE_MS);
        problem = lock_try(lock->path, &lock->descriptor, holder);
    }
    if (problem == 0) {
        lock->process = getpid();
        lock_sign(lock->descriptor, purpose);
        return SEALRING_OK;
    }
    if (problem == EWOULDBLOCK || problem == EINTR || problem == ESTALE) {
        error_set_registry(error, 0, "the vault is locked by %s (lock file %s): try again when it is done", holder,
                           lock->path);
    } else {
        error_set_registry(error, 0, "the lock %s cannot be had: %s", lock->path, strerror(problem));
    }
    if (error != NULL) {
        error->system_errno = problem;
    }
    return SEALRING_REGISTRY;
}

void lock_release(struct lock *lock)
{
    if (lock->descriptor < 0) {
        return;
    }
    if (lock->process == getpid()) {
        if (ftruncate(lock->descriptor, 0) != 0) {
            /* A stale line is no harm: it is shown only while somebody holds the lock, who writes another. */
        }
        flock(lock->descriptor, LOCK_UN); /* said aloud: a forked child may have the descriptor open still */
    }
    close(lock->descriptor);
    lock->descriptor = -1;
}

bool lock_is_taken(const char *path)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
    if (descriptor < 0) {
        return false;
    }
    /* shared, and let go of at once: who wants the lock at this very moment tries again */
    bool taken = flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(descriptor);
    return taken;
}
