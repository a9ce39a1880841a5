/* SPDX-License-Identifier: Apache-2.0 */
/* Whose files are believed: root's, and those of the user who runs this. */
#ifndef CONFIG_FILE_TRUST_H
#define CONFIG_FILE_TRUST_H

#include <sys/stat.h>

#include <sealring/verify.h>

/* Each is SEALRING_INVALID, with the path, whose it is and what to do. A file that is not there is for others to complain of. */

/* It belongs to root or to the user who runs this; for root: to root. */
sealring_status trust_owner(const struct stat *file, const char *path, sealring_error *error);

/* Nobody else can put another directory in this one's place: every directory above it belongs to root or the user, and is writable by its
 * owner only, or has the sticky bit. path: absolute, without symbolic links. */
sealring_status trust_way(const char *path, sealring_error *error);

/* Not everybody can write it. */
sealring_status trust_not_writable(const char *path, sealring_error *error);

/* Both: its owner, and not everybody can write it. */
sealring_status trust_file(const char *path, sealring_error *error);

#endif
