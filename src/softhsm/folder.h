/* SPDX-License-Identifier: Apache-2.0 */
/* The folders of a software token and its copies. */
#ifndef SOFTHSM_FOLDER_H
#define SOFTHSM_FOLDER_H

#include <dirent.h>
#include <sys/stat.h>

/* A folder whose entries are being read. */
struct folder {
    DIR *stream;
    mode_t kind;
    int problem; /* 0, or an errno: it cannot be read completely */
};

/* Begins to read the entries of one kind (S_IFDIR, S_IFREG; 0: of any kind). A missing folder has none. */
struct folder folder_open(const char *path, mode_t kind);

/* The name of the next entry, in no order; valid until the next call. The entry may be removed. NULL: there is none, and the folder is closed.
 * So read to the end, and then `problem`. */
const char *folder_next(struct folder *folder);

/* Makes the folder (0700) and its parent, if they are missing, and syncs the folders that contain them. Returns 0, or an errno. */
int folder_make(const char *path);

#endif
