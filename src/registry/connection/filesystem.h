/* SPDX-License-Identifier: Apache-2.0 */
/* Which file systems a registry may live on. */
#ifndef REGISTRY_CONNECTION_FILESYSTEM_H
#define REGISTRY_CONNECTION_FILESYSTEM_H

#include <stdbool.h>
#include <stdint.h>

#include <sealring/verify.h>

/* The name of the network or cluster file system with this f_type (statfs(2)), NULL if it is none. Pure. */
const char *filesystem_network_name(uint32_t type);

/* SEALRING_REGISTRY if `path` lies on one. The path is only looked at, never opened. */
sealring_status filesystem_check(const char *path, sealring_error *error);

/* The same for a path that may not be there yet: of the nearest directory above it that is. */
sealring_status filesystem_check_above(const char *path, sealring_error *error);

/* Whether it is on overlayfs, whose directories have the inodes of those below, and whose files are copied when they are written to. */
bool filesystem_is_overlay(const char *path);

/* Whether a part of the directory (symbolic links are followed) is on the mount that the directory is on; true if one of them is not there, or cannot
 * be reached. */
bool filesystem_is_same_mount(const char *directory, const char *part);

#endif
