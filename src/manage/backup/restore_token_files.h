/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the vault's own software tokens during a restore: repaired from their copies before the tokens are used. */
#ifndef MANAGE_BACKUP_RESTORE_TOKEN_FILES_H
#define MANAGE_BACKUP_RESTORE_TOKEN_FILES_H

#include "config/config.h"
#include "manage/backup/compare_with_token.h"
#include "manage/tokens/token_file_copies.h"
#include "registry/rows/rows.h"

#define TOKEN_FILES_PATH_SIZE 160

struct token_file {
    char path[TOKEN_FILES_PATH_SIZE]; /* below the vault's directory, for people: printable ASCII */
    bool audit;                       /* of the audit token */
    struct object_file object;
    enum copies_outcome outcome;
};

/* All zero at the beginning. */
struct token_files {
    struct token_file *files;
    size_t count;
    bool incomplete; /* memory was exhausted */
};

/* Under the registry's lock: as copies_restore, and notes what was found. A dry run repairs nothing, and returns SEALRING_TOKEN if a token cannot
 * be used without the repair. */
sealring_status token_files_repair(struct token_files *files, const struct config *config, struct registry *registry,
                                   sealring_error *error);

/* The first file of the token that is damaged and has no good copy; NULL: there is none. */
const struct token_file *token_files_lost(const struct token_files *files, bool audit);

/* Makes a dry run continue as if the files were repaired: what the token answered without them does not count. */
void token_files_suppose(const struct token_files *files, struct confront *confront);

/* The damaged or missing file of the version's object; NULL: it was neither damaged nor missing, or it has no copy. */
const struct token_file *token_files_find(const struct token_files *files, const struct registry_version *row);

/* Whether both tokens are the vault's own: then an audit token that has this vault's key confirms that the key token is this vault's as well. */
bool token_files_are_own(const struct config *config);

void token_files_release(struct token_files *files);

#endif
