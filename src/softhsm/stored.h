/* SPDX-License-Identifier: Apache-2.0 */
/* One file of a token's folder, or a copy of one: read, written in place, copied. Only within separate_run. */
#ifndef SOFTHSM_STORED_H
#define SOFTHSM_STORED_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "softhsm/object_file.h"

/* A store's folder, a token's folder in it, a file there, and a suffix. */
#define STORED_PATH_MAX (PATH_MAX + 2 * (NAME_MAX + 1) + 8)

/* bytes: OBJECT_FILE_MAX bytes that the caller owns. */
struct stored {
    uint8_t *bytes;
    size_t length;
    bool exists;
};

/* FOLDER/NAME. */
void stored_path(const char *folder, const char *name, char path[STORED_PATH_MAX]);

/* The folder that contains the file or folder with this absolute path. */
void stored_above(const char *path, char above[STORED_PATH_MAX]);

/* Each of these returns 0 or an errno. */

/* Opens a regular file. O_CREAT: makes a missing one, with mode 0600 and the owner of its folder. */
int stored_open(const char *path, int flags, int *descriptor);

/* Reads the whole file under a shared fcntl lock, which excludes writers. A missing file gives `exists` false, a longer one its first
 * OBJECT_FILE_MAX bytes. EAGAIN: it was locked for more than two seconds. */
int stored_read(const char *path, struct stored *stored);

/* Decides under the lock, from the file's present content, whether to replace it. */
typedef bool (*stored_decision)(const struct stored *found, void *context);

/* Under an exclusive lock, like SoftHSM2's: reads the file into `found` and, if the decision is yes or NULL, replaces its content in place and
 * syncs it. Makes a missing file (0600). *replaced: it was done. If interrupted, it leaves an empty file or the new
 * content. */
int stored_replace(const char *path, struct stored *found, stored_decision decision, void *context,
                   const struct stored *content, bool *replaced);

/* Writes this content to the file FOLDER/NAME, atomically, and syncs file and folder. */
int stored_copy(const char *folder, const char *name, const struct stored *content);

/* Removes FOLDER/NAME and syncs the folder; a missing file is no error. */
int stored_remove(const char *folder, const char *name);

/* Gives a file or folder that root made to the owner of its folder, who could not read it otherwise. `path` is the file's. */
int stored_give(int descriptor, const char *path);

/* Syncs the content of a file or folder. */
int stored_sync(const char *path);

#endif
