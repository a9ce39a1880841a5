/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the vault's own software tokens while its registry is restored: repaired from their copies before the tokens are asked. */
#ifndef MANAGE_BACKUP_TOKEN_FILES_H
#define MANAGE_BACKUP_TOKEN_FILES_H

#include "config/config.h"
#include "manage/backup/confront.h"
#include "manage/tokens/copies.h"
#include "registry/rows/rows.h"

#define TOKEN_FILES_PATH_SIZE 160
#define TOKEN_FILES_TEXT_SIZE 448

struct token_file {
    char path[TOKEN_FILES_PATH_SIZE]; /* below the vault, for people: of printable ASCII */
    bool audit;                       /* of the audit token */
    struct object_file object;
    enum copies_outcome outcome;
};

/* All zero at first. */
struct token_files {
    struct token_file *files;
    size_t count;
    bool incomplete; /* for lack of memory */
};

/* Under the registry's lock: as copies_restore, and notes what was found. In a dry run nothing is repaired, and SEALRING_TOKEN is returned if a token
 * cannot be asked without that. */
sealring_status token_files_repair(struct token_files *files, const struct config *config, struct registry *registry,
                                   sealring_error *error);

/* The first file of the token that is damaged and has no good copy; NULL: there is none. */
const struct token_file *token_files_lost(const struct token_files *files, bool audit);

/* A dry run goes on as if the files were repaired: what the token answered without them counts for nothing. */
void token_files_suppose(const struct token_files *files, struct confront *confront);

/* Each writes what an operator should know. False: there is nothing to report. */

/* Of the file number `index`: that it was restored, for which version. */
bool token_files_describe(const struct token_files *files, size_t index, const struct confront *confront, bool dry_run,
                          char text[TOKEN_FILES_TEXT_SIZE]);

/* Of a closed version: that its key is gone, which a reinstatement would need. */
bool token_files_describe_gone(const struct token_files *files, const struct confront_version *version,
                               char text[TOKEN_FILES_TEXT_SIZE]);

/* Of an accepted version whose key is not good: what happened to it. */
void token_files_describe_loss(const struct token_files *files, const struct confront_version *version,
                               char text[TOKEN_FILES_TEXT_SIZE]);

/* Whether both tokens are the vault's own, so that an audit token that has this vault's key vouches for the key token. */
bool token_files_are_own(const struct config *config);

void token_files_release(struct token_files *files);

#endif
