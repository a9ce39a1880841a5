/* SPDX-License-Identifier: Apache-2.0 */
/* Directories of vaults as files: copied over each other, moved to another path, compared. */
#ifndef FORGER_FILES_H
#define FORGER_FILES_H

#include <stdbool.h>
#include <stddef.h>

/* Makes the directory `to` contain what `from` contains. `to` itself stays the same directory if it exists, as sealring.conf has its inode. */
void files_copy(const char *from, const char *to);
void files_remove(const char *directory);
/* One file, the registry with all that its write-ahead log contains. */
void files_copy_registry(const char *from, const char *to);
/* The vault at `vault`, a copy of the one at `path`, belongs where it is, and has no audit token. */
void files_adapt(const char *vault, const char *path, const char *place);
/* How many of the token's files in the vault `whole` are missing or different in the vault `work`. `names`: room for the first of them. */
unsigned files_differ(const char *whole, const char *work, char *names, size_t size);

#endif
