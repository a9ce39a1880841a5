/* SPDX-License-Identifier: Apache-2.0 */
/* The file with a credential: reading it, whether it can be replaced, replacing it as a whole, and the lock between processes. */
#ifndef CLIENT_FILE_H
#define CLIENT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <sealring/client.h>

#define CLIENT_REASON_SIZE 256

/* Identifies one content of a file: a replaced or rewritten file has another one. */
struct client_mark {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

bool client_mark_equal(const struct client_mark *a, const struct client_mark *b);

/* False if there is no such file, or it cannot be reached. */
bool client_mark_take(const char *path, struct client_mark *mark);

/* Reads the credential: one line, blanks and line ends around it are ignored. SEALRING_INVALID if there is anything else. *mark belongs to
 * what was read. */
sealring_status client_file_read(const char *path, char text[SEALRING_CLIENT_TEXT_MAX + 1], struct client_mark *mark,
                                 sealring_error *error);

/* Returns whether the file can be replaced, atomically and durably; otherwise `reason` states why not. */
bool client_file_replaceable(const char *path, char reason[CLIENT_REASON_SIZE]);

/* A new content of a file, which is written beside it before it replaces it. */
struct client_saving {
    const char *path;
    char *beside; /* its path while it is being written; NULL: none */
    int descriptor;
    size_t room;
};

/* Creates it with owner and permissions of `model`, and with `room` bytes of space, so that a full disk is noticed before a server is
 * asked. `ending` distinguishes it from others: it may be left by a crash, and is then replaced. The caller holds the lock. */
sealring_status client_saving_begin(struct client_saving *saving, const char *path, const char *model, size_t room,
                                    sealring_error *error);

/* Writes the content, and replaces the file by it. On success both survive a power loss; on failure the file is unchanged. */
sealring_status client_saving_finish(struct client_saving *saving, const void *content, size_t length,
                                     sealring_error *error);

/* Removes what was written and is not in place. Also after client_saving_finish, and after a failed begin. */
void client_saving_end(struct client_saving *saving);

/* Locks the file against other processes that renew it, by flock(2) on PATH.lock; waits at most wait_ms. SEALRING_WAITING if another one
 * holds it. *descriptor is closed by client_file_unlock. */
sealring_status client_file_lock(const char *path, int64_t wait_ms, int *descriptor, sealring_error *error);
void client_file_unlock(int *descriptor);

#endif
