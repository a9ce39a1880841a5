/* SPDX-License-Identifier: Apache-2.0 */
/* Files by descriptor and by directory. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <sys/types.h>

/* Returns whether the descriptor is open and names this file. It may name another one: in a program that closed all files to become a daemon, and
 * in a child, because fork copies the descriptors before the memory, so that a file that another thread opens meanwhile is noted in the
 * memory and not open. */
bool file_is_open(int descriptor, dev_t device, ino_t inode);

/* Ensures that the names in the directory survive a power loss. Returns 0 or an error number. */
int file_sync_directory(const char *directory);

#endif
