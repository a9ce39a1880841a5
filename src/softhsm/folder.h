/* SPDX-License-Identifier: Apache-2.0 */
/* The folders of a software token and its copies. */
#ifndef SOFTHSM_FOLDER_H
#define SOFTHSM_FOLDER_H

enum folder_entries { FOLDER_DIRECTORIES, FOLDER_FILES, FOLDER_ALL };

/* Calls back with the name of each directory, regular file or entry of any kind in the folder, in no order; none if the folder is
 * missing. The callback may remove the entry. Returns 0, or an errno: the folder cannot be read. */
int folder_each(const char *path, enum folder_entries entries, void (*each)(const char *name, void *context),
                void *context);

/* Makes the folder (0700) and its parent, if they are missing, and syncs the folders that contain them. Returns 0, or an errno. */
int folder_make(const char *path);

#endif
