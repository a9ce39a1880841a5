/* SPDX-License-Identifier: Apache-2.0 */
/* A small file system of this process's own, which can be filled to the last block. */
#ifndef TESTS_CRASH_DISK_H
#define TESTS_CRASH_DISK_H

#include <stdbool.h>

/* Mounts it on the directory, which keeps what is in it, in a mount namespace of this process's own. False, and errno: that is not allowed here. */
bool disk_mount(const char *directory);

/* Takes all the space that there is; again, if some has become free. False, and errno: there is still some. */
bool disk_fill(const char *directory);
void disk_empty(const char *directory);

/* Gives some of that space back, so that the disk can be filled again at once. */
void disk_yield(const char *directory, long bytes);

#endif
