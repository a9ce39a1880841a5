/* SPDX-License-Identifier: Apache-2.0 */
/* The folders that a software token and its copies are in. */
#ifndef SOFTHSM_FOLDER_H
#define SOFTHSM_FOLDER_H

enum folder_entries { FOLDER_DIRECTORIES, FOLDER_FILES, FOLDER_ALL };

/* Calls back with the name of each directory, regular file or entry of any kind in the folder, in no order; a missing folder has none. The callback
 * may remove what it is called with. 0, or an errno: the folder cannot be read. */
int folder_each(const char *path, enum folder_entries entries, void (*each)(const char *name, void *context),
                void *context);

/* Makes the folder (0700) with the one that it is in, if they are missing, and writes both into theirs. 0, or an errno. */
int folder_make(const char *path);

#endif
