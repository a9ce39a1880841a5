/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the vault's own software tokens during a restore: repaired from their copies before the tokens are used. */
#ifndef MANAGE_BACKUP_RESTORE_TOKEN_FILES_H
#define MANAGE_BACKUP_RESTORE_TOKEN_FILES_H

#include "config/config.h"
#include "manage/backup/compare_with_token.h"
#include "manage/tokens/token_file_copies.h"
#include "registry/rows/rows.h"

#define TOKEN_FILES_PATH_SIZE 160
#define TOKEN_FILES_TEXT_SIZE 448

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

/* Each of these writes what an operator should know. False: there is nothing to report. */

/* For the file number `index`: that it was restored, and for which version. */
bool token_files_describe(const struct token_files *files, size_t index, const struct confront *confront, bool dry_run,
                          char text[TOKEN_FILES_TEXT_SIZE]);

/* For a closed version: that its key is gone, which a reinstatement would need. */
bool token_files_describe_gone(const struct token_files *files, const struct confront_version *version,
                               char text[TOKEN_FILES_TEXT_SIZE]);

/* For an accepted version without a usable key: what happened to the key. */
void token_files_describe_loss(const struct token_files *files, const struct confront_version *version,
                               char text[TOKEN_FILES_TEXT_SIZE]);

/* Whether both tokens are the vault's own: then an audit token that has this vault's key confirms that the key token is this vault's as well. */
bool token_files_are_own(const struct config *config);

void token_files_release(struct token_files *files);

#endif
