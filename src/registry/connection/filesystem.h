/* SPDX-License-Identifier: Apache-2.0 */
/* The file systems on which a registry may be stored. */
#ifndef REGISTRY_CONNECTION_FILESYSTEM_H
#define REGISTRY_CONNECTION_FILESYSTEM_H

#include <stdbool.h>
#include <stdint.h>

#include <sealring/verify.h>

#include "base/network_filesystem.h"

/* SEALRING_REGISTRY if `path` is on one. Only reads the path's status, never opens it. */
sealring_status filesystem_check(const char *path, sealring_error *error);

/* The same for a path that may not exist yet: checks the nearest existing directory above it. */
sealring_status filesystem_check_above(const char *path, sealring_error *error);

/* Returns whether it is on overlayfs: its directories have the inodes of lower ones, and its files are copied when they are written. */
bool filesystem_is_overlay(const char *path);

/* Returns whether a part of the directory (symbolic links are followed) is on the same mount as the directory; true if one of them does
 * not exist, or cannot be reached. */
bool filesystem_is_same_mount(const char *directory, const char *part);

#endif
