/* SPDX-License-Identifier: Apache-2.0 */
/* The doorbell: a small file whose word changes when there is something to poll for, and a futex that wakes the processes that wait for it. */
#ifndef BELL_BELL_H
#define BELL_BELL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A bell is a hint and nothing more. Whoever rings it makes others poll sooner; whoever silences it makes them poll as late as they would
 * without it. So every failure means only "no bell": there are no error messages, and the caller polls at its own interval.
 *
 * A process that waits for a change does this, in this order, or it misses a change:
 *
 *     there = bell_read(&bell, &word);
 *     poll;
 *     if (!there || bell_wait(&bell, word, milliseconds) == BELL_ABSENT)
 *         sleep for the interval without a bell;
 *
 * A process that has made a change calls bell_ring after the change is visible to a poll.
 *
 * The word is read by pread and written by pwrite. The mapping serves only as the futex's address: nothing is loaded from it, so a file
 * that was truncated costs EFAULT and no SIGBUS. The kernel identifies a shared futex by the file's inode and offset, so processes of all
 * containers of a host meet that have the same file. A file that is not the one under the path any more is exchanged by the next bell_read.
 *
 * A file is used only if it is a regular one with a single name, is reached without a symbolic link in the last part of its path, belongs
 * to root, to this process's user or to the owner of its directory, is not writable by everybody, and begins as a bell does. */

#define BELL_BURST   32 /* rings that are answered at once before the limit applies */
#define BELL_REST_MS 20 /* the usual limit: after a burst, one ring in this time is answered */

enum bell_answer {
    BELL_RUNG,        /* the word is another one: poll */
    BELL_SILENT,      /* the time has passed */
    BELL_INTERRUPTED, /* bell_interrupt was called */
    BELL_ABSENT, /* there is no bell, or the kernel does not wait on it; returned at once, so the caller sleeps itself */
};

/* One process's view of a bell, for waiting. The members belong to bell.c. */
struct bell {
    const char *path;
    int file; /* -1: none */
    dev_t device;
    ino_t inode;
    _Atomic(const char *) page; /* its mapping; NULL: none */
    uint32_t bit;               /* its waiter's, in the futex's set of bits */
    int64_t rest_ms;
    int64_t rested_at; /* CLOCK_MONOTONIC, milliseconds: when all of the burst is available again */
    atomic_int waiter; /* process ID of the one that is inside bell_wait; 0: none */
    atomic_bool interrupted;
};

/* Prepares to wait for the bell in the file `path`, which must outlive it and may be missing. rest_ms: after BELL_BURST rings that were
 * answered at once, bell_wait returns BELL_RUNG once in this time, in milliseconds, however often somebody rings, or wakes the futex
 * without ringing; 0: no limit. Cannot fail, makes no system call on the file. */
void bell_open(struct bell *bell, const char *path, int64_t rest_ms);

/* Releases file and mapping. No thread may be inside bell_wait. */
void bell_close(struct bell *bell);

/* The same in a forked child for its parent's bell, whatever the parent's threads were doing: closes the descriptor and leaves the memory
 * alone. */
void bell_abandon(struct bell *bell);

/* Reads the word, from the file that is under the path now. Returns false if there is no bell: no such file, no permission, a file that is
 * not to be trusted, a file system that cannot map it. A later call tries again.
 * One thread at a time calls bell_read and bell_wait for one bell. */
bool bell_read(struct bell *bell, uint32_t *word);

/* Waits until the word is not `word`, which bell_read returned before the poll, for at most `milliseconds` (CLOCK_MONOTONIC). Returns at
 * once if it is another one already, unless the limit of rings applies. A signal does not end the wait. A file that is truncated, removed
 * or replaced meanwhile may end the wait only with the time. */
enum bell_answer bell_wait(struct bell *bell, uint32_t word, int64_t milliseconds);

/* Ends the wait of another thread of this process, and every later one, at once; returns when no thread is inside bell_wait. Wakes few
 * other processes, which go on waiting. Called by any thread, between bell_open and bell_close. */
void bell_interrupt(struct bell *bell);

/* Changes the word and wakes everybody who waits on it. Makes the file if it is missing: with the owner and group of its directory if this
 * is root, readable by the group if the directory is, and writable by it if the directory is. Returns whether it was rung; the caller need
 * not care. Keeps no state: it may be called by any thread at any time, and in a forked child. Blocks for no other process. */
bool bell_ring(const char *path);

#endif
