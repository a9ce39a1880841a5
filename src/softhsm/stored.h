/* SPDX-License-Identifier: Apache-2.0 */
/* One file of a token's folder, or a copy of one: read, written in place, copied. Only within separate_run. */
#ifndef SOFTHSM_STORED_H
#define SOFTHSM_STORED_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "softhsm/object_file.h"

#define STORED_PATH_MAX (PATH_MAX + 256)

/* bytes: of the caller, OBJECT_FILE_MAX long. */
struct stored {
    uint8_t *bytes;
    size_t length;
    bool exists;
};

/* Each returns 0 or an errno. */

/* Reads the whole file under a shared lock by fcntl, which keeps out whoever changes it; one that is missing is read as `exists` false, a
 * longer one as OBJECT_FILE_MAX bytes of it. EAGAIN: it is locked for more than two seconds. */
int stored_read(const char *path, struct stored *stored);

/* Decides under the lock whether the file is to be replaced, from what it holds then. */
typedef bool (*stored_decision)(const struct stored *found, void *context);

/* Under an exclusive lock, as SoftHSM2 takes it: reads the file into `found` and, if the decision is yes, replaces its content in place and
 * writes it to disk. A file that is missing is made (0600) if `make` is true. *replaced says whether it was done. Interrupted, it leaves an
 * empty file or the new content. */
int stored_replace(const char *path, bool make, struct stored *found, stored_decision decision, void *context,
                   const struct stored *content, bool *replaced);

/* Makes the file FOLDER/NAME have this content, as a whole or not at all, and writes file and folder to disk. */
int stored_copy(const char *folder, const char *name, const struct stored *content);

/* Removes FOLDER/NAME and writes the folder to disk; one that is missing is no error. */
int stored_remove(const char *folder, const char *name);

/* What root makes belongs to whoever owns the folder that it is in, who could not read it otherwise. `path` is the file's. */
int stored_give(int descriptor, const char *path);

/* Writes the file's content to disk. */
int stored_sync(const char *path);
int stored_sync_folder(const char *path);

#endif
