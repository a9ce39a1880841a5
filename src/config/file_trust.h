/* SPDX-License-Identifier: Apache-2.0 */
/* Trusted owners of files: root, and the user who runs this. */
#ifndef CONFIG_FILE_TRUST_H
#define CONFIG_FILE_TRUST_H

#include <stdbool.h>
#include <sys/stat.h>

#include <sealring/verify.h>

/* Each returns SEALRING_INVALID, with the path, its owner and what to do. A missing file is not reported here. */

/* The file belongs to root or to the user who runs this; if that is root, to root. */
sealring_status trust_owner(const struct stat *file, const char *path, sealring_error *error);

/* No other user can replace this directory: every directory above it belongs to root or the user, and is writable by its owner only, or
 * has the sticky bit. path: absolute, without symbolic links. */
sealring_status trust_way(const char *path, sealring_error *error);

/* The file is not writable by everybody, and `by_owner` has a trusted owner. */
sealring_status trust_file(const char *path, bool by_owner, sealring_error *error);

#endif
